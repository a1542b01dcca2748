import assert from "node:assert/strict";
import { test } from "node:test";

import { affiliation, Election } from "../../../gateway/pages/election.js";
import { election, PROVINCES } from "./election.mjs";

test("it answers what is below what, and how many boxes and voters there are", () => {
  const known = election();
  assert.equal(known.home.id, "tr/34");
  assert.deepEqual(
    known.children("tr/34").map(({ id }) => id),
    ["tr/34/fatih", "tr/34/sile"],
  );
  assert.deepEqual(
    ["tr", "tr/34", "tr/34/sile", "no"].map((id) => known.boxesTotal(id)),
    [16, 16, 6, 0],
  );
  assert.deepEqual(
    ["tr/34/fatih", "tr/34"].map((id) => known.registeredTotal(id)),
    [3_000, NaN],
  );
  assert.deepEqual(
    ["tr", "tr/34", "tr/34/sile"].map((id) => known.scopeOf(id).id),
    ["tr/34", "tr/34", "tr/34"],
  );
});

test("a ballot is the unit's own where it has one, and knows how a candidate is drawn", () => {
  const known = election();
  assert.deepEqual(
    known.ballot("council", "tr/34/sile").map(({ id, party, mark, independent }) => [id, party, mark, independent]),
    [["c", null, "none", true]],
  );
  assert.deepEqual(
    known.ballot("mayor", "tr/34").map(({ id, party, color, mark }) => [id, party, color, mark]),
    [
      ["a", "BP", "#e4002b", 0],
      ["b", "İP", "#1c7c54", 1],
    ],
  );
});

test("whoever a unit's ballot does not name is named as another ballot of the contest does", () => {
  const known = election();
  assert.equal(known.stranger("c", "council").name, "Can");
  assert.equal(known.stranger("c", "mayor").name, "c");
});

test("what is held has names", () => {
  const known = election();
  assert.equal(known.heldName("council"), "Meclis");
  assert.equal(known.heldName("council/tr/34/sile"), "Meclis · Şile");
});

test("below a name stand the party, or that there is none, and that the candidate has withdrawn", () => {
  const drawn = election().stranger("x", "mayor");
  const t = (/** @type {string} */ key) => key;
  assert.equal(affiliation({ ...drawn, partyName: "BP", independent: false }, t), "BP");
  assert.equal(affiliation(drawn, t), "independent");
  assert.equal(affiliation({ ...drawn, withdrawn: true }, t), "independent · withdrawn");
  assert.equal(affiliation({ ...drawn, independent: false, withdrawn: true }, t), "withdrawn");
});

test("what it does not have is a fault of ours and throws", () => {
  assert.throws(() => election().unit("tr/99"), /tr\/99/);
  assert.throws(() => election().contest("no"), /no/);
  assert.throws(() => election().source("bbc"), /bbc/);
});

test("of a source that tells provinces what lies inside one is not told, and the sums above are", () => {
  const known = new Election({
    .../** @type {any} */ (PROVINCES),
    sources: [
      { id: "aa", name: "AA" },
      { id: "dha", name: "DHA", reports: "districts", levels: { mayor: "province" } },
    ],
  });
  const not = (/** @type {string} */ source, contest = "mayor") =>
    known.units.filter(({ id }) => known.toldAbove(contest, source, id)).map(({ id }) => id);
  assert.deepEqual(not("dha"), ["tr/34/fatih", "tr/34/sile"]);
  assert.equal(known.toldAbove("mayor", "dha", "tr/34/sile"), "province");
  assert.deepEqual(not("dha", "council"), []);
  assert.deepEqual(not("aa"), []);
});
