import assert from "node:assert/strict";
import { test } from "node:test";

import { acknowledge, foldAlarms } from "../../../gateway/pages/control/alarm-folds.js";

/**
 * @param {number} number
 * @param {object} [fields]
 */
const alarm = (number, fields = {}) =>
  /** @type {any} */ ({
    number,
    kind: "contradiction",
    source: "aa",
    contest: "mayor",
    figure: "votes_over_valid",
    unit: `tr/${number}`,
    at: `2024-03-31T19:00:${String(number).padStart(2, "0")}Z`,
    ...fields,
  });

test("alarms of one cause are one, with the newest in front", () => {
  const forty = Array.from({ length: 40 }, (_, index) => alarm(40 - index));
  const [fold, ...others] = foldAlarms(forty, {});
  assert.deepEqual([fold.alarms.length, fold.alarms[0].number, others.length], [40, 40, 0]);
});

test("another source, kind, contest or contradiction is another cause; another candidate is not", () => {
  const others = [{ source: "anka" }, { kind: "silence", contest: null }, { contest: "council" }, { figure: "boxes" }];
  assert.equal(foldAlarms([alarm(1), ...others.map((fields, index) => alarm(index + 2, fields))], {}).length, 5);
  const jumps = ["a", "b"].map((figure, index) => alarm(index, { kind: "jump", figure }));
  assert.equal(foldAlarms(jumps, {}).length, 1);
});

test("what is acknowledged goes behind what is new, and comes back with the next alarm of its cause", () => {
  const silence = alarm(3, { kind: "silence", contest: null, figure: null });
  const seen = acknowledge({}, foldAlarms([alarm(5)], {}));
  assert.deepEqual(
    foldAlarms([alarm(5), silence], seen).map(({ alarms, isNew }) => [alarms[0].number, isNew]),
    [
      [3, true],
      [5, false],
    ],
  );
  assert.deepEqual(
    foldAlarms([alarm(6), alarm(5), silence], seen).map(({ isNew }) => isNew),
    [true, true],
  );
});

test("a gateway that has begun anew counts alarms from one; the moment tells which was seen", () => {
  const seen = acknowledge({}, foldAlarms([alarm(50)], {}));
  assert.equal(foldAlarms([alarm(1, { at: "2024-03-31T20:00:00Z" })], seen)[0].isNew, true);
});
