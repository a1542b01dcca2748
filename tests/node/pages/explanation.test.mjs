import assert from "node:assert/strict";
import { test } from "node:test";

import { Explanation, hundredths, notesOf, PAUSE_MS, pairOf, reasonOf } from "../../../gateway/pages/explanation.js";

const NAMES = { a: "AA", b: "ANKA" };

/**
 * A key with the values that are told, so that a test reads which sentence it is.
 * @param {string} key
 * @param {Readonly<Record<string, unknown>>} [values]
 */
const t = (key, { source, n, x, y } = {}) => [key, source, n, x, y].filter((one) => one !== undefined).join(" ");
/** @type {any} as much of the formats as is asked */
const format = {
  count: String,
  percent: (/** @type {number} */ part, /** @type {number} */ whole) => `${part}/${whole}`,
};

/**
 * @param {string} a
 * @param {string} b
 * @returns {any}
 */
const answer = (a, b) => ({
  why: null,
  leaders: [],
  districts_total: 3,
  districts_shared: 1,
  a: { standing: a, districts: 3, overridden: [] },
  b: { standing: b, districts: 1, overridden: [] },
});

test("points that are shown add up to the gap that is shown", () => {
  assert.deepEqual(hundredths({ gap: 0.01, coverage: 0.006, disagreement: 0.004 }), {
    gap: 1,
    coverage: 1,
    disagreement: 0,
  });
  assert.deepEqual(hundredths({ gap: -1.5, coverage: null, disagreement: null }), {
    gap: -150,
    coverage: null,
    disagreement: null,
  });
});

test("the chosen source is compared with the one that is furthest from it", () => {
  /** @type {any[]} */
  const columns = Object.entries({ aa: 50, anka: 52, iha: 60 }).map(([id, x]) => ({
    source: { id },
    entry: { valid: 100, unattributed: 0, votes: { x } },
  }));
  assert.deepEqual(
    pairOf(columns, "anka", "x")?.map(({ id }) => id),
    ["anka", "iha"],
  );
  assert.equal(pairOf(columns.slice(0, 1), "aa", "x"), null);
  assert.equal(pairOf(columns, "nobody", "x"), null);
});

test("why is asked when the figures change, but not more often than one reads", async () => {
  let now = 0;
  /** @type {any} */
  let next = { why: { behind: 0 } };
  /** @type {[unit: string, at: number][]} */
  const asked = [];
  const explanation = new Explanation({
    now: () => now,
    changed: () => {},
    ask: async ({ unit }) => {
      asked.push([unit, now]);
      return next;
    },
  });
  const want = async (
    /** @type {string | null} */ unit,
    /** @type {string} */ figures,
    /** @type {number} */ at,
    splits = true,
  ) => {
    now = at;
    explanation.want(unit === null ? null : { contest: "mayor", unit, a: "aa", b: "anka" }, figures, splits);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  };
  await want("tr", "1", 0);
  await want("tr", "1", PAUSE_MS);
  await want("tr", "2", PAUSE_MS + 1);
  await want("tr", "3", PAUSE_MS + 2);
  await want("tr", "3", 2 * PAUSE_MS + 1);
  await want(null, "3", 3 * PAUSE_MS);
  next = { why: null };
  await want("tr/34", "3", 3 * PAUSE_MS);
  await want("tr/34", "3", 4 * PAUSE_MS);
  await want("tr/34", "3", 5 * PAUSE_MS, false);
  assert.deepEqual(asked, [
    ["tr", 0],
    ["tr", PAUSE_MS + 1],
    ["tr", 2 * PAUSE_MS + 1],
    ["tr/34", 3 * PAUSE_MS],
    ["tr/34", 4 * PAUSE_MS],
  ]);
});

test("of a source without figures the page says so, before why a gap cannot be split", () => {
  /** @type {any} */
  const inTotals = { name: "ANKA" };
  const reason = (/** @type {string} */ a, /** @type {string} */ b, more = {}) =>
    reasonOf(answer(a, b), { names: NAMES, unit: "tr", t, ...more });
  assert.equal(reason("reporting", "nothing", { inTotals }), "whyNothing ANKA");
  assert.equal(reason("no_box", "nothing"), "whyNoBox AA whyNothing ANKA");
  assert.equal(reason("reporting", "by_hand"), "whyByHand ANKA");
  assert.equal(reason("reporting", "reporting", { inTotals }), "whyDistricts ANKA");
  assert.equal(reason("reporting", "nothing", { held: true }), "whyHeld");
  assert.equal(reasonOf(null, { names: NAMES, unit: "tr", t }), "whySoon");
});

test("beside a gap stands who has not reported every district, and what is set aside", () => {
  assert.deepEqual(notesOf(answer("reporting", "reporting"), { names: NAMES, leader: "", t, format }), [
    "whyPart ANKA 1",
  ]);
  const aside = { ...answer("reporting", "reporting"), districts_shared: 3 };
  aside.a = { ...aside.a, set_aside: { count: 2, reason: "conflict" } };
  aside.b = { ...aside.b, districts: 3 };
  assert.deepEqual(notesOf(aside, { names: NAMES, leader: "", t, format }), ["⚠ whySetAside AA 2"]);
});

test("over the districts that both have, no share is over a hundred per cent", () => {
  const of = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ valid) => ({
    valid,
    unattributed: 0,
    votes: { a, b },
  });
  const both = {
    ...answer("reporting", "reporting"),
    leaders: ["a"],
    shared: { a: of(160, 20, 100), b: of(90, 10, 200) },
  };
  assert.equal(notesOf(both, { names: NAMES, leader: "", t, format }).at(-1), "whyShared 1 160/180 90/200");
});
