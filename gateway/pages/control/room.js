/**
 * The room: what is looked at, both sides of the air, and the panels. Orders go through one dialog.
 */

import { connect } from "../client/index.js";
import { byId, make, setAttribute, setText } from "../dom.js";
import { Alarms } from "./alarms.js";
import { Audit } from "./audit.js";
import { Calls } from "./calls.js";
import { Confirmation } from "./confirm.js";
import { EmbargoPanel } from "./embargo.js";
import { FeedsPanel } from "./feeds.js";
import { Figures } from "./figures.js";
import { Holds } from "./holds.js";
import { Overrides } from "./overrides.js";
import { Picker } from "./picker.js";
import { QuarantineQueue } from "./quarantine.js";
import { whyUnready } from "./sentences.js";
import { SHORTCUTS } from "./words.js";

/**
 * @import { Election, Formats, Handle, HoldAction } from "./types.d.ts"
 * @import { Ordering, Panel, PanelTools, RoomState, Words } from "./types.d.ts"
 */

export class Room {
  /** @type {Ordering | null} */
  #ordering = null;
  /**
   * The newest answer of /v1/control.
   * @type {RoomState | null}
   */
  #state = null;
  /** @type {Handle[]} */
  #subscriptions = [];
  #panels;

  /** @param {{election: Election, language: string, words: Words, format: Formats, token: string}} options */
  constructor({ election, language, words, format, token }) {
    this.election = election;
    this.t = words;
    this.format = format;
    this.preview = connect({ url: location.href, token });
    this.program = connect({ url: new URL("?view=program", location.href).href, token });
    this.confirmation = new Confirmation({
      words,
      consider: async (fields) => (await this.#ordering?.consider(fields)) ?? {},
      order: async (...order) => (await this.#ordering?.order(...order)) ?? null,
      figureName: (contest, unit, figure) => this.figureName(contest, unit, figure),
      count: (count) => format.count(count),
    });
    /**
     * @template {Panel} P
     * @param {string} name
     * @param {(tools: PanelTools) => P} build
     */
    const panel = (name, build) => {
      const section = make(
        "section",
        { class: `panel ${name}`, "aria-labelledby": `${name}-title` },
        make("h2", { id: `${name}-title`, text: words(name) }),
      );
      return { section, made: build({ root: section, room: this, words, format, election }) };
    };
    const air = make("section", { class: "panel air", "aria-label": `${words("preview")} · ${words("program")}` });
    this.picker = new Picker({ root: air, election, words, changed: () => this.#look() });
    this.figures = new Figures({ root: air, words, format });
    const holds = panel("holds", (how) => new Holds(how));
    this.#panels = {
      holds,
      embargo: panel("embargo", (how) => new EmbargoPanel(how)),
      calls: panel("calls", (how) => new Calls(how)),
      overrides: panel("overrides", (how) => new Overrides(how)),
      feeds: panel("feeds", (how) => new FeedsPanel(how)),
      alarms: panel("alarms", (how) => new Alarms(how)),
      quarantine: panel("quarantine", (how) => new QuarantineQueue(how)),
      audit: panel("audit", (how) => new Audit(how)),
    };
    const { embargo, calls, overrides, feeds, alarms, quarantine, audit } = this.#panels;
    /** @param {...Node} parts */
    const column = (...parts) => make("div", { class: "column" }, ...parts);
    byId("room").replaceChildren(
      column(air, holds.section, calls.section, overrides.section),
      column(alarms.section, feeds.section, embargo.section, quarantine.section),
      make("div", { class: "wide" }, audit.section),
    );
    for (const night of [this.preview, this.program]) night.on("change", () => this.#drawFigures());
    document.addEventListener("keydown", (event) => this.#shortcut(event, SHORTCUTS[language]));
    this.#look();
  }

  /** What is looked at: {contest, source, unit}. */
  get place() {
    return this.picker.place;
  }

  /** Whether orders can be given at all. */
  get mayOrder() {
    return this.#state?.scope === "operator";
  }

  /**
   * Take who gives orders here, and how.
   * @param {Ordering} ordering
   */
  open(ordering) {
    this.#ordering = ordering;
    const { by, fingerprint } = ordering.operator;
    setText(
      byId("operator"),
      `${this.t("operator")}: ${by} · ${fingerprint ? this.t("key", { key: fingerprint }) : this.t("unsigned")}`,
    );
  }

  /**
   * Go on with another token: both sides of the air stay as they are.
   * @param {string} token
   */
  renew(token) {
    for (const night of [this.preview, this.program]) night.renew(token);
  }

  /**
   * Show an answer of /v1/control.
   * @param {RoomState} state
   */
  draw(state) {
    this.#state = state;
    const mode = { live: "liveMode", test: "test", replay: "replay" }[state.mode];
    setText(byId("run"), `${state.run} · ${this.t(mode)} · ${state.epoch} · ${this.format.count(state.seq)}`);
    setAttribute(document.documentElement, "data-mode", state.mode);
    this.#line(this.#complaint(state) ?? `${this.t("connected")} · ${this.t("keys")}`, this.#complaint(state) === null);
    for (const { made } of Object.values(this.#panels)) made.draw(state);
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (
      document.querySelectorAll("main button[data-orders]")
    );
    for (const button of buttons) button.disabled = !this.mayOrder || button.dataset.idle === "true";
    this.#drawFigures();
  }

  /**
   * Say that the room is not known any more; what is shown stands.
   * @param {Error} error
   */
  fail(error) {
    this.#line(this.t("lost", { message: error.message }), false);
  }

  /**
   * Ask before an order is given.
   * @param {Parameters<Confirmation["ask"]>[0]} question
   */
  ask(question) {
    if (this.mayOrder) this.confirmation.ask(question);
  }

  /**
   * A contest and unit as people say it.
   * @param {string} contest
   * @param {string | null} unit
   */
  where(contest, unit) {
    const name = this.election.contestById.get(contest)?.name ?? contest;
    return unit ? `${name} · ${this.election.unitById.get(unit)?.name ?? unit}` : `${name} · ${this.t("whole")}`;
  }

  /**
   * A candidate's name on a unit's ballot.
   * @param {string} contest
   * @param {string} unit
   * @param {string} id
   */
  candidateName(contest, unit, id) {
    return this.election.ballot(contest, unit).find((one) => one.id === id)?.name ?? id;
  }

  /**
   * A figure's name: a candidate's, or that of a count.
   * @param {string} contest
   * @param {string} unit
   * @param {string} figure
   */
  figureName(contest, unit, figure) {
    return figure.startsWith("votes.")
      ? this.candidateName(contest, unit, figure.slice("votes.".length))
      : this.t(figure);
  }

  /** @param {RoomState} state */
  #complaint(state) {
    if (state.unready.length) return state.unready_because.map((reason) => whyUnready(this.t, reason)).join(" ");
    if (state.scope !== "operator") return this.t("readOnly");
    return state.signed_only && !this.#ordering?.operator.fingerprint ? this.t("needsKey") : null;
  }

  /**
   * @param {string} text
   * @param {boolean} good
   */
  #line(text, good) {
    const line = byId("line");
    setText(line, text);
    setAttribute(line, "data-good", String(good));
  }

  #look() {
    const before = this.#subscriptions;
    const { contest, source, unit } = this.place;
    this.#subscriptions = [this.preview, this.program].map((night) =>
      night.subscribe({ contest, source, units: [unit] }),
    );
    for (const handle of before) handle.close();
    if (this.#state) this.draw(this.#state);
    this.#drawFigures();
  }

  #drawFigures() {
    const { contest, source, unit } = this.place;
    const embargoed = this.#state?.embargoed ?? false;
    this.figures.draw({
      ballot: this.election.ballot(contest, unit),
      stranger: (id) => this.election.stranger(id),
      boxesTotal: this.election.boxesTotal(unit),
      embargoed,
      preview: this.preview.entry(contest, source, unit),
      program: embargoed ? undefined : this.program.entry(contest, source, unit),
    });
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Readonly<Record<string, HoldAction>>} keys
   */
  #shortcut(event, keys) {
    const busy = event.target instanceof Element && event.target.closest("input, select, textarea, dialog");
    const action = keys[event.key.toLowerCase()];
    if (busy || !action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#panels.holds.made.ask(action);
  }
}
