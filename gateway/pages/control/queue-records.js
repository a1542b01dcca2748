/**
 * One record in quarantine: what it says beside what stands, and what can be done about it.
 */

import { make } from "../dom.js";

/** @import { PanelTools, QuarantinedRecord } from "./types.d.ts" */

const CANDIDATES = 4;

export class RecordRows {
  /** @param {PanelTools} tools */
  constructor({ room, words, format, election }) {
    this.room = room;
    this.t = words;
    this.format = format;
    this.election = election;
  }

  /**
   * A record's row.
   * @param {QuarantinedRecord} record
   * @param {boolean} [isAgain] whether it was let out before
   */
  row(record, isAgain = false) {
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
