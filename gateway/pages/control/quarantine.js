/**
 * Records that were set aside, what each says beside what stands, and what can be done about it.
 */

import { make, setAttribute, setText } from "../dom.js";
import { Rows } from "./rows.js";

/** @import { PanelTools, QuarantinedRecord, RoomState } from "./types.d.ts" */

const SHOWN = 20;
const CANDIDATES = 4;

export class QuarantineQueue {
  #rows;
  #more;
  #again;
  #uncounted;

  /** @param {PanelTools} tools */
  constructor({ root, room, words, format, election }) {
    this.room = room;
    this.t = words;
    this.format = format;
    this.election = election;
    const [list, again] = [make("ul", { class: "queue" }), make("ul", { class: "queue again" })];
    this.#rows = new Rows(list, (record) => this.#row(record));
    this.#again = new Rows(again, (record) => this.#row(record, true));
    this.#more = make("p", { class: "soft" });
    this.#uncounted = make("div", { hidden: "" }, make("h3", { text: words("uncounted") }), again);
    root.append(list, this.#more, this.#uncounted);
  }

  /**
   * Show what waits, and what was let out and is not counted yet, the newest first.
   * @param {RoomState} state
   */
  draw({ quarantine }) {
    const shown = quarantine.newest.slice(0, SHOWN);
    /** @param {QuarantinedRecord} quarantinedRecord */
    const keyOf = ({ position, verdict }) => `${position} ${verdict}`;
    this.#rows.draw(shown, keyOf, this.t("noQuarantine"));
    const more = quarantine.waiting - shown.length;
    setText(this.#more, more > 0 ? this.t("moreWaiting", { n: this.format.count(more) }) : "");
    setAttribute(this.#uncounted, "hidden", quarantine.uncounted.length ? null : "");
    this.#again.draw(quarantine.uncounted.slice(0, SHOWN), keyOf, "");
  }

  /**
   * @param {QuarantinedRecord} record
   * @param {boolean} [isAgain]
   */
  #row(record, isAgain = false) {
    const { position, reason, detail, releasable, refusal, said: original, verdict } = record;
    /**
     * @param {string} key
     * @param {string} type
     * @param {boolean} disabled
     */
    const button = (key, type, disabled) => {
      const made = make("button", {
        "data-orders": true,
        "data-idle": disabled ? "true" : null,
        title: disabled ? (refusal ?? this.t("notReleasable")) : null,
        text: this.t(key),
      });
      made.addEventListener("click", () =>
        this.room.ask({ fields: { type, position }, what: this.t(`${key}What`, { position }) }),
      );
      return made;
    };
    return make(
      "li",
      { "data-verdict": verdict },
      make("p", {}, make("b", { text: this.t(`reason_${reason}`) }), make("span", { text: ` ${detail}` })),
      make("p", { class: "about" }, make("span", { text: this.#about(record) })),
      make("p", { class: "soft said" }, make("code", { text: position }), make("code", { text: ` ${original}` })),
      make(
        "p",
        { class: "choices" },
        button(isAgain ? "releaseAgain" : "releaseRecord", "quarantine_released", !releasable),
        button("rejectRecord", "quarantine_rejected", false),
      ),
    );
  }

  /**
   * Whose word on what it is, with its figures, and what it comes to by what stands; as far as it can be read.
   * @param {QuarantinedRecord} quarantinedRecord
   */
  #about({ contest, source, statement, verdict }) {
    const { t, format } = this;
    /** @type {unknown[]} */
    const parts = [source && (this.election.sourceById.get(source)?.name ?? source)];
    if (statement) {
      const { district, box, revision, at, figures } = statement;
      parts.push(
        contest && this.room.where(contest, district),
        box && t("boxN", { n: box }),
        revision && t("revisionN", { n: revision }),
        at && format.clock(at),
      );
      if (figures)
        parts.push(
          t("figuresOf", {
            boxes: format.count(figures.boxes_opened),
            valid: format.count(figures.valid ?? NaN),
            votes: this.#votes(contest ?? "", district, figures.votes),
          }),
        );
    }
    return [...parts.filter(Boolean), t(`verdict_${verdict ?? "unknown"}`)].join(" · ");
  }

  /**
   * @param {string} contest
   * @param {string} district
   * @param {Readonly<Record<string, number>>} votes
   */
  #votes(contest, district, votes) {
    const named = Object.entries(votes)
      .sort(([, one], [, other]) => other - one)
      .slice(0, CANDIDATES);
    return named.map(([id, count]) => `${this.#name(contest, district, id)} ${this.format.count(count)}`).join(", ");
  }

  /**
   * @param {string} contest
   * @param {string} district
   * @param {string} id
   */
  #name(contest, district, id) {
    const isKnown = this.election.contestById.has(contest) && this.election.unitById.has(district);
    return isKnown ? this.room.candidateName(contest, district, id) : id;
  }
}
