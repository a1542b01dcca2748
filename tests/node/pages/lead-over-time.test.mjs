import assert from "node:assert/strict";
import { test } from "node:test";

import { formats } from "../../../gateway/pages/format.js";
import { apart, chartOf, levelsOf, ticksOf, valuesOf } from "../../../gateway/pages/overlays/lead-over-time.js";
import { continued } from "../../../gateway/pages/overlays/night.js";
import { words } from "../../../gateway/pages/strings.js";

const tools = { t: words("tr"), format: formats("tr", "Europe/Istanbul") };
const pair = [{ id: "a" }, { id: "b" }];
const START = Date.parse("2024-03-31T18:00:00+03:00");
const HOUR = 3_600_000;

const point = (minutes, votes, of = 1_000) => ({ as_of: new Date(START + minutes * 60_000).toISOString(), of, votes });
/** @returns {any} */
const entry = (minutes, votes) => ({ ...point(minutes, votes), valid: 1_000, unattributed: 0 });
const line = (source, values) => ({ source: { id: source, name: source.toUpperCase() }, values });

test("values are the first one's lead over the second, and the last is what is on air", () => {
  const told = [point(0, { a: 300, b: 400 }), point(10, { a: 500, c: 90 }), point(30, { a: 9, b: 0 })];
  const now = entry(20, { a: 450, b: 400 });
  const values = (measure) => valuesOf(told, now, pair, measure).map(({ value }) => value);
  assert.deepEqual(values("points"), [-10, null, 5]);
  assert.deepEqual(values("votes"), [-100, null, 50]);
  assert.deepEqual(valuesOf(told, undefined, pair, "points"), []);
  assert.deepEqual(valuesOf(told, now, pair.slice(1), "points"), []);
});

test("who has no votes on a unit's ballot has none, before the first vote there is no lead", () => {
  assert.equal(valuesOf([], entry(0, { a: 200 }), pair, "points")[0].value, 20);
  assert.equal(valuesOf([point(-9, {}, 0)], entry(0, { a: 200 }), pair, "points")[0].value, null);
});

test("the zero line parts the sides, and what is not known is a gap", () => {
  const values = [
    { at: START, value: -5 },
    { at: START + HOUR, value: null },
    { at: START + 2 * HOUR, value: 5 },
  ];
  const chart = chartOf(tools, [line("aa", values)], "points", START + 4 * HOUR);
  assert.equal(chart.zero, 0.5);
  assert.deepEqual(chart.lines, [{ path: "M0.0 954.5M500.0 45.5", rest: "M500.0 45.5H1000" }]);
  assert.deepEqual([chart.ends[0]?.x, chart.ends[0]?.text], [0.5, "5,00"]);
  assert.deepEqual(
    chart.ticks.map(({ text }) => text),
    ["18:00", "19:00", "20:00", "21:00", "22:00"],
  );
});

test("a clock of another day is not now", () => {
  const values = [
    { at: START, value: 1 },
    { at: START + HOUR, value: 1 },
  ];
  for (const now of [NaN, START, START + 400 * HOUR])
    assert.equal(chartOf(tools, [line("aa", values)], "points", now).ends[0]?.x, 1);
});

test("a source of which nothing is known has no end, a tie is named", () => {
  const values = [{ at: START, value: 0 }];
  const { ends, lines } = chartOf(tools, [line("aa", values), line("anka", [])], "votes", START);
  assert.deepEqual([ends[0]?.text, ends[1], lines[1]], ["berabere", null, { path: "", rest: "" }]);
});

test("labels at line ends are not one on the other, and stay inside", () => {
  const rounded = (places) => places.map((one) => Number(one.toFixed(2)));
  assert.deepEqual(rounded(apart([0.2, 0.8])), [0.2, 0.8]);
  assert.deepEqual(rounded(apart([0.5, 0.5])), [0.42, 0.58]);
  assert.deepEqual(rounded(apart([0.52, 0.5])), [0.59, 0.43]);
  assert.deepEqual(rounded(apart([0, 0.01])), [0.08, 0.24]);
  assert.deepEqual(rounded(apart([1, null])), [0.92, 0.08]);
});

test("levels are round, few, and have zero among them", () => {
  assert.deepEqual(levelsOf(11, 15), [10, 5, 0]);
  for (const [top, whole] of [
    [1.1, 1.43],
    [0.33, 1.43],
    [120_000, 156_000],
    [100, 130],
    [7, 14],
  ]) {
    const levels = levelsOf(top, whole);
    assert.ok(levels.includes(0) && levels.length >= 2 && levels.length <= 6, levels.join());
    assert.ok(levels.every((one) => one <= top && one >= top - whole));
  }
});

test("an axis of any length has few ticks", () => {
  for (const hours of [1 / 6, 0.5, 1, 3, 8, 24, 90, 1_000]) {
    const ticks = ticksOf(START + 61_234, START + hours * HOUR);
    assert.ok(ticks.length >= 2 && ticks.length <= 8, `${hours}: ${ticks.length}`);
  }
});

test("a gateway that began anew takes nothing away of what was told before", () => {
  const before = [{ source: "aa", points: [point(0, { a: 1 }), point(10, { a: 2 }), point(20, { a: 3 })] }];
  const votes = (courses) => courses.map(({ source, points }) => [source, points.map((one) => one.votes.a)]);
  assert.deepEqual(votes(continued(undefined, before)), [["aa", [1, 2, 3]]]);
  assert.deepEqual(votes(continued(before, [{ source: "aa", points: [point(15, { a: 8 })] }])), [["aa", [1, 2, 8]]]);
  assert.deepEqual(votes(continued(before, [])), [["aa", [1, 2, 3]]]);
  assert.deepEqual(votes(continued(before, [{ source: "x", points: [] }])).sort(), [
    ["aa", [1, 2, 3]],
    ["x", []],
  ]);
});
