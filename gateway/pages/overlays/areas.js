/**
 * The districts of a map as areas of its picture, and where their names are written. Pure.
 */

import { layoutOf, WATER_AFTER } from "../tiles.js";
import { layIn, matched } from "./geography.js";

/** @import { Area, Boundaries, Box, Label, Ring, Unit } from "./types.d.ts" */

const GAP = 6;
/** Width of a label's letters in pixels, about: what decides between name, code and nothing. */
const LETTER = 12.5;
/** Height of a line of them. */
const LINE = 24;
/** A label that would lie on something is moved along its line in such steps, and stays within its area if it fits. */
const STEP = 6;

/**
 * Tiles as areas, by unit; null where no layout is known.
 * @param {string} scope
 * @param {readonly Unit[]} children
 * @param {Pick<Box, "width" | "height">} size
 */
export function tileAreas(scope, children, { width: whole, height: tall }) {
  const layout = layoutOf(scope, children);
  if (!layout) return null;
  const places = [...layout.values()];
  const columns = Math.max(...places.map(({ column }) => column)) + 1.5;
  const rows = Math.max(...places.map(({ row }) => row)) + 1;
  const [across, down] = [whole / columns, tall / rows];
  /** @type {Map<string, Area>} */
  const areas = new Map();
  for (const { id, name } of children) {
    const tile = layout.get(id);
    if (!tile) continue;
    const [left, top] = [(tile.column + (tile.column > WATER_AFTER ? 0.5 : 0)) * across, tile.row * down];
    const [width, height] = [across - GAP, down - GAP];
    areas.set(id, {
      rings: [cornersOf({ x: left, y: top, width, height })],
      x: left + width / 2,
      y: top + height / 2,
      room: width,
      tall: height,
      labels: [name, tile.short, tile.code],
    });
  }
  return areas;
}

/**
 * Real districts as areas, by unit; null where one of them has no outline.
 * @param {Boundaries} collection
 * @param {string} scope
 * @param {readonly Unit[]} children
 * @param {Pick<Box, "width" | "height">} size
 */
export function boundaryAreas(collection, scope, children, size) {
  const features = matched(collection, scope, children);
  if (!features) return null;
  const codes = layoutOf(scope, children);
  const placed = layIn(features, size);
  /** @type {Map<string, Area>} */
  const areas = new Map();
  for (const { id, name } of children) {
    const place = placed.get(id);
    if (!place) continue;
    const { rings, room, label } = place;
    const tile = codes?.get(id);
    const labels = tile ? [name, tile.short, tile.code] : [name];
    areas.set(id, { rings, x: label[0], y: label[1], room, tall: 0, labels });
  }
  return areas;
}

/**
 * The corners of a box, from the upper left one on.
 * @param {Box} box
 * @returns {Ring}
 */
export function cornersOf({ x, y, width, height }) {
  return [
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ];
}

/**
 * The least box around areas.
 * @param {Iterable<Pick<Area, "rings">>} areas
 * @returns {Box}
 */
export function around(areas) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { rings } of areas) {
    for (const [x, y] of rings.flat()) {
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * Whether two boxes have a point in common.
 * @param {Box} one
 * @param {Box} other
 */
export function meets(one, other) {
  return (
    one.x <= other.x + other.width &&
    other.x <= one.x + one.width &&
    one.y <= other.y + other.height &&
    other.y <= one.y + one.height
  );
}

/**
 * Whether a box lies within another.
 * @param {Box} inner
 * @param {Box} outer
 */
function isInside(inner, outer) {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

/**
 * Whether not even the shortest label of an area fits into it.
 * @param {Area} area
 */
export function isTooSmall({ labels, room }) {
  return (labels.at(-1)?.length ?? 0) * LETTER > room;
}

/**
 * The room that a label takes, half a letter on each side with it.
 * @param {Label} label
 * @returns {Box}
 */
function boxOf({ text, x, y }) {
  const width = (text.length + 1) * LETTER;
  return { x: x - width / 2, y: y - LINE / 2, width, height: LINE };
}

/**
 * The label of each area: the longest that fits, and none where even the shortest would lie on another one, on what is
 * `blocked`, or beyond what it is to be `within`. A label of a real outline may move along its line.
 * @param {ReadonlyMap<string, Area>} areas
 * @param {{ blocked?: readonly Box[], within?: Box }} [bounds]
 */
export function labelled(areas, { blocked = [], within } = {}) {
  const taken = [...blocked];
  /** @type {Map<string, Label>} */
  const found = new Map();
  const roomiest = [...areas].sort(([, one], [, other]) => other.room - one.room);
  for (const [id, area] of roomiest) {
    const label = placesOf(area).find((one) => {
      const box = boxOf(one);
      return taken.every((other) => !meets(box, other)) && (!within || isInside(box, within));
    });
    if (!label) continue;
    taken.push(boxOf(label));
    found.set(id, label);
  }
  return found;
}

/**
 * What a label of an area may be and where, the best first.
 * @param {Area} area
 * @returns {Label[]}
 */
function placesOf({ labels, room, tall, x, y }) {
  const last = labels.length - 1;
  return labels
    .filter((text, index) => index === last || text.length * LETTER <= room)
    .flatMap((text) => {
      const spare = text.length * LETTER <= room ? room - text.length * LETTER : room;
      const most = tall ? 0 : Math.floor(spare / 2 / STEP);
      const steps = Array.from({ length: most }, (_, step) => [(step + 1) * STEP, -(step + 1) * STEP]).flat();
      return [0, ...steps].map((aside) => ({ text, x: x + aside, y }));
    });
}
