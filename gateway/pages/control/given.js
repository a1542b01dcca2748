/**
 * The orders given from this page, the newest first: on their way, in force or without effect, and undone from here.
 */

import { make, setAttribute, setText } from "../dom.js";
import { inverseOf, outcomeOf } from "./outcome.js";

/** @import { OrderFields, PanelTools, RoomState } from "./types.d.ts" */

/** Orders that are shown where nobody says how many. */
const SHOWN = 3;

/**
 * @typedef {object} Given
 * @property {string} id
 * @property {OrderFields} fields
 * @property {string} what the sentence that was confirmed
 * @property {OrderFields | null} undo
 * @property {boolean} isSeen whether it was seen in force
 * @property {boolean} isOver whether it was seen to be so no longer
 * @property {HTMLLIElement} node
 * @property {HTMLElement} stage
 */

export class GivenOrders {
  /** @type {Given[]} */
  #given = [];
  #list;
  #shown;
  #undo;

  /**
   * `undo` gives the order that undoes another; without it the room asks about it as about any other.
   * @param {Pick<PanelTools, "root" | "room" | "words"> & { name?: string, shown?: number,
   *   undo?: (fields: OrderFields, what: string) => void }} options
   */
  constructor({ root, room, words, name = "given-list", shown = SHOWN, undo }) {
    this.room = room;
    this.t = words;
    this.#shown = shown;
    this.#undo = undo ?? ((fields, what) => this.#ask(fields, what));
    this.#list = make("ul", { class: name, "aria-live": "polite", tabindex: 0, "aria-label": words("given") });
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
      this.#undo(undo, what);
    });
    const node = make("li", {}, stage, make("span", { text: ` ${what}` }), ...(undo ? [button] : []));
    this.#given = [{ id, fields, what, undo, isSeen: false, isOver: false, node, stage }, ...this.#given];
    this.#given = this.#given.slice(0, this.#shown);
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
      one.isOver = stage === "over";
      if (one.isOver) one.node.querySelector("button")?.remove(); // to undo it would undo what took its place
      setText(one.stage, this.t(`stage_${stage}`, { why }));
      setAttribute(one.node, "data-stage", stage);
    }
  }

  /** Undo the newest order, where it can be. */
  undoNewest() {
    /** @type {HTMLButtonElement | null | undefined} */ (this.#given[0]?.node.querySelector("button"))?.click();
  }

  /**
   * @param {OrderFields} fields
   * @param {string} what what is undone
   */
  #ask(fields, what) {
    const sentence = this.t("undoWhat", { what, type: this.t(fields.type) });
    this.room.ask({ fields, what: sentence, grave: fields.type === "embargo_lifted" ? this.t("liftSure") : null });
  }

  #none() {
    this.#list.replaceChildren(make("li", { class: "soft", text: this.t("noneGiven") }));
  }
}
