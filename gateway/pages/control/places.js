/**
 * Where items of the rundown lie. Pure. Places are numbers far apart, so an item goes between two others without
 * changing those, and operators who move different items do not disturb each other.
 */

/** @typedef {{ readonly item: string, readonly place: number }} Placed */

/** How far apart two items are put: one can be put between two others thirty times. */
const GAP = 2 ** 30;

/**
 * The place behind all of these, which are in their order.
 * @param {readonly Placed[]} items
 */
export function placeAtEnd(items) {
  return (items.at(-1)?.place ?? 0) + GAP;
}

/**
 * The place of an item that is moved one up (-1) or down (1); null where it is at that end, or there is no room.
 * @param {readonly Placed[]} items in their order
 * @param {string} item
 * @param {-1 | 1} by
 */
export function placeMoved(items, item, by) {
  const at = items.findIndex((one) => one.item === item);
  const neighbour = items[at + by];
  if (at < 0 || !neighbour) return null;
  const beyond = items[at + 2 * by]?.place ?? (by < 0 ? 0 : neighbour.place + 2 * GAP);
  const place = Math.floor((neighbour.place + beyond) / 2);
  return place === neighbour.place || place === items[at + 2 * by]?.place ? null : place;
}
