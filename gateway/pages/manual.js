/**
 * Figures that an operator has set by hand (docs/decisions/override.md): which they are, and the mark they carry.
 */

import { setAttribute } from "./dom.js";

/** @import { Entry, Words } from "./types.d.ts" */

/**
 * Whether one of these figures of an entry was set by hand; without names: whether any was.
 * @param {Entry | null | undefined} entry
 * @param {...string} figures
 */
export function isManual(entry, ...figures) {
  const set = entry?.overridden ?? [];
  return figures.length ? figures.some((figure) => set.includes(figure)) : set.length > 0;
}

/**
 * Mark a node whose figure was set by hand, or take the mark away. The sign itself is the style sheet's.
 * @param {Element} node
 * @param {unknown} manual
 * @param {Words} t
 */
export function markManual(node, manual, t) {
  setAttribute(node, "data-manual", manual ? "" : null);
  setAttribute(node, "title", manual ? t("manualWord") : null);
}
