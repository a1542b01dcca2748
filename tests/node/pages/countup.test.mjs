import assert from "node:assert/strict";
import test from "node:test";

import { showCount } from "../../../gateway/pages/countup.js";

/**
 * A page with one number, whose frames come when they are asked for, at the times that are given.
 * @param {number} began when the number changes, in ms of the page's clock
 */
function page(began) {
  /** @type {FrameRequestCallback[]} */
  const frames = [];
  const node = /** @type {HTMLElement} */ (/** @type {unknown} */ ({ textContent: "", dataset: {} }));
  Object.assign(globalThis, {
    document: { hidden: false, documentElement: { dataset: {} }, addEventListener: () => {} },
    matchMedia: () => ({ matches: false }),
    requestAnimationFrame: (/** @type {FrameRequestCallback} */ task) => frames.push(task),
  });
  test.mock.method(performance, "now", () => began);
  const drawn = (/** @type {number} */ now) => {
    for (const task of frames.splice(0)) task(now);
    return Number(node.textContent);
  };
  return { node, drawn };
}

test("a frame whose time lies before the change shows what stood, and nothing below it", () => {
  const { node, drawn } = page(1_000);
  showCount(node, 100, String);
  showCount(node, 900, String);
  assert.deepEqual([984, 1_000, 1_250].map(drawn), [100, 100, 900]);
});
