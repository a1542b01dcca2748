import assert from "node:assert/strict";
import { test } from "node:test";
import { formats } from "../../../gateway/pages/format.js";
import { baseOf, lastTimeLines, signed } from "../../../gateway/pages/last-time.js";
import { words } from "../../../gateway/pages/strings.js";

const tools = { t: words("en"), format: formats("en", "UTC") };
const SINCE = {
  previous: "june",
  name: "23 June 2019",
  annulled: false,
  held_by: ["imamoglu"],
  held_by_names: { imamoglu: "Ekrem İmamoğlu" },
  outcome: /** @type {const} */ ("hold"),
  compared: 39,
  units: 39,
  turnout_change_bp: -523,
  swings: [{ candidate: "imamoglu", votes_change: -308_521, swing_bp: -307 }],
  flipped: [{ unit: "tr/34/fatih", held_by: "yildirim", leader: "imamoglu" }],
};
const leader = { id: "imamoglu", name: "İmamoğlu" };

test("the base is the first that was not annulled", () => {
  const march = { ...SINCE, previous: "march", annulled: true };
  assert.equal("june", baseOf([march, SINCE])?.previous);
  assert.equal("march", baseOf([march])?.previous);
  assert.equal(undefined, baseOf(undefined));
  assert.equal(undefined, baseOf([]));
});

test("a number has its sign", () => {
  assert.deepEqual(
    ["+3", "\u22123", "0"],
    [3, -3, 0].map((number) => signed(number, String)),
  );
});

test("a unit's last time is told in lines", () => {
  assert.deepEqual(
    [
      "won by Ekrem İmamoğlu, held",
      "İmamoğlu \u22123.07 points (\u2212308,521 votes)",
      "turnout \u22125.23 points",
      "changing hands: 1",
    ],
    lastTimeLines(SINCE, { leader, isWhole: true, ...tools }),
  );
});

test("over how many it is told where that is not all, and what is not known is not told", () => {
  const partly = { ...SINCE, outcome: null, compared: 3, turnout_change_bp: null };
  assert.deepEqual(
    ["won by Ekrem İmamoğlu", "over 3 of 39 units that have reported"],
    lastTimeLines(partly, { leader: undefined, isWhole: false, ...tools }),
  );
  assert.deepEqual(
    [],
    lastTimeLines({ ...partly, held_by: [], compared: 0 }, { leader, isWhole: false, ...tools }).slice(1),
  );
});
