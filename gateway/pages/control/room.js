/**
 * The room: what is looked at, both sides of the air, and the panels. Orders go through one dialog.
 */

import { connect } from "../client/index.js";
import { byId, make, setAttribute, setText } from "../dom.js";
import { ranking } from "../rank.js";
import { Alarms } from "./alarms.js";
import { Audit } from "./audit.js";
import { Calls } from "./calls.js";
import { Confirmation } from "./confirm.js";
import { EmbargoPanel } from "./embargo.js";
import { FeedsPanel } from "./feeds.js";
import { Figures } from "./figures.js";
import { focusPanel } from "./focus.js";
import { GivenOrders } from "./given.js";
import { Holds } from "./holds.js";
import { commandOf, keyHelp } from "./keys.js";
import { Overrides } from "./overrides.js";
import { Picker } from "./picker.js";
import { QuarantineQueue } from "./quarantine.js";
import { RundownPanel } from "./rundown.js";
import { whyUnready } from "./sentences.js";
import { whoElse } from "./who-else.js";
import { SHORTCUTS } from "./words.js";

/**
 * @import { Election, Formats, Handle, HoldAction } from "./types.d.ts"
 * @import { FigureChange, OrderFields, Ordering, Panel, PanelTools, QuarantineGroup } from "./types.d.ts"
 * @import { QuarantinePage, RoomState, Standing, Words } from "./types.d.ts"
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
  #token;

  /** @param {{election: Election, language: string, words: Words, format: Formats, token: string}} options */
  constructor({ election, language, words, format, token }) {
    this.election = election;
    this.t = words;
    this.format = format;
    this.#token = token;
    this.preview = connect({ url: location.href, token });
    this.program = connect({ url: new URL("?view=program", location.href).href, token });
    this.confirmation = new Confirmation({
      words,
      consider: async (fields) => (await this.#ordering?.consider(fields)) ?? {},
      order: (fields, reason, confirm, what) => this.#order(fields, reason, confirm, what),
      orderMany: (many, reason, confirm, what, progress) => this.#orderMany(many, reason, confirm, what, progress),
      changed: (change, fields) => this.#changed(change, fields),
      stands: (standing, fields) => this.#stands(standing, fields),
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
      given: panel("given", (how) => new GivenOrders(how)),
      feeds: panel("feeds", (how) => new FeedsPanel(how)),
      alarms: panel("alarms", (how) => new Alarms(how)),
      quarantine: panel("quarantine", (how) => new QuarantineQueue(how)),
      rundown: panel("rundown", (how) => new RundownPanel(how)),
      audit: panel("audit", (how) => new Audit(how)),
    };
    const { embargo, calls, overrides, given, feeds, alarms, quarantine, rundown, audit } = this.#panels;
    /** @param {...Node} parts */
    const column = (...parts) => make("div", { class: "column" }, ...parts);
    byId("room").replaceChildren(
      column(air, holds.section, calls.section, overrides.section),
      column(embargo.section, given.section, feeds.section, alarms.section, quarantine.section),
      make("div", { class: "wide" }, rundown.section),
      make("div", { class: "wide" }, audit.section),
    );
    for (const night of [this.preview, this.program]) night.on("change", () => this.#drawFigures());
    this.help = keyHelp(words, SHORTCUTS[language]);
    document.body.append(this.help);
    document.addEventListener("keydown", (event) => this.#shortcut(event, SHORTCUTS[language]));
    this.#look();
  }

  /** What is looked at: {contest, source, unit}. */
  get place() {
    return this.picker.place;
  }

  /** The candidates where one looks, who leads first by the source that is looked at. */
  get ranked() {
    const { contest, source, unit } = this.place;
    const entry = this.preview.entry(contest, source, unit);
    return ranking(this.election.ballot(contest, unit), entry?.votes, (id) => this.election.stranger(id, contest)).map(
      ({ candidate }) => candidate,
    );
  }

  /** The token by which the room is shown. */
  get token() {
    return this.#token;
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
    const { by, fingerprint, isDemo } = ordering.operator;
    const key = fingerprint ? this.t(isDemo ? "demoKey" : "key", { key: fingerprint }) : this.t("unsigned");
    setText(byId("operator"), `${this.t("operator")}: ${by} · ${key}`);
  }

  /**
   * Go on with another token: both sides of the air stay as they are.
   * @param {string} token
   */
  renew(token) {
    this.#token = token;
    this.#panels.rundown.made.renew(token);
    for (const night of [this.preview, this.program]) night.renew(token);
  }

  /**
   * Show an answer of /v1/control.
   * @param {RoomState} state
   */
  draw(state) {
    this.#state = state;
    const mode = { live: "liveMode", test: "test", replay: "replay" }[state.mode];
    setText(byId("here"), this.#others(state));
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
   * Give an order that shows no more and sets no figure, without asking. Resolves as `Ordering.order` does.
   * @param {OrderFields} fields
   * @param {(id: string, before: RoomState) => void} written called once it is
   */
  async give(fields, written) {
    const before = this.#state;
    if (!this.mayOrder || !before || !this.#ordering) return null;
    return this.#ordering.order(fields, this.t("rundown"), null, (id) => written(id, before));
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

  /**
   * Give an order, and show what comes of it. Resolves as `Ordering.order` does.
   * @param {OrderFields} fields
   * @param {string} reason
   * @param {string | null} confirm
   * @param {string} what
   */
  async #order(fields, reason, confirm, what) {
    const before = this.#state;
    const written = (/** @type {string} */ id) => before && this.#panels.given.made.add(id, fields, what, before);
    return (await this.#ordering?.order(fields, reason, confirm, written)) ?? null;
  }

  /**
   * Give many orders, and show what comes of the last. Resolves as `Ordering.orderMany` does.
   * @param {readonly OrderFields[]} many
   * @param {string} reason
   * @param {string | null} confirm
   * @param {string} what
   * @param {(done: number) => void} progress
   */
  async #orderMany(many, reason, confirm, what, progress) {
    if (!this.#ordering || !this.#state) throw new Error("The room is not open yet.");
    const before = this.#state;
    const found = await this.#ordering.orderMany(many, reason, confirm, progress);
    if (found.last) this.#panels.given.made.add(found.last, many[0], what, before);
    return found;
  }

  /**
   * A page of a group of the quarantine.
   * @param {QuarantineGroup} group
   * @param {number} offset
   * @param {number} limit
   * @returns {Promise<QuarantinePage>}
   */
  async recordsOf({ reason, source, unit }, offset, limit) {
    if (!this.#ordering) throw new Error("The room is not open yet.");
    return this.#ordering.records({ reason, source, unit, offset, limit });
  }

  /**
   * A figure before and after, in words.
   * @param {FigureChange} change
   * @param {OrderFields} fields
   */
  #changed({ figure, before, after, source, unit }, fields) {
    const [contest, where] = [String(fields.contest), unit ?? String(fields.unit)];
    const count = (/** @type {number | null} */ one) => (one === null ? this.t("nothingYet") : this.format.count(one));
    return this.t(source ? "sourceChange" : "change", {
      figure: this.figureName(contest, where, figure),
      before: count(before),
      after: count(after),
      source: source && this.election.source(source).name,
      unit: this.election.unitById.get(where)?.name ?? where,
    });
  }

  /**
   * How a race stands by a source, in words.
   * @param {Standing} standing
   * @param {OrderFields} fields
   */
  #stands(standing, { contest, unit, candidate }) {
    const name = (/** @type {string} */ id) => this.candidateName(String(contest), String(unit), id);
    const { format, t } = this;
    const said = t(standing.leader === candidate ? "standingLeads" : "standing", {
      source: this.election.source(standing.source).name,
      opened: format.count(standing.boxes_opened),
      total: format.count(standing.boxes_total),
      leader: name(standing.leader),
      votes: format.count(standing.leader_votes),
      who: name(String(candidate)),
      own: format.count(standing.candidate_votes),
    });
    return standing.beyond ? `${said} · ${t("standingBeyond", { who: name(standing.beyond) })}` : said;
  }

  /**
   * Who else is in the room.
   * @param {RoomState} state
   */
  #others(state) {
    const { here, gave } = whoElse(state, this.#ordering?.operator.by);
    const names = here.map((name) => name || this.t("somebody")).join(", ");
    const others = gave.length ? [this.t("alsoGave", { names: gave.join(", ") })] : [];
    return [names ? this.t("alsoHere", { names }) : this.t("aloneHere"), ...others].join(" · ");
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
      stranger: (id) => this.election.stranger(id, contest),
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
    if (event.key === "Escape" && event.target instanceof HTMLElement && !event.target.closest("dialog"))
      event.target.blur(); // from a field back to the keys
    const command = busy ? null : commandOf(event, keys);
    if (!command) return;
    event.preventDefault();
    if (command.kind === "hold") this.#panels.holds.made.ask(command.action);
    else if (command.kind === "panel") focusPanel(byId("room").querySelector(`section.${command.panel}`));
    else if (command.name === "help") this.help.showModal();
    else if (command.name === "filter") byId("queue-filter").focus();
    else if (command.name === "rundown") this.#panels.rundown.made.focus();
    else if (command.name === "place") byId("pick-unit").focus();
    else if (command.name === "acknowledge") this.#panels.alarms.made.acknowledgeAll();
  }
}
