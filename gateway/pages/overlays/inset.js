/**
 * The inset of a map: what is too small to read at the map's scale, drawn larger in a corner with a frame and a line to
 * where it lies. The map makes room for it where none is free. Pure: areas in, areas out.
 */

import { around, cornersOf, isTooSmall, labelled, meets } from "./areas.js";

/** @import { Area, Box, Point, Ring } from "./types.d.ts" */

/** @typedef {ReadonlyMap<string, Area>} Areas */

/** Districts too small for a label that are worth an inset. */
const LEAST = 3;
/** They are looked for in a window of this size. */
const WINDOW = { width: 230, height: 170 };
/** Room around what an inset shows, within its frame. */
const EDGE = 8;
/** Room between a frame and the map. */
const MARGIN = 14;
/** At the lower edge on the right the map's credit is written. */
const CREDIT = 40;
/** How small the map may become, and how much larger than it the inset is: the best of both is taken. */
const SCALES = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7];
const ZOOMS = [3, 2.75, 2.5, 2.25, 2, 1.75];
/** A unit's own map in an inset is at most so large, and has its name above it. */
export const LARGEST = { width: 640, height: 420 };
const TITLE = 34;
/** As fine are outlines looked at for what a frame would cover. */
const SAMPLE = 8;
/** A leader line takes so much room on either side. */
const LINE = 6;

/**
 * The map as it is drawn: its areas with their labels and, where `window` says what part is to be drawn larger, an
 * inset of that part or of an `own` map of it. Labels in an inset are on the map no more. Without room there is none.
 * @param {Areas} areas
 * @param {{ window: Box, own?: Areas | null } | null} wanted
 * @param {{ width: number, height: number }} picture
 */
export function drawn(areas, wanted, picture) {
  const place = wanted && arranged(areas, wanted.window, picture, wanted.own && around(wanted.own.values()));
  if (!place) return { areas, labels: labelled(areas), inset: null };
  const { map, from, frame } = place;
  const content = wanted.own ? contentOf(frame) : frame;
  const inside = wanted.own ? moved(wanted.own, into(content, wanted.own)) : seenIn(areas, wanted.window, frame);
  const labels = labelled(inside, { within: content });
  const line = leader(from, frame);
  const moves = moved(areas, map);
  const rest = new Map([...moves].filter(([id]) => !labels.has(id)));
  const blocked = [grown(frame, EDGE), from, ...line.room];
  return { areas: moves, labels: labelled(rest, { blocked }), inset: { areas: inside, labels, frame, from, line } };
}

/**
 * The areas that are seen in a window, as large as its frame has them.
 * @param {Areas} areas
 * @param {Box} window
 * @param {Box} frame
 */
function seenIn(areas, window, frame) {
  const scale = frame.width / window.width;
  const seen = new Map([...areas].filter(([, area]) => meets(around([area]), window)));
  return moved(seen, { scale, x: frame.x - window.x * scale, y: frame.y - window.y * scale });
}

/**
 * What a frame has room for below the name of a unit.
 * @param {Box} frame
 * @returns {Box}
 */
function contentOf({ x, y, width, height }) {
  return { x: x + EDGE, y: y + TITLE, width: width - 2 * EDGE, height: height - TITLE - EDGE };
}

/**
 * How areas are moved into a box, in the middle of it.
 * @param {Box} box
 * @param {Areas} areas
 */
function into(box, areas) {
  const extent = around(areas.values());
  const scale = Math.min(box.width / extent.width, box.height / extent.height);
  return {
    scale,
    x: box.x + (box.width - extent.width * scale) / 2 - extent.x * scale,
    y: box.y + (box.height - extent.height * scale) / 2 - extent.y * scale,
  };
}

/**
 * Areas on another scale and elsewhere.
 * @param {Areas} areas
 * @param {{ scale: number, x: number, y: number }} to every point is multiplied first
 */
function moved(areas, { scale, x: right, y: down }) {
  /** @returns {Point} */
  const move = (/** @type {Point} */ [x, y]) => [x * scale + right, y * scale + down];
  return new Map(
    [...areas].map(([id, area]) => {
      const [x, y] = move([area.x, area.y]);
      const { room, tall } = area;
      const rings = area.rings.map((ring) => ring.map(move));
      return [id, { ...area, rings, x, y, room: room * scale, tall: tall * scale }];
    }),
  );
}

/**
 * The window in which most districts are too small for a label; null where there are few of them.
 * @param {Areas} areas
 */
export function crowdedWindow(areas) {
  const small = [...areas.values()].filter(isTooSmall);
  const groups = small.map(({ x, y }) =>
    small.filter((other) => Math.abs(other.x - x) * 2 <= WINDOW.width && Math.abs(other.y - y) * 2 <= WINDOW.height),
  );
  const best = groups.reduce((most, group) => (group.length > most.length ? group : most), []);
  return best.length < LEAST ? null : grown(around(best), EDGE);
}

/**
 * The window around one district, so large that its neighbours are seen.
 * @param {Area} area
 */
export function windowAround(area) {
  const box = around([area]);
  const [width, height] = [Math.max(box.width, WINDOW.width / 2), Math.max(box.height, WINDOW.height / 2)];
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  return grown({ x: middle.x - width / 2, y: middle.y - height / 2, width, height }, EDGE);
}

/**
 * @param {Box} box
 * @param {number} by
 */
function grown({ x, y, width, height }, by) {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

/**
 * How a map and its inset share the picture: `map` is how the map is moved, `from` the window on the moved map, `frame`
 * the inset's place. Null where no corner can be had. An inset with a map of its `own` has the shape of that.
 * @param {Areas} areas
 * @param {Box} window on the map as it is
 * @param {{ width: number, height: number }} picture
 * @param {Box | null} [own]
 */
function arranged(areas, window, picture, own) {
  const extent = around(areas.values());
  const points = [...areas.values()].flatMap(({ rings }) => rings.flatMap(sampled));
  const sizes = own ? sizesOf(own) : ZOOMS.map((zoom) => scaled(window, zoom));
  const choices = SCALES.flatMap((scale) =>
    sizes.map((size) => ({ scale, size, worth: scale * Math.sqrt(size.width / sizes[0].width) })),
  ).sort((one, other) => other.worth - one.worth);
  for (const { scale, size } of choices) {
    for (const corner of CORNERS) {
      const frame = cornerOf(corner, size, picture);
      const map = movedAway(corner, extent, scale, picture);
      const clear = grown(frame, MARGIN);
      /** @param {Point} point */
      const covers = ([x, y]) => meets(clear, { x: x * scale + map.x, y: y * scale + map.y, width: 0, height: 0 });
      if (fits(frame, picture) && !points.some(covers)) return { map, frame, from: placed(window, map) };
    }
  }
  return null;
}

/** @typedef {{ right: boolean, lower: boolean }} Corner */

/** @type {readonly Corner[]} */
const CORNERS = [
  { right: true, lower: false },
  { right: false, lower: true },
  { right: true, lower: true },
  { right: false, lower: false },
];

/**
 * @param {{ width: number, height: number }} size
 * @param {number} zoom
 */
function scaled({ width, height }, zoom) {
  return { width: width * zoom, height: height * zoom };
}

/** @param {{ width: number, height: number }} own */
function sizesOf(own) {
  const most = Math.min(LARGEST.width / own.width, LARGEST.height / own.height);
  return ZOOMS.map((zoom) => scaled(own, (most * zoom) / ZOOMS[0])).map(({ width, height }) => ({
    width: width + 2 * EDGE,
    height: height + TITLE + EDGE,
  }));
}

/**
 * @param {Corner} corner
 * @param {{ width: number, height: number }} size
 * @param {{ width: number, height: number }} picture
 * @returns {Box}
 */
function cornerOf({ right, lower }, { width, height }, picture) {
  const credit = right && lower ? CREDIT : 0;
  return { x: right ? picture.width - width : 0, y: lower ? picture.height - height - credit : 0, width, height };
}

/**
 * The map as far from a corner as it can be.
 * @param {Corner} corner
 * @param {Box} extent
 * @param {number} scale
 * @param {{ width: number, height: number }} picture
 */
function movedAway({ right, lower }, extent, scale, picture) {
  return {
    scale,
    x: right ? -extent.x * scale : picture.width - (extent.x + extent.width) * scale,
    y: lower ? -extent.y * scale : picture.height - (extent.y + extent.height) * scale,
  };
}

/**
 * @param {Box} frame
 * @param {{ width: number, height: number }} picture
 */
function fits(frame, picture) {
  return frame.width * 2 <= picture.width && frame.height <= picture.height;
}

/**
 * @param {Box} box
 * @param {{ scale: number, x: number, y: number }} to
 * @returns {Box}
 */
function placed({ x, y, width, height }, { scale, x: right, y: down }) {
  return { x: x * scale + right, y: y * scale + down, width: width * scale, height: height * scale };
}

/**
 * Points on an outline, none far from the next.
 * @param {Ring} ring
 * @returns {Point[]}
 */
function sampled(ring) {
  return ring.flatMap(([x, y], index) => {
    const [nextX, nextY] = ring[(index + 1) % ring.length];
    const steps = Math.max(1, Math.ceil(Math.hypot(nextX - x, nextY - y) / SAMPLE));
    return Array.from({ length: steps }, (_, step) => {
      const part = step / steps;
      return /** @type {Point} */ ([x + (nextX - x) * part, y + (nextY - y) * part]);
    });
  });
}

/**
 * The shortest line between the corners of two boxes, and the room that it takes in small boxes.
 * @param {Box} from
 * @param {Box} to
 */
function leader(from, to) {
  const pairs = cornersOf(from).flatMap((start) =>
    cornersOf(to).map((end) => ({ start, end, length: Math.hypot(end[0] - start[0], end[1] - start[1]) })),
  );
  const { start, end } = pairs.reduce((best, one) => (one.length < best.length ? one : best));
  const room = sampled([start, end]).map(([x, y]) => ({ x: x - LINE, y: y - LINE, width: 2 * LINE, height: 2 * LINE }));
  return { start, end, room };
}
