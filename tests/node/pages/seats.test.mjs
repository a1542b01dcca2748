import assert from "node:assert/strict";
import { test } from "node:test";

import { allocate, hemicycle, membersFor } from "../../../gateway/pages/overlays/seats.js";

test("members follow the population", () => {
  assert.deepEqual(
    [10_000, 10_001, 50_001, 250_000, 250_001, 1_000_000, 1_000_001].map(membersFor),
    [9, 11, 25, 31, 37, 45, 55],
  );
});

test("an independent takes one seat at most", () => {
  const { seats } = allocate({ a: 700, b: 300 }, { members: 9, valid: 1000, alone: new Set(["a"]) });
  assert.deepEqual(
    [...seats],
    [
      ["a", 1],
      ["b", 8],
    ],
  );
});

for (const count of [1, 9, 37, 55, 314]) {
  test(`a hemicycle of ${count} seats everybody, and nobody on another`, () => {
    const { places, radius } = hemicycle(count);
    assert.equal(places.length, count);
    places.forEach((one, index) => {
      for (const other of places.slice(index + 1))
        assert.ok((one.x - other.x) ** 2 + (one.y - other.y) ** 2 >= (1.7 * radius) ** 2);
    });
  });
}
