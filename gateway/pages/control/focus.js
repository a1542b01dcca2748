/**
 * Where the focus goes when what had it is gone: to the heading of its panel, so that Tab goes on from there.
 */

import { put } from "../dom.js";

/** The panel that has the focus, if one has. */
export function focusedPanel() {
  return document.activeElement?.closest("section") ?? null;
}

/**
 * Give a panel the focus where nothing else has it.
 * @param {Element | null} panel
 */
export function settleFocus(panel) {
  const heading = panel?.querySelector("h2");
  const active = document.activeElement;
  const kept = active && active !== document.body && active.checkVisibility(); // a closed dialog has it until the next frame
  if (!heading || kept) return;
  put(heading, "tabindex", "-1");
  heading.focus();
}
