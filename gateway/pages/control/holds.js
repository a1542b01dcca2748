/**
 * Hold, take and release: of the contest and unit that is looked at, or of the whole contest.
 */

import { touches } from "../client/held.js";
import { make, setAttribute, setText } from "../dom.js";
import { Rows } from "./rows.js";

/** @import { HoldAction, PanelTools, RoomState } from "./types.d.ts" */

/** @type {Readonly<Record<HoldAction, string>>} */
const ORDERS = { hold: "held", take: "taken", release: "released" };

export class Holds {
  /** @type {RoomState["hold"]} */
  #hold = {};
  #rows;
  #scope;

  /** @param {PanelTools} tools */
  constructor({ root, room, words }) {
    this.room = room;
    this.t = words;
    this.#scope = make(
      "select",
      { id: "hold-scope" },
      make("option", { value: "here", text: words("here") }),
      make("option", { value: "whole", text: words("whole") }),
    );
    const line = make(
      "p",
      { class: "choices" },
      make("label", { for: "hold-scope", text: words("scope") }),
      this.#scope,
    );
    for (const name of /** @type {HoldAction[]} */ (Object.keys(ORDERS))) {
      const button = make("button", { id: name, "data-orders": true, text: words(name) });
      button.addEventListener("click", () => this.ask(name));
      line.append(button);
    }
    const list = make("ul", { class: "held", tabindex: 0, "aria-label": words("holds") });
    this.#rows = new Rows(list, () => make("li", {}, make("b"), make("span", { class: "number" })));
    root.append(line, list);
  }

  /**
   * Show what is held, and how much waits behind it.
   * @param {RoomState} state
   */
  draw({ hold }) {
    this.#hold = hold;
    this.#rows.draw(Object.entries(hold), ([name]) => name, this.t("nothingHeld"));
    Object.entries(hold).forEach(([name, pending], index) => {
      const [what, count] = this.#rows.parent.children[index].children;
      setText(what, this.#named(name));
      setText(count, this.t("pendingN", { n: pending }));
      setAttribute(count, "data-pending", String(pending > 0));
    });
  }

  /**
   * Ask for an order about what is looked at.
   * @param {HoldAction} name
   */
  ask(name) {
    const { contest, unit } = this.room.place;
    const where = this.#scope.value === "whole" ? null : unit;
    const pending = Object.entries(this.#hold)
      .filter(([held]) => touches(held, this.room.election, contest, where))
      .reduce((sum, [, count]) => sum + count, 0);
    this.room.ask({
      fields: { type: ORDERS[name], contest, unit: where },
      what: this.t(`${name}What`, { what: this.room.where(contest, where), n: pending }),
    });
  }

  /** @param {string} held */
  #named(held) {
    const [contest, ...path] = held.split("/");
    return this.room.where(contest, path.length ? path.join("/") : null);
  }
}
