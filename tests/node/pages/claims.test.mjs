import assert from "node:assert/strict";
import { test } from "node:test";

import { partOf, progressText, turnout, wholeOf } from "../../../gateway/pages/claims.js";
import { formats } from "../../../gateway/pages/format.js";
import { entry } from "./election.mjs";

const format = formats("tr", "Europe/Istanbul");

test("progress is what the gateway claims, and never follows from sums", () => {
  assert.deepEqual(
    [entry({ boxes_surplus: 2 }), entry(), entry({ complete: true }), undefined].map((one) =>
      progressText(format, one, 20),
    ),
    ["%90,00", "%99,99", "%100,00", "%0,00"],
  );
  assert.equal(progressText(format, undefined, 0), "–");
  assert.deepEqual([partOf(entry({ boxes_surplus: 2 }), 20), partOf(undefined, 0)], [0.9, 0]);
});

test("shares are of the valid votes, or of all votes where those are more", () => {
  assert.deepEqual(
    [entry({ votes: { a: 160, b: 20 }, valid: 100 }), entry({ votes: { a: 1 }, valid: 3 }), undefined].map(wholeOf),
    [180, 3, 0],
  );
});

test("a turnout over 100 % is said only where a flagged box explains it", () => {
  assert.deepEqual(
    [
      entry({ cast: 103, registered: 100, flagged: 1 }),
      entry({ cast: 103, registered: 100 }),
      undefined,
      entry({ cast: 103, registered: 100, flagged: 1, contradictions: ["cast_over_roll"] }),
    ].map((one) => turnout(one).share),
    [10_300, null, null, null],
  );
});
