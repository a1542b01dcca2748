/**
 * Where the focus goes when what had it is gone: to the heading of its panel, so that Tab goes on from there.
 */

import { setAttribute } from "../dom.js";

/** The panel that has the focus, if one has. */
export function focusedPanel() {
  return document.activeElement?.closest("section") ?? null;
}

/**
 * Bring the focus to a panel: to its first control that can be used, or to its heading.
 * @param {Element | null} panel
 */
export function focusPanel(panel) {
  const controls = /** @type {HTMLElement[]} */ ([
    ...(panel?.querySelectorAll("button, input, select, [tabindex]") ?? []),
  ]);
  const first = controls.find((one) => !one.matches(":disabled") && one.checkVisibility());
  if (first) first.focus();
  else settleFocus(panel);
  panel?.scrollIntoView({ block: "nearest" });
}

/**
 * Give a panel the focus where nothing else has it.
 * @param {Element | null} panel
 */
export function settleFocus(panel) {
  const heading = panel?.querySelector("h2");
  const active = document.activeElement;
  // a closed dialog has it until the next frame
  const kept = active && active !== document.body && active.checkVisibility();
  if (!heading || kept) return;
  setAttribute(heading, "tabindex", "-1");
  heading.focus();
}
