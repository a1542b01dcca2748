/**
 * The orders given from this page, the newest first: on their way, in force or without effect, and undone from here.
 */

import { make, setAttribute, setText } from "../dom.js";
import { inverseOf, outcomeOf } from "./outcome.js";

/** @import { OrderFields, PanelTools, RoomState } from "./types.d.ts" */

const SHOWN = 3;

/**
 * @typedef {object} Given
 * @property {string} id
 * @property {OrderFields} fields
 * @property {string} what the sentence that was confirmed
 * @property {OrderFields | null} undo
 * @property {boolean} isSeen whether it was seen in force
 * @property {HTMLLIElement} node
 * @property {HTMLElement} stage
 */

export class GivenOrders {
  /** @type {Given[]} */
  #given = [];
  #list;

  /** @param {PanelTools} tools */
  constructor({ root, room, words }) {
    this.room = room;
    this.t = words;
    this.#list = make("ul", { class: "given-list", "aria-live": "polite", tabindex: 0, "aria-label": words("given") });
    root.append(this.#list);
    this.#none();
  }

  /**
   * Show an order that was written.
   * @param {string} id
   * @param {OrderFields} fields
   * @param {string} what
   * @param {RoomState} before the state that it was given in
   */
  add(id, fields, what, before) {
    const undo = inverseOf(fields, before);
    const stage = make("b", { class: "stage" });
    const button = make("button", { "data-orders": true, text: this.t("undo") });
    button.addEventListener("click", () => {
      if (!undo) return;
      const sentence = this.t("undoWhat", { what, type: this.t(undo.type) });
      this.room.ask({
        fields: undo,
        what: sentence,
        grave: undo.type === "embargo_lifted" ? this.t("liftSure") : null,
      });
    });
    const node = make("li", {}, stage, make("span", { text: ` ${what}` }), ...(undo ? [button] : []));
    this.#given = [{ id, fields, what, undo, isSeen: false, node, stage }, ...this.#given].slice(0, SHOWN);
    this.#list.replaceChildren(...this.#given.map((one) => one.node));
  }

  /**
   * Say where each is.
   * @param {RoomState} state
   */
  draw(state) {
    for (const one of this.#given) {
      const { stage, why } = outcomeOf(one, state);
      one.isSeen ||= stage === "force";
      setText(one.stage, this.t(`stage_${stage}`, { why }));
      setAttribute(one.node, "data-stage", stage);
    }
  }

  #none() {
    this.#list.replaceChildren(make("li", { class: "soft", text: this.t("noneGiven") }));
  }
}
