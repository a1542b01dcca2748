/**
 * Which groups of the quarantine are looked at, and which page of one. Pure.
 */

/** @import { QuarantineGroup } from "./types.d.ts" */

/** Records of a group that are shown at once. */
export const PAGE = 20;

/** @param {QuarantineGroup} group */
export function keyOf({ reason, source, unit }) {
  return JSON.stringify([reason, source, unit]);
}

/**
 * The groups whose label has every word of the filter, whatever its case.
 * @param {readonly QuarantineGroup[]} groups
 * @param {string} filter
 * @param {(group: QuarantineGroup) => string} labelOf
 */
export function matching(groups, filter, labelOf) {
  const words = lower(filter).split(/\s+/).filter(Boolean);
  if (!words.length) return groups;
  return groups.filter((group) => {
    const label = lower(labelOf(group));
    return words.every((word) => label.includes(word));
  });
}

/**
 * How many records there are in these groups, and how many of them can be let out.
 * @param {readonly QuarantineGroup[]} groups
 */
export function sumOf(groups) {
  return groups.reduce(
    (sum, { count, releasable }) => ({ count: sum.count + count, releasable: sum.releasable + releasable }),
    { count: 0, releasable: 0 },
  );
}

/**
 * The page that is shown when this one is asked for: the last one there is, where it is beyond the end.
 * @param {number} page
 * @param {number} total
 */
export function pageOf(page, total) {
  const last = Math.max(0, Math.ceil(total / PAGE) - 1);
  const shown = Math.min(Math.max(0, page), last);
  return {
    page: shown,
    first: Math.min(total, shown * PAGE + 1),
    last: Math.min(total, (shown + 1) * PAGE),
    isLast: shown === last,
  };
}

/** @param {string} text */
function lower(text) {
  return text.toLocaleLowerCase("tr");
}
