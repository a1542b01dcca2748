/**
 * What operators hold back, for everyone. By the definition's tree: an id says nothing of what a unit is in.
 */

/** @import { Tree } from "./index.d.ts" */

const parentsOf = new WeakMap();

/**
 * Whether a unit's public figures are held, wholly or in part.
 *
 * It or a unit above it is in `held`, or a part of it is, and then the gateway lists it in `heldInPart`.
 * @param {{held: readonly string[], heldInPart?: readonly string[]}} options
 * @param {Tree} definition
 * @param {string} contest
 * @param {string} unit
 */
export function isHeld({ held, heldInPart = [] }, definition, contest, unit) {
  const path = pathOf(definition, unit);
  const names = path.map((one, index) => nameOf(contest, index === path.length - 1 ? null : one));
  return names.some((name) => held.includes(name)) || (names.length > 0 && heldInPart.includes(names[0]));
}

/**
 * Whether what a name in `held` is of and a unit have anything in common: one is in the other. `unit` null is
 * everywhere.
 * @param {string} name
 * @param {Tree} definition
 * @param {string} contest
 * @param {string | null} unit
 */
export function touches(name, definition, contest, unit) {
  const slash = name.indexOf("/");
  if ((slash < 0 ? name : name.slice(0, slash)) !== contest) return false;
  if (slash < 0 || unit === null) return true;
  const part = name.slice(slash + 1);
  if (pathOf(definition, part).includes(unit) || pathOf(definition, unit).includes(part)) return true;
  return definition.units.some(({ id, also_in: others = [] }) => {
    const above = others.flatMap((other) => pathOf(definition, other)); // units of two trees share what lies in both
    return above.length > 0 && [part, unit].every((one) => above.includes(one) || pathOf(definition, id).includes(one));
  });
}

/**
 * The unit and those above it, nearest first; nothing for one that is not there.
 * @param {Tree} definition
 * @param {string} unit
 */
function pathOf(definition, unit) {
  if (!parentsOf.has(definition.units))
    parentsOf.set(definition.units, new Map(definition.units.map(({ id, parent }) => [id, parent ?? null])));
  const parents = parentsOf.get(definition.units);
  const path = [];
  for (let one = unit; parents.has(one); one = parents.get(one)) path.push(one);
  return path;
}

/**
 * @param {string} contest
 * @param {string | null} unit
 */
function nameOf(contest, unit) {
  return unit === null ? contest : `${contest}/${unit}`;
}
