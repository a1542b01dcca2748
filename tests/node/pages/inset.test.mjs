import assert from "node:assert/strict";
import { test } from "node:test";

import { around, cornersOf, labelled, meets } from "../../../gateway/pages/overlays/areas.js";
import { crowdedWindow, drawn, windowAround } from "../../../gateway/pages/overlays/inset.js";

/** @import { Area, Box } from "../../../gateway/pages/overlays/types.d.ts" */

const PICTURE = { width: 1_640, height: 680 };

/**
 * A district that is a rectangle.
 * @param {Box} box
 * @param {string[]} labels
 * @returns {Area}
 */
const area = (box, labels) => ({
  rings: [cornersOf(box)],
  x: box.x + box.width / 2,
  y: box.y + box.height / 2,
  room: box.width,
  tall: 0,
  labels,
});

/** A land of six wide districts, and a city of nine small ones in the middle of its lower edge. */
function land() {
  const wide = Array.from({ length: 6 }, (_, index) => [
    `wide-${index}`,
    area({ x: 100 + 240 * index, y: 200, width: 240, height: 300 }, [`Geniş ${index}`, `G${index}`]),
  ]);
  const small = Array.from({ length: 9 }, (_, index) => [
    `small-${index}`,
    area({ x: 700 + 24 * (index % 3), y: 500 + 30 * Math.floor(index / 3), width: 24, height: 30 }, ["İç", "İÇ0"]),
  ]);
  return new Map(/** @type {[string, Area][]} */ ([...wide, ...small]));
}

/** @param {{ text: string, x: number, y: number }} label */
const boxOf = ({ text, x, y }) => ({ x: x - text.length * 6, y: y - 11, width: text.length * 12, height: 22 });

test("the window is where most districts are too small for a label", () => {
  const window = crowdedWindow(land());
  assert.deepEqual(window, { x: 692, y: 492, width: 88, height: 106 });
  const few = new Map([...land()].filter(([id]) => !/small-[2-8]/.test(id)));
  assert.equal(crowdedWindow(few), null);
});

test("an inset is larger than the map, covers nothing of it, and labels are once and apart", () => {
  const areas = land();
  const window = crowdedWindow(areas);
  assert.ok(window);
  const { areas: map, labels, inset } = drawn(areas, { window }, PICTURE);
  assert.ok(inset);
  assert.ok(inset.frame.width / inset.from.width > 2);
  for (const one of map.values()) assert.ok(!meets(around([one]), inset.frame));
  assert.deepEqual([...inset.labels.keys()].filter((id) => id.startsWith("small")).length, 9);
  assert.ok([...inset.labels.keys()].every((id) => !labels.has(id)));
  const boxes = [...labels.values(), ...inset.labels.values()].map(boxOf);
  boxes.forEach((one, index) => {
    assert.ok(boxes.slice(index + 1).every((other) => !meets(one, other)));
    assert.ok(inset.line.room.every((part) => !meets(one, part)));
  });
});

test("a unit has its own map in the inset, below its name", () => {
  const areas = land();
  const place = areas.get("wide-0");
  assert.ok(place);
  const own = new Map([["own", area({ x: 0, y: 0, width: 400, height: 300 }, ["Kendi"])]]);
  const { inset, labels } = drawn(areas, { window: around([place]), own }, PICTURE);
  assert.ok(inset);
  const inside = around(inset.areas.values());
  assert.ok(inside.y >= inset.frame.y + 30 && inside.x >= inset.frame.x);
  assert.equal(inset.labels.get("own")?.text, "Kendi");
  assert.ok(!labels.has("wide-0"));
});

test("a district by itself has a window with what is around it", () => {
  const place = land().get("small-4");
  assert.ok(place);
  const window = windowAround(place);
  assert.ok(window.width > 100 && window.x < place.x - 50 && window.y < place.y - 40);
});

test("without room the map is as it was", () => {
  const areas = new Map([["all", area({ x: 0, y: 0, ...PICTURE }, ["Hepsi"])]]);
  const { inset, areas: map } = drawn(areas, { window: { x: 800, y: 300, width: 790, height: 370 } }, PICTURE);
  assert.deepEqual([inset, map], [null, areas]);
  assert.equal(drawn(areas, null, PICTURE).labels.get("all")?.text, "Hepsi");
});

test("a label moves along its line rather than lie on something, and is left out where it cannot", () => {
  const areas = new Map([["one", area({ x: 0, y: 0, width: 200, height: 40 }, ["Uzun Ad", "UZ"])]]);
  const at = (blocked) => labelled(areas, { blocked }).get("one");
  assert.deepEqual(at([]), { text: "Uzun Ad", x: 100, y: 20 });
  const right = at([{ x: 0, y: 0, width: 80, height: 40 }]);
  assert.ok(right && right.text === "Uzun Ad" && right.x > 120);
  assert.equal(at([{ x: 60, y: 0, width: 90, height: 40 }])?.text, "UZ");
  assert.equal(at([{ x: 0, y: 0, width: 200, height: 40 }]), undefined);
});
