/**
 * The board: which panes there are, what is selected, and when they are drawn.
 */

import { Asked } from "./asked.js";
import { callOf } from "./call.js";
import { Candidates } from "./candidates.js";
import { Card } from "./card.js";
import { progressText } from "./claims.js";
import { isHeld, routeUrl } from "./client/index.js";
import { Compare } from "./compare.js";
import { fillSwitch, UnitPicker, updateSwitch } from "./controls.js";
import { Districts } from "./districts.js";
import { byId, make, setText } from "./dom.js";
import { Explanation, pairOf, reasonOf } from "./explanation.js";
import { feedState } from "./feed-state.js";
import { Hero } from "./hero.js";
import { baseOf, lastTimeLines } from "./last-time.js";
import { TileMap } from "./map.js";
import { Redraw } from "./redraw.js";
import { fromAddress, toAddress } from "./selection.js";
import { Status } from "./status.js";
import { groundsNow, View } from "./view.js";
import { Why } from "./why.js";

/**
 * @import { Column, Election, Formats, Handle, LastTime, LiveNight, MainView } from "./types.d.ts"
 * @import { Part, Question, Selection, ShownFeed, Source, Tiles, Words } from "./types.d.ts"
 */

const AGE_TICK_MS = 1_000;

/** As often as a viewer can take in a new number; what lies between is conflated by the server. */
const MAX_RATE_HZ = 2;

const ANSWER_TIMEOUT_MS = 10_000;

/** How often what has changed since the last time is asked for: it moves slowly. */
const LAST_TIME_MS = 5_000;

export class Board {
  /** @type {string | null} the unit that is pointed at */
  #lookedAt = null;
  /** @type {Part[]} */
  #parts = [];
  /** @type {{ status: string, code?: number | null, hadData: boolean, failed: boolean }} */
  #connection = { status: "connecting", hadData: false, failed: false };
  /** @type {string} */
  #mode = "live";
  /** @type {Date | null} */
  #shownAt = null;
  /** @type {Handle[]} */
  #followed = [];
  /** @type {MainView | null} */
  #main = null;
  #fault = "";
  /** @type {Asked<LastTime[]>} */
  #lastTime = new Asked(askLastTime, () => this.#redraw.soon(), Date.now, LAST_TIME_MS);
  #redraw = new Redraw(() => this.#draw());

  /**
   * `night` is where the figures come from; what the selection needs is subscribed to.
   * @param {{election: Election, night: LiveNight, words: Words, format: Formats}} options
   */
  constructor({ election, night, words, format }) {
    this.election = election;
    this.night = night;
    this.t = words;
    this.format = format;
    this.status = new Status({ words, format });
    this.selection = fromAddress(location.search, election);
    this.view = new View({
      election,
      night,
      words,
      format,
      href: (selection) => toAddress(selection, location.search),
    });
    const tools = { t: words, format };
    setText(byId("election"), election.name);
    const day = format.date(`${election.date}T12:00:00Z`);
    setText(byId("election-day"), election.name.includes(day) ? "" : day);
    fillSwitch(byId("contests"), words("contests"), election.contests);
    fillSwitch(byId("sources"), words("sources"), election.sources);
    this.hero = new Hero(byId("hero"), tools);
    this.picker = new UnitPicker(this.hero.picker, {
      election,
      words,
      format,
      choose: (unit) => this.#go({ ...this.selection, unit }),
    });
    this.candidates = new Candidates(byId("candidates"), tools);
    this.map = new TileMap(byId("map"), { ...tools, look: (unit) => this.#lookAt(unit) });
    this.card = new Card(byId("card"), tools);
    this.compare = new Compare(byId("compare"), tools);
    this.why = new Why(byId("compare"), tools);
    this.explanation = new Explanation({
      ask: askWhy,
      changed: () => this.#redraw.soon(),
      now: () => performance.now(),
    });
    this.districts = new Districts(byId("districts"), { ...tools, election });
    byId("board").removeAttribute("aria-busy");
    document.addEventListener("click", (event) => this.#follow(event));
    addEventListener("popstate", () => this.#select(fromAddress(location.search, election)));
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.#theme());
    matchMedia("print").addEventListener("change", () => this.#theme());
    setInterval(() => this.#tick(), AGE_TICK_MS);
    this.#theme();
    this.#subscribe();
    this.#listen();
  }

  #listen() {
    const { night } = this;
    night.on("change", () => this.#change());
    night.on("state", () => this.#redraw.soon());
    night.on("hello", (message) => this.#hello(message));
    night.on("connection", (news) => this.#connected(news));
    night.on("fault", ({ message }) => this.#complain(message));
  }

  // What the night tells us.

  #change() {
    this.#shownAt = new Date();
    this.#connection.hadData = true;
    this.#redraw.soon();
  }

  /** @param {{mode: string}} message */
  #hello(message) {
    this.#mode = message.mode;
    this.#fault = "";
    this.status.mode(message.mode);
  }

  /** @param {{ status: string, code: number | null }} options */
  #connected({ status, code }) {
    const failed = this.#connection.failed || status === "lost";
    this.#connection = { ...this.#connection, status, code, failed: status === "open" ? false : failed };
    this.#tick();
  }

  /** @param {string} text */
  #complain(text) {
    this.#fault = text;
    this.#tick();
  }

  #subscribe() {
    const { contest, unit } = this.selection;
    const scope = this.election.scopeOf(unit).id;
    const units = [...new Set([unit, ...this.election.patterns(scope, this.selection.tree)])];
    const before = this.#followed;
    this.#followed = this.election.sources.map((source) =>
      this.night.subscribe({ contest, source: source.id, units, maxRateHz: MAX_RATE_HZ }),
    );
    for (const handle of before) handle.close();
  }

  /** @param {MouseEvent} event */
  #follow(event) {
    const link = event.target instanceof Element ? event.target.closest("a[href^='?']") : null;
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#go(fromAddress(link.getAttribute("href") ?? "", this.election));
  }

  /** @param {Selection} selection */
  #go(selection) {
    history.pushState(null, "", toAddress(selection, location.search));
    this.#select(selection);
  }

  /** @param {Selection} selection */
  #select(selection) {
    this.selection = selection;
    this.#lookedAt = null;
    this.#fault = "";
    this.#subscribe();
    this.#draw();
  }

  /** @param {string | null} unit */
  #lookAt(unit) {
    this.#lookedAt = unit;
    this.#drawCard();
  }

  #theme() {
    this.view.grounds = groundsNow();
    this.#redraw.soon();
  }

  #draw() {
    const { selection, view } = this;
    /** @param {Partial<Selection>} change */
    const href = (change) => toAddress({ ...selection, ...change }, location.search);
    updateSwitch(byId("contests"), selection.contest, (contest) => href({ contest }));
    updateSwitch(byId("sources"), selection.source, (source) => href({ source }));
    this.picker.draw(selection.unit);
    const main = { ...view.unit(selection), above: view.above(selection), call: this.#call(selection.unit) };
    this.#parts = view.parts(selection).map((part) => ({ ...part, call: this.#call(part.unit.id) }));
    this.hero.draw(main);
    this.#since(main);
    this.candidates.draw(main);
    const leading = view.leading(this.#parts);
    const shared = { parts: this.#parts, source: main.source, selected: selection.unit, hue: view.hue };
    const layout = view.layout(selection);
    this.map.draw({ ...shared, layout, leading });
    this.#placeDistricts(layout);
    this.districts.draw({ ...shared, tree: selection.tree ?? "", treeHref: this.#treeHref() });
    this.#drawCard();
    this.#main = main;
    this.#tick();
  }

  /** @param {MainView} main */
  #since(main) {
    const { contest, source, unit } = this.selection;
    const isShown = this.election.compared.has(contest) && main.entry && !this.night.embargoed;
    const base = isShown ? baseOf(this.#lastTime.of({ contest, source, unit })) : undefined;
    const leader = main.lead?.leaders.length === 1 ? main.lead.leaders[0].candidate : undefined;
    const isWhole = !this.election.isCounting(main.unit);
    const lines = base ? lastTimeLines(base, { leader, isWhole, t: this.t, format: this.format }) : [];
    this.hero.sinceLastTime(base?.name ?? "", lines);
  }

  /** The address of each tree's list; none where only one tree lists its units here. */
  #treeHref() {
    const { election, selection } = this;
    if (!election.trees.length || election.scopeOf(selection.unit) !== election.country) return null;
    return (/** @type {string} */ tree) =>
      toAddress({ ...selection, unit: election.country.id, tree }, location.search);
  }

  /**
   * Below everything; beside the numbers where no map or no second source takes that place.
   * @param {Tiles | null} layout
   */
  #placeDistricts(layout) {
    const beside = !layout || this.election.sources.length === 1;
    const [section, home] = [byId("districts"), byId(beside ? "side" : "board")];
    if (section.parentElement !== home) home.append(section);
  }

  #drawCard() {
    const section = byId("card");
    section.hidden = !this.view.layout(this.selection);
    const part = this.#parts.find(({ unit }) => unit.id === (this.#lookedAt ?? this.selection.unit));
    const source = this.election.source(this.selection.source);
    this.card.draw(part ?? this.view.closest(this.#parts), source, this.view.hue, !part);
  }

  /** What changes with the clock alone: ages, states, the title. */
  #tick() {
    const { election, night, format, selection } = this;
    const now = new Date();
    setText(byId("clock"), `${format.clock(now)} ${format.zone()}`);
    this.status.replay(night.replay);
    const source = election.source(selection.source);
    const feed = this.#feed(source);
    const main = this.#main;
    if (!main) return;
    this.hero.age(feed, this.#stateWord(feed), main.entry?.as_of ?? feed.last_event);
    const columns = this.#columns();
    this.compare.draw({ columns, ranked: main.ranked, hue: this.view.hue });
    this.#explain(columns, main.ranked[0]?.candidate.id);
    this.status.draw({
      source,
      feed,
      connection: this.#connection,
      shownAt: this.#shownAt,
      fault: this.#fault,
      embargoed: night.embargoed,
      embargo: night.embargo,
      hold: night.held,
    });
    document.body.toggleAttribute("data-embargo", night.embargoed && !main.entry);
    this.#title(main);
  }

  /**
   * Why the sources differ, where that may be asked.
   * @param {Column[]} columns
   * @param {string | undefined} leader
   */
  #explain(columns, leader) {
    const { contest, unit, source } = this.selection;
    const { night, t } = this;
    const pair = pairOf(columns, source, leader);
    const isPublic = night.scope === "public";
    const held = isPublic && isHeld(night, this.election, contest, unit);
    const known = pair && columns.some(({ entry }) => entry) && this.#connection.status === "open";
    const question =
      known && !held && !(isPublic && night.embargoed) ? { contest, unit, a: pair[0].id, b: pair[1].id } : null;
    const inTotals = pair?.find(({ reports }) => reports === "districts");
    this.explanation.want(
      question,
      JSON.stringify(columns.map(({ entry, feed }) => [entry, feed.set_aside])),
      !inTotals,
    );
    const { answer } = this.explanation;
    const names = pair ? { a: pair[0].name, b: pair[1].name } : { a: "", b: "" };
    const reason = reasonOf(answer, { names, unit: this.election.unit(unit).name, held, inTotals, t });
    this.why.draw({ answer, pair, election: this.election, reason });
  }

  /**
   * A source's feed; without a connection nobody knows how it is, only how old its figures are.
   * @param {Source} source
   */
  #feed(source) {
    const feed = this.night.feeds[source.id] ?? { state: "waiting", last_event: null, age_s: null };
    const { contest, unit } = this.selection;
    const scope = this.election.scopeOf(unit).id;
    const entry = this.night.entry(contest, source.id, scope);
    return { ...feed, state: feedState(feed.state, entry, this.night.reachable) };
  }

  /**
   * An editor's word on who has won in a unit, if it has been given.
   * @param {string} unit
   */
  #call(unit) {
    return callOf(this.night, this.selection.contest, unit);
  }

  #columns() {
    return this.election.sources.map((source) => {
      const feed = this.#feed(source);
      return {
        ...this.view.unit(this.selection, this.selection.unit, source.id),
        feed,
        stateWord: this.#stateWord(feed),
      };
    });
  }

  /**
   * How a feed is, and whether something it has said is set aside, so that its figures do not show it.
   * @param {ShownFeed} shownFeed
   */
  #stateWord({ state, set_aside: count }) {
    const word = this.t(state);
    return count ? this.t("setAside", { state: word, n: this.format.count(count) }) : word;
  }

  /** @param {MainView} mainView */
  #title({ lead, entry, unit, source, boxesTotal }) {
    const { t, format } = this;
    const rehearsal = this.#mode === "live" ? "" : `[${t(this.#mode)}] `;
    const values = { place: unit.name, source: source.name };
    const text = lead
      ? t("title", {
          ...values,
          leader: lead.leaders.map((row) => row.candidate.name).join(" – "),
          share: format.percentOf(lead.leaders[0].share ?? NaN),
          opened: progressText(format, entry, boxesTotal),
        })
      : t("titleEmpty", values);
    if (document.title !== rehearsal + text) document.title = rehearsal + text;
  }
}

/**
 * The gateway's answer to a question; a slow one is worth no more than none.
 * @param {Question} question
 */
async function askWhy(question) {
  const route = routeUrl("/v1/compare", location.href);
  for (const [name, value] of Object.entries(question)) route.searchParams.set(name, value);
  const response = await fetch(route, { cache: "no-cache", signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  return response.ok ? response.json() : null;
}

/**
 * What has changed in a unit since earlier contests.
 * @param {{ contest: string, source: string, unit: string }} where
 * @returns {Promise<LastTime[] | undefined>}
 */
async function askLastTime(where) {
  const route = routeUrl("/v1/facts", location.href);
  for (const [name, value] of Object.entries(where)) route.searchParams.set(name, value);
  const response = await fetch(route, { cache: "no-cache", signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`No facts (${response.status}).`);
  return (await response.json()).facts[0]?.previous;
}

/**
 * What stands on the page before there is an election to show.
 * @param {{words: Words, format: Formats}} options
 */
export function showWaiting({ words, format }) {
  new Status({ words, format }).show("waiting", words("awaitRun"));
  const hero = byId("hero");
  if (!hero.firstChild) hero.append(make("p", { class: "await", text: words("awaitRun") }));
}

/** Clear what `showWaiting` put there. */
export function endWaiting() {
  byId("hero").replaceChildren();
}
