/**
 * What may be said of a unit's figures, as the gateway says it: it follows from the districts, never from sums, in
 * which a surplus of one hides what is missing in another (docs/facts.md).
 */

import { setAttribute } from "./dom.js";
import { basisPoints } from "./format.js";

/** @import { Entry, Formats, Words } from "./types.d.ts" */

/**
 * The opened boxes that count in a share of boxes: never more than there are.
 * @param {Entry | undefined} entry
 */
export function credited(entry) {
  return (entry?.boxes_opened ?? 0) - (entry?.boxes_surplus ?? 0);
}

/**
 * The opened part of a unit's boxes, from 0 to 1.
 * @param {Entry | undefined} entry
 * @param {number} boxesTotal
 */
export function partOf(entry, boxesTotal) {
  return boxesTotal > 0 ? credited(entry) / boxesTotal : 0;
}

/**
 * The share of boxes as text: 100 % only where every district is complete.
 * @param {Formats} format
 * @param {Entry | undefined} entry
 * @param {number} boxesTotal
 */
export function progressText(format, entry, boxesTotal) {
  return format.progress(credited(entry), boxesTotal, entry?.complete ?? false);
}

/**
 * What shares are of: the valid votes, or all votes where those are more.
 * @param {Pick<Entry, "valid" | "unattributed" | "votes"> | null | undefined} entry
 */
export function wholeOf(entry) {
  if (!entry) return 0;
  const votes = Object.values(entry.votes ?? {}).reduce((sum, count) => sum + count, entry.unattributed ?? 0);
  return Math.max(entry.valid ?? 0, votes);
}

/**
 * Turnout with its denominator, the registered voters of the opened boxes. `share` is in hundredths of a per cent; null
 * where it is over 100 % and no flagged box explains that, or the figures contradict each other. `isGiven` is false
 * where the source does not give the counts that it is made of.
 * @param {Entry | undefined} entry
 */
export function turnout(entry) {
  const { cast = 0, registered = 0, flagged = 0 } = entry ?? {};
  if (cast === null || registered === null) return { cast: NaN, registered: NaN, share: null, isGiven: false };
  const isSaid = cast <= registered || (flagged > 0 && !isOdd(entry));
  return { cast, registered, share: isSaid ? basisPoints(cast, registered) : null, isGiven: true };
}

/**
 * Whether figures of the unit, or of a district below it, contradict each other or the definition.
 * @param {Entry | undefined} entry
 */
export function isOdd(entry) {
  return (entry?.contradictions ?? []).length > 0;
}

/**
 * What they contradict, in words.
 * @param {Entry | undefined} entry
 * @param {Words} t
 */
export function oddWords(entry, t) {
  return (entry?.contradictions ?? []).map((name) => t(`odd_${name}`)).join(" · ");
}

/**
 * Mark a node whose figures contradict each other, or take the mark away. The sign itself is the style sheet's.
 * @param {Element} node
 * @param {Entry | undefined} entry
 * @param {Words} t
 */
export function markOdd(node, entry, t) {
  const wasOdd = node.hasAttribute("data-odd");
  setAttribute(node, "data-odd", isOdd(entry) ? "" : null);
  if (isOdd(entry)) setAttribute(node, "title", `${t("oddHead")}: ${oddWords(entry, t)}`);
  else if (wasOdd) setAttribute(node, "title", null);
}
