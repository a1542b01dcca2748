/**
 * A list or a table's body: rows are made once for each thing, and kept in order.
 */

import { arrange, make } from "../dom.js";
import { focusedPanel, settleFocus } from "./focus.js";

/** @template Item */
export class Rows {
  /** @type {Map<string | number, HTMLElement>} */
  #nodes = new Map();

  /**
   * `build(item)` makes a row; what of it changes, the caller says afterwards in `parent.children`.
   * @param {HTMLElement} parent
   * @param {(item: Item) => HTMLElement} build
   */
  constructor(parent, build) {
    this.parent = parent;
    this.build = build;
  }

  /**
   * Show these, or the sentence that there are none.
   * @param {readonly Item[]} items
   * @param {(item: Item) => string | number} keyOf
   * @param {string} empty
   */
  draw(items, keyOf, empty) {
    const panel = this.parent.contains(document.activeElement) ? focusedPanel() : null;
    this.#nodes = new Map(items.map((item) => [keyOf(item), this.#nodes.get(keyOf(item)) ?? this.build(item)]));
    const none =
      this.parent.tagName === "TBODY"
        ? () => make("tr", {}, make("td", { class: "soft", colspan: 6, text: empty }))
        : () => make("li", { class: "soft", text: empty });
    if (items.length) arrange(this.parent, [...this.#nodes.values()]);
    else if (this.parent.textContent !== empty) this.parent.replaceChildren(none());
    settleFocus(panel);
  }
}
