/**
 * Boundaries as paths, on an equal-area projection: Lambert's cylindrical one, true to scale at the map's own middle
 * (J. P. Snyder, Map Projections, USGS 1395, p. 76: x = λ cos φ₀, y = sin φ / cos φ₀). Pure: GeoJSON in, SVG paths out.
 */

/** @import { Boundaries, BoundaryFeature, Point, Ring } from "./types.d.ts" */

const RADIANS = Math.PI / 180;

/**
 * The name of a feature, the last part of a unit's id or all of it: its property `slug`, else its own id.
 * @param {BoundaryFeature} feature
 */
function slugOf(feature) {
  const slug = feature.properties?.slug ?? feature.id;
  return slug === undefined || slug === null ? null : String(slug);
}

/**
 * A Map from unit id to its feature, or null unless every child has one: no district is ever missing from a map.
 * @param {Boundaries} collection
 * @param {string} parentId
 * @param {readonly {id: string}[]} children
 */
export function matched(collection, parentId, children) {
  const bySlug = new Map(collection.features.map((feature) => [slugOf(feature), feature]));
  /** @type {Map<string, BoundaryFeature>} */
  const found = new Map();
  for (const { id } of children) {
    const feature = bySlug.get(id) ?? bySlug.get(id.slice(parentId.length + 1));
    if (!feature) return null;
    found.set(id, feature);
  }
  return found.size ? found : null;
}

/**
 * @param {BoundaryFeature["geometry"]} geometry
 * @returns {readonly (readonly Ring[])[]}
 */
function polygons({ type, coordinates }) {
  return type === "Polygon" ? [coordinates] : coordinates;
}

/**
 * The projection whose standard parallel is the middle of these features.
 * @param {readonly BoundaryFeature[]} features
 */
export function projection(features) {
  let [south, north] = [Infinity, -Infinity];
  for (const feature of features) {
    for (const polygon of polygons(feature.geometry)) {
      for (const [, latitude] of polygon[0]) [south, north] = [Math.min(south, latitude), Math.max(north, latitude)];
    }
  }
  const middle = Math.cos(((south + north) / 2) * RADIANS);
  /** @returns {Point} */
  return (/** @type {Point} */ [longitude, latitude]) => [
    longitude * RADIANS * middle,
    -Math.sin(latitude * RADIANS) / middle,
  ];
}

/**
 * Twice the area of a ring, with the sign of its direction.
 * @param {Ring} ring
 */
function doubled(ring) {
  return ring.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = ring[(index + 1) % ring.length];
    return sum + x * nextY - nextX * y;
  }, 0);
}

/**
 * The middle of a ring's area.
 * @param {Ring} ring
 * @returns {Point}
 */
function centroid(ring) {
  const area = doubled(ring) * 3;
  const sum = ring.reduce(
    ([sumX, sumY], [x, y], index) => {
      const [nextX, nextY] = ring[(index + 1) % ring.length];
      const cross = x * nextY - nextX * y;
      return [sumX + (x + nextX) * cross, sumY + (y + nextY) * cross];
    },
    [0, 0],
  );
  return area === 0 ? ring[0] : [sum[0] / area, sum[1] / area];
}

/**
 * Lay features into a box: a Map from unit id to {rings, label: [x, y], room, area}. `room` is the width inside the
 * outline at the label, in pixels, and `area` the area in square pixels, holes taken off.
 * @param {ReadonlyMap<string, BoundaryFeature>} features
 * @param {{width: number, height: number}} options
 */
export function layIn(features, { width, height }) {
  const project = projection([...features.values()]);
  const projected = new Map(
    [...features].map(([id, feature]) => [
      id,
      polygons(feature.geometry).map((rings) => rings.map((ring) => ring.map(project))),
    ]),
  );
  const all = [...projected.values()].flat(3);
  const [xs, ys] = [0, 1].map((axis) => all.map((point) => point[axis]));
  const [left, top] = [least(xs), least(ys)];
  const scale = Math.min(width / (most(xs) - left), height / (most(ys) - top));
  /**
   * @param {Point} point
   * @returns {Point}
   */
  const place = ([x, y]) => [
    (x - left) * scale + (width - (most(xs) - left) * scale) / 2,
    (y - top) * scale + (height - (most(ys) - top) * scale) / 2,
  ];
  return new Map(
    [...projected].map(([id, parts]) => {
      const placed = parts.map((rings) => rings.map((ring) => ring.map(place)));
      const biggest = placed.reduce((best, rings) =>
        Math.abs(doubled(rings[0])) > Math.abs(doubled(best[0])) ? rings : best,
      );
      const area = placed
        .flat()
        .reduce((sum, ring, index) => sum + ((isHole(placed, index) ? -1 : 1) * Math.abs(doubled(ring))) / 2, 0);
      return [
        id,
        { rings: placed.flat(), label: centroid(biggest[0]), room: roomAt(biggest[0], centroid(biggest[0])), area },
      ];
    }),
  );
}

/**
 * How wide a ring is around a point, on the point's own line; 0 where the point is outside.
 * @param {Ring} ring
 * @param {Point} point
 */
function roomAt(ring, [x, y]) {
  const crossings = ring
    .flatMap(([fromX, fromY], index) => {
      const [toX, toY] = ring[(index + 1) % ring.length];
      return fromY > y === toY > y ? [] : [fromX + ((y - fromY) / (toY - fromY)) * (toX - fromX)];
    })
    .sort((one, other) => one - other);
  const right = crossings.findIndex((crossing) => crossing > x);
  return right % 2 === 1 ? 2 * Math.min(crossings[right] - x, x - crossings[right - 1]) : 0;
}

/**
 * Whether the ring at this place of the flat list of rings is not its polygon's first (RFC 7946, 3.1.6).
 * @param {readonly (readonly Ring[])[]} parts
 * @param {number} place
 */
function isHole(parts, place) {
  let at = place;
  for (const rings of parts) {
    if (at < rings.length) return at > 0;
    at -= rings.length;
  }
  return false;
}

/**
 * Rings as an SVG path.
 * @param {readonly Ring[]} rings
 */
export function pathOf(rings) {
  return rings.map((ring) => `M${ring.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`).join("");
}

// Math.min(...) would put every point on the call stack.
/** @param {readonly number[]} values */
const least = (values) => values.reduce((best, value) => Math.min(best, value), Infinity);
/** @param {readonly number[]} values */
const most = (values) => values.reduce((best, value) => Math.max(best, value), -Infinity);
