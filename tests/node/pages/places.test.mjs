import assert from "node:assert/strict";
import { test } from "node:test";

import { placeAtEnd, placeMoved } from "../../../gateway/pages/control/places.js";

/** @param {Record<string, number>} places */
const list = (places) =>
  Object.entries(places)
    .map(([item, place]) => ({ item, place }))
    .sort((one, other) => one.place - other.place);

/** @param {string} order @param {[string, -1 | 1][]} moves */
function moved(order, moves) {
  /** @type {Record<string, number>} */
  const places = {};
  for (const item of order) places[item] = placeAtEnd(list(places));
  for (const [item, by] of moves) places[item] = placeMoved(list(places), item, by) ?? places[item];
  return list(places)
    .map(({ item }) => item)
    .join("");
}

test("items come one after the other, and each moves past its neighbour", () => {
  assert.equal(moved("pqrs", []), "pqrs");
  assert.equal(moved("pqrs", [["r", -1]]), "prqs");
  assert.equal(moved("pqrs", [["q", 1]]), "prqs");
  assert.equal(moved("pqrs", [["q", -1]]), "qprs");
  assert.equal(moved("pqrs", [["r", 1]]), "pqsr");
  assert.equal(moved("pqrs", [["s", -1], ["s", -1], ["s", -1], ["s", 1]]), "psqr"); // biome-ignore format: a line
});

test("at its end, and where there is no room, an item stays", () => {
  assert.equal(moved("pq", [["p", -1]]), "pq");
  assert.equal(moved("pq", [["q", 1]]), "pq");
  assert.equal(placeMoved(list({ p: 1, q: 2, r: 3 }), "r", -1), null);
  assert.equal(placeMoved(list({ p: 0, q: 3 }), "q", -1), null);
  assert.equal(placeMoved(list({ p: 1 }), "gone", 1), null);
});
