import assert from "node:assert/strict";
import { test } from "node:test";

import { TEXTS as ROOM, words as roomWords } from "../../../gateway/pages/control/words.js";
import { TEXTS as PAGE, words } from "../../../gateway/pages/strings.js";

for (const [page, texts] of Object.entries({ "the board's": PAGE, "the control room's": ROOM })) {
  test(`${page} two languages say the same things`, () => {
    assert.deepEqual(Object.keys(texts.tr).sort(), Object.keys(texts.en).sort());
  });
}

test("values are filled in, and a language that is not there is Turkish", () => {
  assert.equal(words("en")("votes", { n: 3 }), "3 votes");
  assert.equal(words("fr")("votes", {}), " oy");
});

test("a key that is not there throws", () => {
  for (const of of [words, roomWords]) assert.throws(() => of("tr")("no such key"), /no such key/);
});
