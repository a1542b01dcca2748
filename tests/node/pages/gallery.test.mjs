import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOf, usesOf } from "../../../gateway/pages/gallery/address.js";
import { MANIFEST } from "../../../gateway/pages/overlays/manifest.js";

const [DUEL] = MANIFEST.overlays.filter(({ name }) => name === "duel");

test("an address says what differs from the standard", () => {
  const values = { unit: "tr/34", theme: "dark", candidates: "a,b", token: "" };
  assert.equal(
    addressOf("http://g:1", DUEL, values, { theme: "dark" }),
    "http://g:1/overlays/duel?unit=tr/34&candidates=a,b",
  );
});

test("every tool is told in its own words", () => {
  const uses = Object.fromEntries(usesOf("http://g:1/overlays/duel?unit=tr/34", DUEL));
  assert.equal(uses.OBS, "http://g:1/overlays/duel?unit=tr/34");
  assert.equal(uses.CasparCG, 'PLAY 1-14 [HTML] "http://g:1/overlays/duel?unit=tr/34&play=0"');
  assert.equal(uses["SPX-GC"], 'sandik/duel.html {"unit":"tr/34"}');
  assert.match(Object.fromEntries(usesOf("http://g:1/overlays/duel", DUEL)).CasparCG, /duel\?play=0"/);
});
