/**
 * Rows that stay under the pointer. Pure: keys in, rows out.
 *
 * While somebody is about to press something, what is new is not let in and what is gone stays in its place, marked;
 * both come with the next look that is free.
 */

/**
 * @template Item
 * @typedef {object} Steady
 * @property {readonly Item[]} shown
 * @property {ReadonlySet<string>} gone the keys of rows that are shown and are there no more
 * @property {number} fresh how many are there and are not shown
 */

/**
 * @template Item
 * @param {readonly Item[]} before what is shown
 * @param {readonly Item[]} now what there is, in its order
 * @param {(item: Item) => string} keyOf
 * @param {boolean} isBusy whether somebody is at the rows
 * @returns {Steady<Item>}
 */
export function steady(before, now, keyOf, isBusy) {
  if (!isBusy) return { shown: now, gone: new Set(), fresh: 0 };
  const newest = new Map(now.map((item) => [keyOf(item), item]));
  const shown = before.map((item) => newest.get(keyOf(item)) ?? item);
  const keys = new Set(shown.map(keyOf));
  return {
    shown,
    gone: new Set([...keys].filter((key) => !newest.has(key))),
    fresh: now.filter((item) => !keys.has(keyOf(item))).length,
  };
}

/**
 * Whether somebody is at a list: the pointer is over it, or the focus in it.
 * @param {Element} list
 */
export function isBusyAt(list) {
  return list.matches(":hover") || (list.contains(document.activeElement) && document.activeElement !== list);
}
