import assert from "node:assert/strict";
import { test } from "node:test";
import { Election } from "../../../gateway/pages/election.js";
import { commonLevel, levelWords, wordsOf } from "../../../gateway/pages/levels.js";
import { fromAddress, toAddress } from "../../../gateway/pages/selection.js";
import { words } from "../../../gateway/pages/strings.js";
import { election as standard } from "./election.mjs";

const t = words("en");
const NAMES = [{ id: "a", name: "Ann" }];

/** Four levels, votes abroad under the country, and constituencies that cross provinces. */
function deep() {
  return new Election({
    name: "Land",
    date: "2026-11-01",
    timezone: "UTC",
    contests: [{ id: "m", name: "M", candidates: NAMES, ballots: { "n/c/1": [{ id: "b", name: "Bea" }] } }],
    sources: [{ id: "aa", name: "AA" }],
    parties: [],
    levels: [
      { id: "country", name: "Country" },
      { id: "province", name: "Province", plural: "Provinces" },
      { id: "district", name: "District", plural: "Districts" },
      { id: "ward", name: "Ward", plural: "Wards" },
    ],
    trees: [{ id: "parliament", name: "Parliament", levels: [{ id: "seat", name: "Seat", plural: "Seats" }] }],
    units: [
      { id: "n", level: "country", name: "Land" },
      { id: "n/p", level: "province", name: "P", parent: "n" },
      { id: "n/p/d", level: "district", name: "D", parent: "n/p" },
      { id: "n/p/d/w", level: "ward", name: "W", parent: "n/p/d", boxes: [[1, 3]], registered: 9, also_in: ["n/c/1"] },
      { id: "n/abroad", level: "province", name: "Abroad", parent: "n", boxes: [[1, 4]], registered: 5 },
      { id: "n/c/1", level: "seat", name: "One", parent: "n" },
    ],
  });
}

const ids = (/** @type {readonly {id: string}[]} */ units) => units.map(({ id }) => id);

test("boxes and voters add up in every tree, once", () => {
  const election = deep();
  assert.deepEqual(
    [7, 3, 3, 4],
    ["n", "n/p", "n/c/1", "n/abroad"].map((unit) => election.boxesTotal(unit)),
  );
  assert.equal(14, election.registeredTotal("n"));
});

test("the country lists the units of one tree", () => {
  const election = deep();
  assert.deepEqual(["n/p", "n/abroad"], ids(election.children("n")));
  assert.deepEqual(["n/c/1"], ids(election.children("n", "parliament")));
  assert.deepEqual(["n/p/d/w"], ids(election.children("n/c/1", "parliament")));
  assert.deepEqual(["n", "n/*"], election.patterns("n"));
  assert.deepEqual(["n", "n/*:parliament"], election.patterns("n", "parliament"));
  assert.deepEqual(["n/c/1", "n/c/1/*"], election.patterns("n/c/1", "parliament"));
});

test("a counting unit is listed in what it lies in, of whatever level it is", () => {
  const election = deep();
  assert.equal("n", election.scopeOf("n/abroad").id);
  assert.equal("n/p/d", election.scopeOf("n/p/d/w").id);
  assert.equal("n/c/1", election.scopeOf("n/c/1").id);
  assert.equal("n", election.home.id);
});

test("a ballot holds for all that is below its unit", () => {
  const election = deep();
  assert.deepEqual(["b"], ids(election.ballot("m", "n/p/d/w")));
  assert.deepEqual(["a"], ids(election.ballot("m", "n/p")));
});

test("levels are called by the definition's names", () => {
  assert.deepEqual({ one: "Ward", many: "Wards", all: "Wards: all" }, levelWords(t, deep(), "ward"));
  assert.equal("Seats", levelWords(t, deep(), "seat").many);
  assert.equal(
    "aa reports totals (Ward), not boxes: the gap cannot be split.",
    wordsOf(t, deep())("whyDistricts", { source: "aa" }),
  );
});

test("where no levels are named they are those of the page's language", () => {
  assert.equal(t, wordsOf(t, standard()));
  assert.deepEqual({ one: "District", many: "Districts", all: "All districts" }, levelWords(t, standard(), "district"));
  assert.equal("All provinces", levelWords(t, standard(), "province").all);
});

test("units of several levels are called by the one that most are of", () => {
  assert.equal("b", commonLevel([{ level: "a" }, { level: "b" }, { level: "b" }]));
  assert.equal("", commonLevel([]));
});

test("every text about districts has a general one, in both languages", () => {
  for (const language of ["tr", "en"]) {
    const general = wordsOf(words(language), deep());
    for (const key of ["chooseDistrict", "noMap", "odd_boxes_over_total", "seatsOf", "whyPart", "whyShared"])
      assert.ok(!/ilçe|district/i.test(general(key)), key);
  }
});

test("an address keeps the tree that is listed", () => {
  const selection = fromAddress("?tree=parliament", deep());
  assert.equal("parliament", selection.tree);
  assert.equal("?contest=m&source=aa&unit=n&tree=parliament", toAddress(selection, ""));
  assert.equal("?unit=n", toAddress(/** @type {any} */ ({ unit: "n", tree: "" }), "?tree=parliament"));
  assert.equal(undefined, fromAddress("?tree=none", deep()).tree);
});
