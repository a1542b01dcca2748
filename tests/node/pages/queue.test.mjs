import assert from "node:assert/strict";
import { test } from "node:test";

import { commandOf, PANELS } from "../../../gateway/pages/control/keys.js";
import { keyOf, matching, PAGE, pageOf, sumOf } from "../../../gateway/pages/control/queue-filter.js";
import { steady } from "../../../gateway/pages/control/steady.js";

const group = (/** @type {string} */ unit, count = 1, releasable = 0) => ({
  reason: "conflict",
  source: "aa",
  unit,
  count,
  releasable,
});

test("a filter's words are looked for in any order and case, Turkish letters too", () => {
  const groups = [group("Kadıköy"), group("İSTANBUL"), group("Şile")];
  const found = (/** @type {string} */ filter) =>
    matching(groups, filter, ({ unit }) => `Çelişiyor · AA · ${unit}`).map(({ unit }) => unit);
  assert.deepEqual(found("  KADIKÖY aa"), ["Kadıköy"]);
  assert.deepEqual(found("istanbul"), ["İSTANBUL"]);
  assert.deepEqual(found("çelişiyor"), ["Kadıköy", "İSTANBUL", "Şile"]);
  assert.deepEqual(found(""), ["Kadıköy", "İSTANBUL", "Şile"]);
  assert.deepEqual(found("anka"), []);
});

test("groups are summed", () => {
  assert.deepEqual(sumOf([group("a", 3, 2), group("b", 4)]), { count: 7, releasable: 2 });
});

test("a page that is gone is the last one", () => {
  assert.deepEqual(pageOf(0, 0), { page: 0, first: 0, last: 0, isLast: true });
  assert.deepEqual(pageOf(9, PAGE + 1), { page: 1, first: PAGE + 1, last: PAGE + 1, isLast: true });
  assert.deepEqual(pageOf(-1, PAGE + 1), { page: 0, first: 1, last: PAGE, isLast: false });
});

test("while somebody is at the rows nothing is let in, and what is gone keeps its place", () => {
  const now = [group("new"), group("b", 9)];
  const { shown, gone, fresh } = steady([group("a"), group("b")], now, keyOf, true);
  assert.deepEqual(
    [shown.map(({ unit, count }) => [unit, count]), [...gone], fresh],
    [
      [
        ["a", 1],
        ["b", 9],
      ],
      [keyOf(group("a"))],
      1,
    ],
  );
  assert.deepEqual(steady([group("a")], now, keyOf, false), { shown: now, gone: new Set(), fresh: 0 });
});

test("keys are commands, but not with a modifier", () => {
  const press = (/** @type {string} */ key, ctrlKey = false) =>
    commandOf({ key, ctrlKey, metaKey: false, altKey: false }, { t: "hold" });
  assert.deepEqual(press("T"), { kind: "hold", action: "hold" });
  assert.deepEqual(press("1"), { kind: "panel", panel: PANELS[0] });
  assert.deepEqual(press("?"), { kind: "other", name: "help" });
  assert.deepEqual([press("t", true), press("x"), press("Enter")], [null, null, null]);
});
