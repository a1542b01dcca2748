/**
 * Editorial calls: an editor says who has won; nothing here is computed.
 */

import { make } from "../dom.js";
import { Rows } from "./rows.js";

/** @import { Call, PanelTools, RoomState } from "./types.d.ts" */

export class Calls {
  #candidate;
  #ballot = "";
  /** @type {readonly Call[]} */
  #standing = [];
  #rows;

  /** @param {PanelTools} tools */
  constructor({ root, room, words, election }) {
    this.room = room;
    this.t = words;
    this.election = election;
    this.#candidate = make("select", { id: "call-candidate" });
    const button = make("button", { id: "call", "data-orders": true, text: words("call") });
    button.addEventListener("click", () => this.#call());
    const list = make("ul", { tabindex: 0, "aria-label": words("calls") });
    this.#rows = new Rows(list, (call) => this.#row(call));
    root.append(
      make(
        "p",
        { class: "choices" },
        make("label", { for: "call-candidate", text: words("candidate") }),
        this.#candidate,
        button,
      ),
      list,
    );
  }

  /**
   * Show the calls that stand, and who can be called where one looks.
   * @param {RoomState} state
   */
  draw({ calls }) {
    const { contest, unit } = this.room.place;
    this.#standing = calls;
    this.#offer(contest, unit);
    this.#rows.draw(calls, (call) => `${call.contest} ${call.unit} ${call.candidate}`, this.t("noCalls"));
  }

  /**
   * Offer the unit's candidates, who leads first; as they stood when the unit was first shown, so that nothing moves
   * under the hand, unless somebody else leads by now and nobody is at the list.
   * @param {string} contest
   * @param {string} unit
   */
  #offer(contest, unit) {
    const ranked = this.room.ranked;
    const ballot = `${contest} ${unit} ${ranked[0]?.id}`;
    if (
      this.#ballot === ballot ||
      (document.activeElement === this.#candidate && this.#ballot.startsWith(`${contest} ${unit} `))
    )
      return;
    this.#ballot = ballot;
    this.#candidate.replaceChildren(...ranked.map(({ id, name }) => make("option", { value: id, text: name })));
  }

  /** @param {Call} call */
  #row(call) {
    const { contest, unit, candidate, by } = call;
    const button = make("button", { "data-orders": true, text: this.t("withdrawCall") });
    button.addEventListener("click", () =>
      this.room.ask({
        fields: { type: "call_withdrawn", contest, unit },
        what: this.t("withdrawWhat", { where: this.room.where(contest, unit) }),
      }),
    );
    return make(
      "li",
      {},
      make("b", { text: this.room.candidateName(contest, unit, candidate) }),
      make("span", { text: ` ${this.room.where(contest, unit)} · ${by}` }),
      button,
    );
  }

  #call() {
    const { contest, unit } = this.room.place;
    const candidate = this.#candidate.value;
    const who = this.room.candidateName(contest, unit, candidate);
    const replaced = this.#standing.find((call) => call.contest === contest && call.unit === unit);
    const what = [this.t("callWhat", { where: this.room.where(contest, unit), who })];
    if (replaced && replaced.candidate !== candidate)
      what.push(
        this.t("replacesCall", { who: this.room.candidateName(contest, unit, replaced.candidate), by: replaced.by }),
      );
    this.room.ask({
      fields: { type: "called", contest, unit, candidate },
      what: what.join(" "),
      grave: this.t("callSure"),
    });
  }
}
