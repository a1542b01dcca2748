import assert from "node:assert/strict";
import { test } from "node:test";

import { MANIFEST } from "../../../gateway/pages/overlays/manifest.js";
import { noSuch, read, renamed, select } from "../../../gateway/pages/overlays/parameters.js";
import { parametersIn } from "../../../gateway/pages/overlays/playout-data.js";
import { election } from "./election.mjs";

/** The parameters of one overlay. */
const own = (/** @type {string} */ name) => MANIFEST.overlays.find((one) => one.name === name)?.parameters;

test("a parameter that cannot be read is a fault and has its standard value", () => {
  const { values, faults } = read("?rows=99&side=up&safe&theme=light&colour=red", own("lead-board"));
  assert.deepEqual(
    faults.map(({ name, key }) => [name, key]),
    [
      ["rows", "badNumber"],
      ["side", "badChoice"],
      ["colour", "unknownParameter"],
    ],
  );
  assert.deepEqual(
    [values.rows, values.side, values.safe, values.theme, values.play],
    [5, "left", true, "light", true],
  );
});

test("a list has a most, and a flag is yes without a value", () => {
  assert.deepEqual(read("?candidates=a, b", own("duel")).values.candidates, ["a", "b"]);
  assert.deepEqual(
    read("?candidates=a,b,c&debug=perhaps", own("duel")).faults.map(({ name, key }) => [name, key]),
    [
      ["debug", "badChoice"],
      ["candidates", "badList"],
    ],
  );
});

test("a former name is read, and the one that it has now goes before it", () => {
  for (const [search, pixels] of /** @type {const} */ ([
    ["?speed=60", 60],
    ["?px_per_s=80&speed=60", 80],
    ["", 120],
  ])) {
    const { values, faults } = read(search, own("ticker"));
    assert.deepEqual([values.px_per_s, faults], [pixels, []]);
  }
  assert.deepEqual(renamed(own("ticker") ?? []), { speed: "px_per_s" });
});

test("what was not asked for is the election's first; what is not there is a fault", () => {
  assert.deepEqual(select({}, election()), {
    selection: { contest: "mayor", source: "aa", unit: "tr/34" },
    faults: [],
  });
  assert.deepEqual(
    select({ unit: "tr/99", source: "bbc" }, election()).faults.map(({ values }) => values.id),
    ["bbc", "tr/99"],
  );
});

test("a fault names some of what there is", () => {
  assert.equal(noSuch("unit", "x", "abcdefghij").values.words, "a, b, c, d, e, f, g, h, …");
});

for (const [given, parameters] of /** @type {const} */ ([
  ['{"unit": "tr/34/fatih"}', { unit: "tr/34/fatih" }],
  ["unit=tr/34/fatih&rows=3", { unit: "tr/34/fatih", rows: "3" }],
  ["", {}],
  [{ unit: "tr/34" }, { unit: "tr/34" }],
])) {
  test(`a playout system may say its parameters as ${JSON.stringify(given)}`, () => {
    assert.deepEqual(parametersIn(given), parameters);
  });
}

test("what a tool adds to keep caches away is nobody's fault", () => {
  assert.deepEqual(read("?_=1711912512", own("duel")).faults, []);
});
