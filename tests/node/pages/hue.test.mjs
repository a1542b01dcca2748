import assert from "node:assert/strict";
import { test } from "node:test";

import { contrast, legible, tileColors } from "../../../gateway/pages/hue.js";

const PARTIES = ["#000000", "#ffffff", "#e4002b", "#f39c12", "#1c7c54", "#7a3e9d", "#000080", "#ffff00"];
const GROUNDS = ["#1b222c", "#ffffff"];

test("a hue is legible on dark and on light, whatever the party and the margin", () => {
  for (const hue of PARTIES) {
    for (const ground of GROUNDS) {
      assert.ok(contrast(legible(hue, ground), ground) >= 3, `a bar of ${hue} on ${ground}`);
      for (const points of [0, 5, 15, 40]) {
        const { fill, ink } = tileColors(hue, points, ground);
        assert.ok(contrast(fill, ink) >= 4.5, `a label on ${hue} over ${ground} at ${points} points`);
      }
    }
  }
});
