import assert from "node:assert/strict";
import { test } from "node:test";

import { lead, ranking, spread } from "../../../gateway/pages/rank.js";

const named = (/** @type {string} */ id) => ({ id });

test("equal votes share a rank and the next is skipped", () => {
  const ranked = ranking(["a", "b", "c", "d"].map(named), { b: 5, c: 5, d: 1, stranger: 2 }, named);
  assert.deepEqual(
    ranked.map(({ candidate, rank, tied }) => [candidate.id, rank, tied]),
    [
      ["b", 1, true],
      ["c", 1, true],
      ["stranger", 3, false],
      ["d", 4, false],
      ["a", 5, false],
    ],
  );
});

test("a lead is in votes and points, and nobody leads without votes", () => {
  const leads = [
    lead(ranking(["a", "b"].map(named), { a: 60, b: 40 }, named), 100),
    lead(ranking(["a"].map(named), {}, named), 0),
    lead(ranking(["a", "b"].map(named), { a: 7, b: 7 }, named), 14),
  ];
  assert.deepEqual(
    leads.map((one) => one && [one.leaders.length, one.votes, one.points]),
    [[1, 20, 20], null, [2, 0, 0]],
  );
});

test("a gap needs two sources that said something", () => {
  assert.equal(
    spread([
      { source: "aa", value: 3 },
      { source: "anka", value: undefined },
    ]),
    null,
  );
  assert.deepEqual(
    spread([
      { source: "aa", value: 3 },
      { source: "anka", value: 10 },
      { source: "x", value: 4 },
    ]),
    { highest: "anka", lowest: "aa", gap: 7 },
  );
});
