/**
 * What an operator should look at, one line for each cause: acknowledged one by one or all at once, by each operator
 * for themselves (what somebody else has seen, I may not have). While somebody is at the list, nothing in it moves.
 */

import { make, setAttribute, setText } from "../dom.js";
import { acknowledge, foldAlarms } from "./alarm-folds.js";
import { Rows } from "./rows.js";
import { isBusyAt, steady } from "./steady.js";

/**
 * @import { Fold } from "./alarm-folds.js"
 * @import { Alarm, PanelTools, RoomState } from "./types.d.ts"
 */

const KEPT = "sandik.acknowledged";
const SOUND = "sandik.sound";
const LISTED = 12;

export class Alarms {
  /** @type {readonly Alarm[]} */
  #alarms = [];
  /** @type {readonly Fold[]} */
  #shown = [];
  /** @type {Readonly<Record<string, string>>} */
  #acknowledged = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  /** @type {ReadonlySet<string> | null} causes that were new at the last look; null before the first */
  #rung = null;
  #list;
  #rows;
  #all;
  #sound;

  /** @param {PanelTools} tools */
  constructor({ root, room, words, format, election }) {
    this.room = room;
    this.t = words;
    this.format = format;
    this.election = election;
    this.#all = make("button", { type: "button", id: "acknowledge", text: words("acknowledgeAll") });
    this.#all.addEventListener("click", () => this.acknowledgeAll());
    this.#sound = make("input", { type: "checkbox", id: "sound" });
    this.#sound.checked = localStorage.getItem(SOUND) === "on";
    this.#sound.addEventListener("change", () => {
      localStorage.setItem(SOUND, this.#sound.checked ? "on" : "off");
      if (this.#sound.checked) ring();
    });
    this.#list = make("ul", { "aria-live": "polite" });
    this.#rows = new Rows(this.#list, (/** @type {Fold} */ fold) => this.#row(fold));
    root.append(
      make(
        "p",
        { class: "choices" },
        this.#all,
        make("label", { class: "sure", for: "sound" }, this.#sound, make("span", { text: words("sound") })),
      ),
      make("div", { class: "alarm-scroll", tabindex: 0, role: "region", "aria-label": words("alarms") }, this.#list),
    );
  }

  /**
   * Show the alarms by cause.
   * @param {RoomState} state
   */
  draw({ alarms }) {
    this.#alarms = alarms;
    this.#look(false);
  }

  /** Acknowledge every cause there is by now. */
  acknowledgeAll() {
    this.#acknowledge(foldAlarms(this.#alarms, this.#acknowledged));
  }

  /** @param {readonly Fold[]} folds */
  #acknowledge(folds) {
    this.#acknowledged = acknowledge(this.#acknowledged, folds);
    sessionStorage.setItem(KEPT, JSON.stringify(this.#acknowledged));
    this.#look(false);
  }

  /** @param {boolean} isFree */
  #look(isFree) {
    const folds = foldAlarms(this.#alarms, this.#acknowledged);
    const fresh = new Set(folds.filter(({ isNew }) => isNew).map(({ cause }) => cause));
    const isBusy = !isFree && isBusyAt(this.#list);
    this.#shown = steady(this.#shown, folds, ({ cause }) => cause, isBusy).shown;
    this.#rows.draw(this.#shown, ({ cause }) => cause, this.t("noAlarms"));
    this.#shown.forEach((fold, index) => this.#fill(this.#list.children[index], fold));
    this.#all.disabled = fresh.size === 0;
    document.title = `${fresh.size ? `(${this.format.count(fresh.size)}) ` : ""}sandık · ${this.t("title")}`;
    const before = this.#rung;
    if (before && [...fresh].some((cause) => !before.has(cause)) && this.#sound.checked) ring();
    this.#rung = fresh;
  }

  /** @param {Fold} fold */
  #row({ cause, alarms }) {
    const button = make("button", { type: "button", text: this.t("acknowledge") });
    button.addEventListener("click", () => this.#acknowledge(this.#shown.filter((fold) => fold.cause === cause)));
    return make(
      "li",
      { "data-kind": alarms[0].kind },
      make("p", {}, make("time"), make("b"), make("span")),
      make("details", {}, make("summary"), make("ul")),
      button,
    );
  }

  /**
   * @param {Element} row
   * @param {Fold} fold
   */
  #fill(row, { alarms, isNew }) {
    const [line, others, button] = row.children;
    const [time, what, where] = line.children;
    const [newest, ...older] = alarms;
    setText(time, this.format.clock(newest.at));
    setText(what, ` ${this.#sentence(newest)}`);
    setText(where, ` · ${this.#where(newest)}`);
    setAttribute(row, "data-new", String(isNew));
    setAttribute(button, "disabled", isNew ? null : "");
    setText(button, this.t(isNew ? "acknowledge" : "acknowledged"));
    setAttribute(others, "hidden", older.length ? null : "");
    setText(others.children[0], this.t("moreAlarms", { n: this.format.count(older.length) }));
    const said = older
      .slice(0, LISTED)
      .map((alarm) => `${this.format.clock(alarm.at)} ${this.#sentence(alarm)} · ${this.#where(alarm)}`);
    if (others.children[1].textContent !== said.join(""))
      others.children[1].replaceChildren(...said.map((text) => make("li", { text })));
  }

  /**
   * What an alarm says, and of what.
   * @param {Alarm} alarm
   */
  #sentence(alarm) {
    const { t, format } = this;
    const { kind, contest, unit, figure, before, after, as_of: asOf, box, revision, stands } = alarm;
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
    return sentences[kind]();
  }

  /** @param {Alarm} alarm */
  #where({ contest, unit, source }) {
    const where = contest && this.election.contestById.has(contest) ? this.room.where(contest, unit) : null;
    return [where, this.election.sourceById.get(source)?.name ?? source].filter(Boolean).join(" · ");
  }
}

/** A short tone, twice; a browser that plays none before the page was touched stays silent. */
function ring() {
  const context = new AudioContext();
  for (const begins of [0, 0.25]) {
    const [tone, volume] = [context.createOscillator(), context.createGain()];
    tone.frequency.value = 660;
    volume.gain.value = 0.15;
    tone.connect(volume).connect(context.destination);
    tone.start(context.currentTime + begins);
    tone.stop(context.currentTime + begins + 0.12);
    if (begins) tone.addEventListener("ended", () => context.close());
  }
}
