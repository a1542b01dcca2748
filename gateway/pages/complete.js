/**
 * A source that has opened every box of a contest has nothing more to send: its silence is no alarm.
 */

/** States of a feed that say no more than that nothing comes. */
const SILENT = new Set(["quiet", "stale", "down"]);

/**
 * The state of a source's feed, as one contest sees it: "complete" where it is silent and has opened every box of the
 * contest's scope. Corrections may still come, and then it is live again; how old its last word is, is shown beside it.
 */
export function feedState(state, opened, boxesTotal) {
  return SILENT.has(state) && boxesTotal > 0 && opened === boxesTotal ? "complete" : state;
}
