/**
 * Alarms of one cause as one, and which of them an operator has acknowledged. Pure.
 *
 * A cause is a kind of alarm by one source in one contest, about one figure where the kind has one. What is
 * acknowledged is the cause up to a moment by the gateway's clock: it comes back with the next alarm of that cause.
 */

/** @import { Alarm } from "./types.d.ts" */

/** Kinds of which the figure is part of the cause: of the others it is a candidate, one of many. */
const BY_FIGURE = new Set(["contradiction", "set_aside"]);

/**
 * @typedef {object} Fold
 * @property {string} cause
 * @property {readonly Alarm[]} alarms the newest first
 * @property {boolean} isNew whether one came since it was acknowledged
 */

/** @param {Alarm} alarm */
export function causeOf({ kind, source, contest, figure }) {
  return JSON.stringify([kind, source, contest ?? "", BY_FIGURE.has(kind) ? figure : ""]);
}

/**
 * The causes of these alarms, those that are new first, then by the newest alarm.
 * @param {readonly Alarm[]} alarms the newest first
 * @param {Readonly<Record<string, string>>} acknowledged by cause until when
 * @returns {Fold[]}
 */
export function foldAlarms(alarms, acknowledged) {
  /** @type {Map<string, Alarm[]>} */
  const found = new Map();
  for (const alarm of alarms) {
    const cause = causeOf(alarm);
    const known = found.get(cause);
    if (known) known.push(alarm);
    else found.set(cause, [alarm]);
  }
  const folds = [...found].map(([cause, of]) => ({
    cause,
    alarms: of,
    isNew: !isAcknowledged(of[0], acknowledged[cause]),
  }));
  return folds.sort((one, other) => Number(other.isNew) - Number(one.isNew));
}

/**
 * What is acknowledged once these are, too.
 * @param {Readonly<Record<string, string>>} acknowledged
 * @param {readonly Fold[]} folds
 */
export function acknowledge(acknowledged, folds) {
  return { ...acknowledged, ...Object.fromEntries(folds.map(({ cause, alarms }) => [cause, alarms[0].at])) };
}

/**
 * @param {Alarm} newest
 * @param {string | undefined} until
 */
function isAcknowledged(newest, until) {
  return until !== undefined && Date.parse(newest.at) <= Date.parse(until);
}
