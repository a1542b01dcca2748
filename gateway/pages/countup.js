/**
 * Numbers that count up: at most a second, easing out, and landing on the true value. A fall is shown at once.
 */

/** Half of the half second between two deltas: numbers rest as long as they run, and never fall behind. */
const DURATION_MS = 250;

/** @type {Map<HTMLElement, { from: number, to: number, began: number, format: (value: number) => string }>} */
const running = new Map();
/** @type {WeakMap<HTMLElement, number | undefined>} */
const shown = new WeakMap();
/** @type {WeakMap<HTMLElement, string>} */
const owners = new WeakMap();
let frame = 0;

/** Whether nothing may move: the reader asked for that, here or for every page, or nobody is looking. */
export function isStill() {
  return (
    document.hidden ||
    document.documentElement.dataset.motion === "none" ||
    matchMedia("(prefers-reduced-motion: reduce)").matches
  );
}

/**
 * @param {HTMLElement} node
 * @param {number} value
 * @param {(value: number) => string} format
 */
function write(node, value, format) {
  const text = format(value);
  if (node.textContent !== text) node.textContent = text;
}

/** @param {number} now */
function step(now) {
  for (const [node, { from, to, began, format }] of running) {
    // a frame that is late may have a time before that
    const part = Math.max(0, Math.min(1, (now - began) / DURATION_MS));
    const eased = 1 - (1 - part) ** 3;
    const value = part === 1 ? to : Math.round(from + (to - from) * eased);
    shown.set(node, value);
    write(node, value, format);
    if (part === 1) running.delete(node);
  }
  frame = running.size ? requestAnimationFrame(step) : 0;
}

/**
 * Show a whole number in a node. The first value and every fall are plain; a rise counts up. `of` says whose number
 * it is: another's does not count from this one's.
 * @param {HTMLElement} node
 * @param {number} value
 * @param {(value: number) => string} format
 * @param {string} [of]
 */
export function showCount(node, value, format, of = "") {
  const before = owners.get(node) === of ? shown.get(node) : undefined;
  owners.set(node, of);
  node.dataset.value = String(value);
  if (!Number.isFinite(value) || before === undefined || value <= before || isStill()) {
    running.delete(node);
    shown.set(node, Number.isFinite(value) ? value : undefined);
    write(node, value, format);
    return;
  }
  if (running.get(node)?.to === value) return;
  document.addEventListener("visibilitychange", land); // the same listener is added once
  running.set(node, { from: before, to: value, began: performance.now(), format });
  if (!frame) frame = requestAnimationFrame(step);
}

/**
 * Forget what a node showed: its next value is another unit's, and must not count from this one's.
 * @param {HTMLElement} node
 */
export function forgetCount(node) {
  running.delete(node);
  shown.delete(node);
}

/** A page in the background gets no frames: what was counting lands when it is hidden, not when it is looked at. */
function land() {
  if (!document.hidden) return;
  for (const [node, { to, format }] of running) {
    shown.set(node, to);
    write(node, to, format);
  }
  running.clear();
}
