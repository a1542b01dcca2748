import assert from "node:assert/strict";
import { test } from "node:test";

import { formats } from "../../../gateway/pages/format.js";
import { barsOf, blocksOf, verdictOf, whereOf } from "../../../gateway/pages/overlays/majority.js";
import { words } from "../../../gateway/pages/strings.js";

const tools = { t: words("tr"), format: formats("tr", "Europe/Istanbul") };
const list = (id, seats, decided = 0) => ({ id, name: id.toUpperCase(), mark: 0, hue: `hue-${id}`, seats, decided });
const LISTS = [list("a", 40, 30), list("b", 35, 10), list("c", 20), list("d", 5, 5)];
const house = { needed: 51, total: 100, isAllied: false };

test("an alliance has the seats of its lists, and the hue of the list with most", () => {
  const blocks = blocksOf(LISTS, [
    { id: "x", name: "X", members: ["c", "b", "nobody"] },
    { id: "y", name: "Y", members: ["z"] },
  ]);
  assert.deepEqual(
    blocks.map(({ id, seats, decided, hue, lists }) => [id, seats, decided, hue, lists.length]),
    [
      ["x", 55, 10, "hue-b", 2],
      ["a", 40, 30, "hue-a", 1],
      ["d", 5, 5, "hue-d", 1],
    ],
  );
});

test("who leads is told with what is missing, or with what is still being counted", () => {
  const of = (...blocks) => verdictOf(blocks, house);
  assert.deepEqual(of(...LISTS), { key: "majorityShort", names: ["A"], n: 11 });
  assert.deepEqual(of(list("a", 60, 20), list("b", 40)), { key: "majorityLeading", names: ["A"], n: 40 });
  assert.deepEqual(of(list("a", 60, 51), list("b", 40)), { key: "majorityDecided", names: ["A"], n: 51 });
  assert.deepEqual(of(list("a", 30), list("b", 30), list("c", 9)), { key: "majorityTied", names: ["A", "B"], n: 21 });
  assert.equal(of().key, "seatsUnknown");
});

test("nobody can reach a majority only where no seat that is open could help anybody", () => {
  const hung = (a, b, isAllied = false) => verdictOf([list("a", 50, a), list("b", 45, b)], { ...house, isAllied }).key;
  assert.equal(hung(50, 45), "majorityShort"); // five seats are open, and one is enough
  assert.equal(hung(50, 50), "majorityHung");
  assert.equal(hung(48, 50), "majorityShort"); // the two that are open are enough for whoever has 50
  assert.equal(hung(50, 50, true), "majorityHungAllied");
});

test("a bar has the settled seats of all lists before those that are still counted", () => {
  const [block] = blocksOf(LISTS.slice(0, 2), [{ id: "x", name: "X", members: ["a", "b"] }]);
  assert.deepEqual(
    barsOf(block, 100).map(({ hue, open, from, part }) => [hue, open, from, part]),
    [
      ["hue-a", false, "0.0000", "0.3000"],
      ["hue-b", false, "0.3000", "0.1000"],
      ["hue-a", true, "0.4000", "0.1000"],
      ["hue-b", true, "0.5000", "0.2500"],
    ],
  );
});

test("the constituencies with most seats are named, of the rest the number is told", () => {
  /** @type {any} */
  const election = { unitById: new Map([["u1", { name: "Ünye" }]]) };
  const counting = Array.from({ length: 7 }, (_, index) => ({ unit: `u${index}`, seats: index < 2 ? 9 : index }));
  const text = whereOf({ ...tools, election }, counting);
  assert.equal(text, "Sayımı sürenler: u0 9 · Ünye 9 · u6 6 · u5 5 · u4 4 · ve 2 çevre daha (5)");
  assert.equal(whereOf({ ...tools, election }, []), "");
});
