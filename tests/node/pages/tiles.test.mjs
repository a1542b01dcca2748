import assert from "node:assert/strict";
import { test } from "node:test";

import { layoutOf, neighbour, WATER_AFTER } from "../../../gateway/pages/tiles.js";

const SLUGS = "adalar silivri catalca sile tuzla besiktas uskudar kadikoy sariyer beykoz".split(" ");

test("the map has a place of its own for each district", () => {
  const tiles = layoutOf(
    "tr/34",
    SLUGS.map((slug) => ({ id: `tr/34/${slug}` })),
  );
  assert.ok(tiles);
  const column = (/** @type {string} */ slug) => tiles.get(`tr/34/${slug}`)?.column ?? NaN;
  assert.equal(new Set([...tiles.values()].map((tile) => `${tile.column} ${tile.row}`)).size, SLUGS.length);
  assert.ok(column("besiktas") <= WATER_AFTER && WATER_AFTER < column("uskudar"));
  assert.ok(column("sile") > column("uskudar") && column("silivri") < column("besiktas"));
});

test("arrow keys lead over the strait and back", () => {
  const tiles = layoutOf(
    "tr/34",
    SLUGS.map((slug) => ({ id: `tr/34/${slug}` })),
  );
  assert.ok(tiles);
  assert.equal(neighbour(tiles, "tr/34/sariyer", "ArrowRight"), "tr/34/beykoz");
  assert.equal(neighbour(tiles, "tr/34/uskudar", "ArrowLeft"), "tr/34/besiktas");
});

test("a district that no layout knows means no map", () => {
  assert.equal(layoutOf("tr/34", [{ id: "tr/34/atlantis" }]), null);
  assert.equal(layoutOf("tr/06", []), null);
});
