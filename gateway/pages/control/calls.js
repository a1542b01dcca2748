/**
 * Editorial calls: an editor says who has won; nothing here is computed.
 */

import { make } from "../dom.js";
import { Rows } from "./rows.js";

/** @import { Call, PanelTools, RoomState } from "./types.d.ts" */

export class Calls {
  #candidate;
  #ballot = "";
  #rows;

  /** @param {PanelTools} tools */
  constructor({ root, room, words, election }) {
    this.room = room;
    this.t = words;
    this.election = election;
    this.#candidate = make("select", { id: "call-candidate" });
    const button = make("button", { id: "call", "data-orders": true, text: words("call") });
    button.addEventListener("click", () => this.#call());
    const list = make("ul");
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
    if (this.#ballot !== `${contest} ${unit}`) {
      this.#ballot = `${contest} ${unit}`;
      this.#candidate.replaceChildren(
        ...this.election.ballot(contest, unit).map(({ id, name }) => make("option", { value: id, text: name })),
      );
    }
    this.#rows.draw(calls, (call) => `${call.contest} ${call.unit} ${call.candidate}`, this.t("noCalls"));
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
    this.room.ask({
      fields: { type: "called", contest, unit, candidate },
      what: this.t("callWhat", { where: this.room.where(contest, unit), who }),
      grave: this.t("callSure"),
    });
  }
}
