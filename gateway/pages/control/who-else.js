/**
 * Who else is in the room. Pure. A gateway's process knows those who look at it; of those at another one the log tells,
 * by the orders that they have given of late.
 */

/** @import { RoomState } from "./types.d.ts" */

/** An order so old says no more that who gave it is still there. */
const OF_LATE_MS = 15 * 60_000;

/**
 * The names of those who look at the same gateway, and of others who gave orders of late. Who has no name here is "".
 * @param {Pick<RoomState, "here" | "audit" | "subject" | "scope" | "at">} state
 * @param {string | undefined} own
 */
export function whoElse({ here, audit, subject, scope, at }, own) {
  const others = here.filter((one) => one.name !== own || one.subject !== subject || one.scope !== scope);
  const names = others.map((one) => one.name || one.subject);
  const since = Date.parse(at) - OF_LATE_MS;
  const gave = audit.filter((order) => order.counts && Date.parse(order.at) >= since).map(({ by }) => by ?? "");
  return { here: names, gave: [...new Set(gave)].filter((name) => name && name !== own && !names.includes(name)) };
}
