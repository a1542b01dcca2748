import assert from "node:assert/strict";
import { test } from "node:test";

import { fromAddress, languageOf, toAddress } from "../../../gateway/pages/selection.js";
import { election } from "./election.mjs";

test("an address keeps a selection and falls back where it knows nothing", () => {
  assert.deepEqual(fromAddress("?contest=council&unit=tr/34", election()), {
    contest: "council",
    source: "aa",
    unit: "tr/34",
  });
  assert.deepEqual(fromAddress("?contest=no&unit=no", election()), { contest: "mayor", source: "aa", unit: "tr/34" });
});

test("an address of a selection keeps what else was asked", () => {
  const selection = { contest: "council", source: "aa", unit: "tr/34" };
  assert.equal(toAddress(selection, "?lang=en"), "?lang=en&contest=council&source=aa&unit=tr/34");
});

test("a language that we do not speak is Turkish", () => {
  assert.deepEqual(["?lang=en", "?lang=fr", ""].map(languageOf), ["en", "tr", "tr"]);
});
