import assert from "node:assert/strict";
import { test } from "node:test";

import { layIn, matched } from "../../../gateway/pages/overlays/geography.js";

/** @import { Boundaries } from "../../../gateway/pages/overlays/types.d.ts" */

/**
 * Two squares of degrees beside one another and one far north, where a degree of longitude is much shorter.
 * @type {Boundaries}
 */
const SQUARES = { features: [square("a", 28, 40), square("b", 29, 40), square("c", 28, 60)] };

/**
 * @param {string} slug
 * @param {number} west
 * @param {number} south
 * @returns {Boundaries["features"][number]}
 */
function square(slug, west, south) {
  const [east, north] = [west + 1, south + 1];
  return {
    properties: { slug },
    geometry: {
      type: "Polygon",
      coordinates: [
        [
          [west, south],
          [east, south],
          [east, north],
          [west, north],
          [west, south],
        ],
      ],
    },
  };
}

const near = (/** @type {number} */ one, /** @type {number} */ other) => Math.abs(one - other) < 1e-6 * other;

test("areas on the map are as areas on the globe", () => {
  const found = matched(
    SQUARES,
    "tr",
    ["a", "b", "c"].map((slug) => ({ id: `tr/${slug}` })),
  );
  assert.ok(found);
  const [a, b, c] = [...layIn(found, { width: 500, height: 500 }).values()].map(({ area }) => area);
  // a cell of degrees covers sin(north) - sin(south) per degree of longitude (Lambert's cylindrical projection)
  const onGlobe = (/** @type {number} */ south) =>
    Math.sin(((south + 1) * Math.PI) / 180) - Math.sin((south * Math.PI) / 180);
  assert.ok(near(a, b));
  assert.ok(near(c / a, onGlobe(60) / onGlobe(40)));
});

test("a map without one of its districts is no map", () => {
  assert.equal(matched(SQUARES, "tr", [{ id: "tr/a" }, { id: "tr/z" }]), null);
});
