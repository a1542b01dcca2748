/**
 * Changes of order: taken at most every two seconds, so that a race that is tight does not dance, and slid into place.
 */

import { isStill } from "./countup.js";
import { arrange } from "./dom.js";

/** A new order stands this long before it is shown. */
export const ORDER_PAUSE_MS = 2_000;
const SLIDE_MS = 400;

/**
 * Where the children of a node are now, to slide from.
 * @param {Element} parent
 */
export function tops(parent) {
  return new Map([...parent.children].map((row) => [row, row.getBoundingClientRect().top]));
}

/**
 * Slide what has moved since `before` into its place. `scale`: pixels on screen per pixel of the page.
 * @param {ReadonlyMap<Element, number>} before
 * @param {number} [scale]
 */
export function slide(before, scale = 1) {
  if (isStill()) return;
  for (const [row, top] of before) {
    const moved = (top - row.getBoundingClientRect().top) / scale;
    if (row.isConnected && moved) {
      row.animate([{ transform: `translateY(${moved}px)` }, { transform: "none" }], {
        duration: SLIDE_MS,
        easing: "ease-out",
      });
    }
  }
}

/**
 * @typedef {object} OrderOptions
 * @property {number} [pauseMs]
 * @property {(task: () => void, ms: number) => unknown} [later]
 * @property {(timer: any) => void} [never]
 */

/** An order that is shown, and follows the true one after a pause. */
export class Order {
  /** @type {string[]} */
  #shown = [];
  /** @type {string[]} */
  #wanted = [];
  /** @type {unknown} */
  #pending = null;

  /**
   * `changed(order)` is called when another order is to be shown.
   * @param {(order: string[]) => void} changed
   * @param {OrderOptions} [orderOptions]
   */
  constructor(changed, { pauseMs = ORDER_PAUSE_MS, later = setTimeout, never = clearTimeout } = {}) {
    this.changed = changed;
    this.pauseMs = pauseMs;
    this.later = later.bind(globalThis);
    this.never = never.bind(globalThis);
  }

  /** The order on screen. */
  get shown() {
    return this.#shown;
  }

  /**
   * Show this at once: another unit's order is no change of this one's.
   * @param {string[]} order
   */
  jump(order) {
    this.never(this.#pending);
    this.#pending = null;
    this.#shown = this.#wanted = order;
  }

  /**
   * This is the true order now. One that is back to what is shown before the pause is over was never there.
   * @param {string[]} order
   */
  want(order) {
    this.#wanted = order;
    if (same(order, this.#shown)) {
      this.never(this.#pending);
      this.#pending = null;
    } else this.#pending ??= this.later(() => this.#settle(), this.pauseMs);
  }

  #settle() {
    this.#pending = null;
    this.#shown = this.#wanted;
    this.changed(this.#shown);
  }
}

/** A list whose lines are in an order that is shown, and slide where it changes. */
export class SlidingList {
  #order = new Order(() => this.#reorder());

  /**
   * `lineOf` gives the node of an id, `write` writes what the lines say, and `scale` is as in `slide`.
   * @param {Element} list
   * @param {(id: string) => Element} lineOf
   * @param {() => void} write
   * @param {() => number} scale
   */
  constructor(list, lineOf, write, scale) {
    this.list = list;
    this.lineOf = lineOf;
    this.write = write;
    this.scale = scale;
  }

  /** The order on screen. */
  get shown() {
    return this.#order.shown;
  }

  /**
   * Show this at once, as `Order.jump`.
   * @param {string[]} order
   */
  jump(order) {
    this.#order.jump(order);
    this.#place();
  }

  /**
   * This is the true order now, as `Order.want`.
   * @param {string[]} order
   */
  want(order) {
    this.#order.want(order);
  }

  #reorder() {
    const before = tops(this.list);
    this.#place();
    this.write();
    slide(before, this.scale());
  }

  #place() {
    arrange(this.list, this.shown.map(this.lineOf));
  }
}

/**
 * @param {readonly string[]} left
 * @param {readonly string[]} right
 */
function same(left, right) {
  return left.length === right.length && left.every((id, index) => id === right[index]);
}
