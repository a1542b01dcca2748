/**
 * What has changed since the last time, in words: as /v1/facts tells it, with its base named. Pure.
 */

/** @import { LastTime, Tools } from "./types.d.ts" */

/**
 * The earlier contest that swing is told against: the first that was not annulled, or the first.
 * @param {readonly LastTime[] | undefined} previous
 * @returns {LastTime | undefined}
 */
export function baseOf(previous) {
  return previous?.find(({ annulled }) => !annulled) ?? previous?.[0];
}

/**
 * A number with its sign; a true minus, which is as wide as a plus.
 * @param {number} number
 * @param {(number: number) => string} write
 */
export function signed(number, write) {
  const sign = number > 0 ? "+" : number < 0 ? "\u2212" : "";
  return `${sign}${write(Math.abs(number))}`;
}

/**
 * The lines to show of a unit: who held it and whether it is held, the swing of who leads, the change of turnout, and
 * how many units are flipped. Over how many is told where it is not all.
 * @param {LastTime} since
 * @param {{leader: {id: string, name: string} | undefined, isWhole: boolean} & Tools} options
 */
export function lastTimeLines(since, { leader, isWhole, t, format }) {
  const held = since.held_by.map((id) => since.held_by_names[id] ?? id).join(" \u2013 ");
  const swing = since.swings.find(({ candidate }) => candidate === leader?.id);
  const points = (/** @type {number} */ number) => signed(number, (size) => format.points(size / 100));
  return [
    ...(held ? [since.outcome ? t(`outcome_${since.outcome}`, { name: held }) : t("heldBy", { name: held })] : []),
    ...(leader && swing?.swing_bp != null
      ? [t("swingOf", { name: leader.name, n: points(swing.swing_bp), v: signed(swing.votes_change, format.count) })]
      : []),
    ...(since.turnout_change_bp == null ? [] : [t("turnoutChange", { n: points(since.turnout_change_bp) })]),
    ...(isWhole && since.units > 1 && since.compared ? [t("flipped", { n: format.count(since.flipped.length) })] : []),
    ...(since.compared && since.compared < since.units
      ? [t("comparedOver", { n: format.count(since.compared), m: format.count(since.units) })]
      : []),
  ];
}
