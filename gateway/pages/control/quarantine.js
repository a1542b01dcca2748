/**
 * Records that were set aside, and what can be done about each.
 */

import { make, say } from "../dom.js";
import { Rows } from "./rows.js";

const SHOWN = 20;

export class QuarantineQueue {
  #rows;
  #more;

  constructor({ root, room, words, format }) {
    Object.assign(this, { room, t: words, format });
    const list = make("ul", { class: "queue" });
    this.#rows = new Rows(list, (record) => this.#row(record));
    this.#more = make("p", { class: "soft" });
    root.append(list, this.#more);
  }

  /** Show what waits, the newest first. */
  draw({ quarantine }) {
    const shown = quarantine.newest.slice(0, SHOWN);
    this.#rows.draw(shown, ({ position }) => position, this.t("noQuarantine"));
    const more = quarantine.waiting - shown.length;
    say(this.#more, more > 0 ? this.t("moreWaiting", { n: this.format.count(more) }) : "");
  }

  #row({ position, reason, detail, releasable, said }) {
    const button = (key, type, disabled) => {
      const made = make("button", { "data-orders": true, "data-idle": disabled ? "true" : null, title: disabled ? this.t("notReleasable") : null, text: this.t(key) });
      made.addEventListener("click", () => this.room.ask({ fields: { type, position }, what: this.t(`${key}What`, { position }) }));
      return made;
    };
    return make(
      "li", {},
      make("p", {}, make("b", { text: reason }), make("span", { text: ` ${detail}` })),
      make("p", { class: "soft said" }, make("code", { text: position }), make("code", { text: ` ${said}` })),
      make("p", { class: "choices" }, button("releaseRecord", "quarantine_released", !releasable), button("rejectRecord", "quarantine_rejected", false)),
    );
  }
}
