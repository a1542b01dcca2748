/**
 * What an operator should look at, the newest first.
 */

import { make } from "../dom.js";
import { Rows } from "./rows.js";

/** @import { Alarm, PanelTools, RoomState } from "./types.d.ts" */

const SHOWN = 12;

export class Alarms {
  #rows;

  /** @param {PanelTools} tools */
  constructor({ root, room, words, format, election }) {
    this.room = room;
    this.t = words;
    this.format = format;
    this.election = election;
    const list = make("ul", { class: "alarms", "aria-live": "polite" });
    this.#rows = new Rows(list, (alarm) => this.#row(alarm));
    root.append(list);
  }

  /**
   * Show the newest alarms.
   * @param {RoomState} state
   */
  draw({ alarms }) {
    this.#rows.draw(alarms.slice(0, SHOWN), ({ number }) => number, this.t("noAlarms"));
  }

  /** @param {Alarm} alarm */
  #row(alarm) {
    const { t, format } = this;
    const { kind, source, contest, unit, figure, before, after, at, as_of: asOf, box, revision, stands } = alarm;
    /** @type {Readonly<Record<string, () => string>>} */
    const sentences = {
      jump: () =>
        t("jump", {
          who: this.room.candidateName(contest, unit, figure),
          before: format.percentOf(before),
          after: format.percentOf(after),
        }),
      backwards: () => t("backwards", { before: format.count(before), after: format.count(after) }),
      fall: () =>
        t("fall", {
          who: figure ? this.room.candidateName(contest, unit, figure) : t("allVotes"),
          before: format.count(before),
          after: format.count(after),
        }),
      contradiction: () =>
        t("contradiction", { what: t(`odd_${figure}`), found: format.count(after), limit: format.count(before) }),
      silence: () => t("silence"),
      restarted: () =>
        t(box ? "restartedAlarm" : "restartedReportsAlarm", { n: format.count(after), revision, stands }),
      ahead: () => t("aheadAlarm", { n: format.count(after), time: format.clock(asOf) }),
      impossible: () => t("impossibleAlarm", { n: format.count(after), box }),
      moved: () =>
        t("moved", {
          figure: this.room.figureName(contest, unit, figure),
          before: format.count(before),
          after: format.count(after),
        }),
      set_aside: () => t("setAsideAlarm", { reason: t(`reason_${figure}`), n: format.count(after) }),
    };
    const where = contest && this.election.contestById.has(contest) ? ` · ${this.room.where(contest, unit)}` : "";
    return make(
      "li",
      { "data-kind": kind },
      make("time", { text: format.clock(at) }),
      make("b", { text: ` ${sentences[kind]()}` }),
      make("span", { text: `${where} · ${this.election.sourceById.get(source)?.name ?? source}` }),
    );
  }
}
