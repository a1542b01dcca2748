/**
 * The embargo (yayın yasağı): whether it is in force, and its two-step lifting.
 */

import { make, setAttribute, setText } from "../dom.js";

/** @import { PanelTools, RoomState } from "./types.d.ts" */

export class EmbargoPanel {
  #text;
  #button;
  #lifting = false;

  /** @param {PanelTools} tools */
  constructor({ root, room, words, format }) {
    this.room = room;
    this.t = words;
    this.format = format;
    this.#text = make("p", { class: "embargo-state" });
    this.#button = make("button", { id: "embargo-order", "data-orders": true });
    this.#button.addEventListener("click", () => this.#ask());
    root.append(this.#text, make("p", { class: "choices" }, this.#button));
  }

  /**
   * Show whether numbers are for the control room only.
   * @param {RoomState} state
   */
  draw({ embargoed, embargo }) {
    const { t, format } = this;
    const until = embargo
      ? t("embargoUntil", { time: `${format.date(embargo)} ${format.clock(embargo)}` })
      : t("embargoOpen");
    setText(this.#text, embargoed ? t("embargoOn", { until }) : t("embargoOff"));
    setAttribute(this.#text, "data-embargoed", String(embargoed));
    this.#lifting = embargoed;
    setText(this.#button, t(embargoed ? "liftEmbargo" : "setEmbargo"));
  }

  #ask() {
    const { t } = this;
    if (this.#lifting) this.room.ask({ fields: { type: "embargo_lifted" }, what: t("liftWhat"), grave: t("liftSure") });
    else this.room.ask({ fields: { type: "embargo_set", until: null }, what: t("setWhat") });
  }
}
