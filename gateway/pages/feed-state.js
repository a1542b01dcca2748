/**
 * A source that has opened every box of a contest has nothing more to send: its silence is no alarm, as long as the
 * gateway reads the log and would hear it if it spoke.
 */

/** @import { Entry, ShownFeed } from "./types.d.ts" */

/** States of a feed that say no more than that nothing comes. */
const SILENT = new Set(["quiet", "stale", "down"]);

/**
 * The state of a source's feed, as one contest sees it: "complete" where it is silent and the entry of the contest's
 * scope is complete, which is so when each of its districts is. While the log is out of `reach` nobody knows how silent
 * it is, and what the gateway says stands. Corrections may still come, and then it is live again; how old its last word
 * is, is shown beside it.
 * @param {ShownFeed["state"]} state
 * @param {Entry | undefined} entry
 * @param {boolean} reach
 */
export function feedState(state, entry, reach) {
  return reach && SILENT.has(state) && entry?.complete ? "complete" : state;
}
