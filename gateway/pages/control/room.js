/**
 * The room: what is looked at, both sides of the air, and the panels. Orders go through one dialog.
 */

import { connect } from "../client/index.js";
import { make, put, say } from "../dom.js";
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
import { SHORTCUTS } from "./words.js";

export class Room {
  #ordering = null;
  #said = null;
  #panels;

  constructor({ election, language, words, format, token }) {
    Object.assign(this, { election, t: words, format });
    this.preview = connect({ url: location.href, token });
    this.program = connect({ url: new URL("?view=program", location.href).href, token });
    this.confirmation = new Confirmation({
      words,
      consider: (fields) => this.#ordering.consider(fields),
      order: (...order) => this.#ordering.order(...order),
      figureName: (...figure) => this.figureName(...figure),
      count: (count) => format.count(count),
    });
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
    const column = (...parts) => make("div", { class: "column" }, ...parts);
    document
      .getElementById("room")
      .replaceChildren(
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
    return this.#said?.scope === "operator";
  }

  /** Take who gives orders here, and how. */
  open(ordering) {
    this.#ordering = ordering;
    const { by, fingerprint } = ordering.operator;
    say(
      document.getElementById("operator"),
      `${this.t("operator")}: ${by} · ${fingerprint ? this.t("key", { key: fingerprint }) : this.t("unsigned")}`,
    );
  }

  /** Go on with another token: both sides of the air stay as they are. */
  renew(token) {
    for (const night of [this.preview, this.program]) night.renew(token);
  }

  /** Show an answer of /v1/control. */
  draw(said) {
    this.#said = said;
    const mode = { live: "liveMode", test: "test", replay: "replay" }[said.mode];
    say(
      document.getElementById("run"),
      `${said.run} · ${this.t(mode)} · ${said.epoch} · ${this.format.count(said.seq)}`,
    );
    put(document.documentElement, "data-mode", said.mode);
    this.#line(this.#complaint(said) ?? `${this.t("connected")} · ${this.t("keys")}`, this.#complaint(said) === null);
    for (const { made } of Object.values(this.#panels)) made.draw(said);
    for (const button of document.querySelectorAll("main button[data-orders]"))
      button.disabled = !this.mayOrder || button.dataset.idle === "true";
    this.#drawFigures();
  }

  /** Say that the room is not known any more; what is shown stands. */
  fail(error) {
    this.#line(this.t("lost", { message: error.message }), false);
  }

  /** Ask before an order is given. */
  ask(question) {
    if (this.mayOrder) this.confirmation.ask(question);
  }

  /** A contest and unit as people say it. */
  where(contest, unit) {
    const name = this.election.contestById.get(contest)?.name ?? contest;
    return unit ? `${name} · ${this.election.unitById.get(unit)?.name ?? unit}` : `${name} · ${this.t("whole")}`;
  }

  /** A candidate's name on a unit's ballot. */
  candidateName(contest, unit, id) {
    return this.election.ballot(contest, unit).find((one) => one.id === id)?.name ?? id;
  }

  /** A figure's name: a candidate's, or that of a count. */
  figureName(contest, unit, figure) {
    return figure.startsWith("votes.")
      ? this.candidateName(contest, unit, figure.slice("votes.".length))
      : this.t(figure);
  }

  #complaint(said) {
    if (said.unready.length) return said.unready.join(" ");
    if (said.scope !== "operator") return this.t("readOnly");
    return said.signed_only && !this.#ordering.operator.fingerprint ? this.t("needsKey") : null;
  }

  #line(text, good) {
    const line = document.getElementById("line");
    say(line, text);
    put(line, "data-good", String(good));
  }

  #look() {
    this.subscriptions?.forEach((handle) => handle.close());
    const { contest, source, unit } = this.place;
    this.subscriptions = [this.preview, this.program].map((night) =>
      night.subscribe({ contest, source, units: [unit] }),
    );
    if (this.#said) this.draw(this.#said);
    this.#drawFigures();
  }

  #drawFigures() {
    const { contest, source, unit } = this.place;
    const embargoed = this.#said?.embargoed ?? false;
    this.figures.draw({
      ballot: this.election.ballot(contest, unit),
      boxesTotal: this.election.boxesTotal(unit),
      embargoed,
      preview: this.preview.entry(contest, source, unit),
      program: embargoed ? undefined : this.program.entry(contest, source, unit),
    });
  }

  #shortcut(event, keys) {
    const busy = event.target.closest("input, select, textarea, dialog");
    const action = keys[event.key.toLowerCase()];
    if (busy || !action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#panels.holds.made.ask(action);
  }
}
