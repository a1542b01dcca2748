import assert from "node:assert/strict";
import { test } from "node:test";

import { whyRefused, whyUnready } from "../../../gateway/pages/control/sentences.js";
import { words } from "../../../gateway/pages/control/words.js";

const silent = { code: "log_silent", sentence: "The log last answered 61 s ago.", values: { age_s: 61, limit_s: 60 } };

test("a reason is said in the language of the room, with its parameters", () => {
  assert.match(whyUnready(words("tr"), silent), /61 sn önce .*sınır 60 sn/);
  assert.match(whyUnready(words("en"), silent), /61 s ago/);
});

test("a code that has no words here is said as the gateway says it", () => {
  assert.equal(whyUnready(words("tr"), { ...silent, code: "newer" }), "The log last answered 61 s ago.");
  assert.equal(whyRefused(words("tr"), { error: "Something else.", code: "newer" }), "Something else.");
  assert.equal(whyRefused(words("tr"), { error: "Something else." }), "Something else.");
});

test("a refusal is said in the language of the room, and what was not refused has none", () => {
  assert.match(whyRefused(words("tr"), { error: "English.", code: "no_effect", why: "x" }) ?? "", /etkisi yok: x/);
  assert.equal(whyRefused(words("tr"), {}), undefined);
});
