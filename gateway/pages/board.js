/**
 * The board: which panes there are, what is selected, and when they are drawn.
 */

import { Asked } from "./asked.js";
import { callOf } from "./call.js";
import { Candidates } from "./candidates.js";
import { progressText } from "./claims.js";
import { retryDelay, routeUrl } from "./client/index.js";
import { fillSwitch, UnitPicker, updateSwitch } from "./controls.js";
import { byId, make, setText } from "./dom.js";
import { feedState } from "./feed-state.js";
import { takeFirst } from "./first-figures.js";
import { Hero } from "./hero.js";
import { baseOf, lastTimeLines } from "./last-time.js";
import { Redraw } from "./redraw.js";
import { fromAddress, toAddress } from "./selection.js";
import { Status } from "./status.js";
import { groundsNow, View } from "./view.js";

/**
 * @import { Details } from "./details.js"
 * @typedef {Parameters<typeof takeFirst>[1]} First
 * @import { Election, Formats, Handle, LastTime, LiveNight, MainView, Selection } from "./types.d.ts"
 * @import { ShownFeed, Source, Words } from "./types.d.ts"
 */

const AGE_TICK_MS = 1_000;

/** As often as a viewer can take in a new number; what lies between is conflated by the server. */
const MAX_RATE_HZ = 2;

const ANSWER_TIMEOUT_MS = 10_000;

/** When what the first number does not need is fetched even without one: before the first box, during an embargo. */
const DETAILS_LATEST_MS = 2_000;

/** How often what has changed since the last time is asked for: it moves slowly. */
const LAST_TIME_MS = 5_000;

export class Board {
  /**
   * The panes below the first number: null until their module is here.
   * @type {Details | null}
   */
  #details = null;
  #asksDetails = false;
  /** @type {{ status: string, code?: number | null, hadData: boolean, failed: boolean }} */
  #connection = { status: "connecting", hadData: false, failed: false };
  /** @type {string} */
  #mode = "live";
  /** @type {Handle[]} */
  #followed = [];
  /** @type {MainView | null} */
  #main = null;
  #fault = "";
  /** @type {string | null} when the gateway gave the figures that came before the stream, by its clock */
  #firstAt = null;
  /** @type {Asked<LastTime[]>} */
  #lastTime = new Asked(askLastTime, () => this.#redraw.soon(), Date.now, LAST_TIME_MS);
  #redraw = new Redraw(() => this.#draw());

  /**
   * `night` is where the figures come from; what the selection needs is subscribed to. `first` are figures that came
   * before the stream.
   * @param {{election: Election, night: LiveNight, words: Words, format: Formats, first: First | null}} options
   */
  constructor({ election, night, words, format, first }) {
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
    byId("board").removeAttribute("aria-busy");
    document.addEventListener("click", (event) => this.#follow(event));
    addEventListener("popstate", () => this.#select(fromAddress(location.search, election)));
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.#theme());
    matchMedia("print").addEventListener("change", () => this.#theme());
    setInterval(() => this.#tick(), AGE_TICK_MS);
    setTimeout(() => this.#fetchDetails(), DETAILS_LATEST_MS);
    this.#theme();
    this.#listen();
    this.#subscribe();
    if (first) this.#begin(first);
  }

  #listen() {
    const { night } = this;
    night.on("change", () => this.#change());
    night.on("state", () => this.#redraw.soon());
    night.on("hello", (message) => this.#hello(message));
    night.on("connection", (news) => this.#connected(news));
    night.on("fault", ({ message }) => this.#complain(message));
    if (night.mode) this.#hello({ mode: night.mode });
    this.#connected({ status: night.status, code: night.code });
  }

  /**
   * Show figures that came before the stream, which says the same or newer ones.
   * @param {First} first
   */
  #begin(first) {
    const { night } = this;
    if (night.epoch !== null && night.epoch !== first.epoch) return;
    if (night.mode === null) this.#hello(first);
    this.#firstAt = first.at;
    takeFirst(night, first);
  }

  /** Fetch the other panes, once, and until they are here. */
  async #fetchDetails() {
    if (this.#asksDetails) return;
    this.#asksDetails = true;
    const { Details } = await fetchedDetails();
    const { election, night, view, t: words, format, selection } = this;
    const changed = () => this.#redraw.soon();
    this.#details = new Details({ election, night, view, words, format, selection, changed });
    this.#draw();
  }

  // What the night tells us.

  #change() {
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
    const { contest, source: chosen, unit } = this.selection;
    const scope = this.election.scopeOf(unit).id;
    const units = [...new Set([unit, ...this.election.patterns(scope, this.selection.tree)])];
    const before = this.#followed;
    const others = this.election.sources.map(({ id }) => id).filter((id) => id !== chosen);
    this.#followed = [chosen, ...others].map((source) =>
      this.night.subscribe({ contest, source, units, maxRateHz: MAX_RATE_HZ }),
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
    this.#fault = "";
    this.#subscribe();
    this.#draw();
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
    this.hero.draw(main);
    this.#since(main);
    this.candidates.draw(main);
    this.#details?.draw(selection);
    this.#main = main;
    this.#tick();
    if (main.entry) setTimeout(() => this.#fetchDetails()); // once this is painted
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

  /** What changes with the clock alone: ages, states, the title. */
  #tick() {
    const { election, night, format, selection } = this;
    setText(byId("clock"), night.serverTime ? `${format.clock(night.serverTime)} ${format.zone()}` : "");
    this.status.replay(night.replay);
    const source = election.source(selection.source);
    const feed = this.#feed(source);
    const main = this.#main;
    if (!main) return;
    this.hero.age(feed, this.#stateWord(feed), main.entry?.as_of ?? feed.last_event);
    this.#details?.tick(this.#columns(), main, this.#connection.status === "open");
    this.status.draw({
      source,
      feed,
      connection: this.#connection,
      currentAt: night.currentAt ?? this.#firstAt,
      fault: this.#fault,
      embargoed: night.embargoed,
      embargo: night.embargo,
      hold: night.held.map((name) => election.heldName(name)),
    });
    document.body.toggleAttribute("data-embargo", night.embargoed && !main.entry);
    this.#title(main);
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

/** The module of the other panes. An attempt that failed is not made again by its address, so another stands for it. */
async function fetchedDetails() {
  for (let failures = 0; ; failures += 1) {
    try {
      return await (failures ? import(`./details.js?again=${failures}`) : import("./details.js"));
    } catch (error) {
      console.warn(error);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, retryDelay(failures));
    });
  }
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

/** What a gateway answers that has no run yet, or does not let this page in: it is there. */
const GATEWAYS_OWN = [401, 403, 503];

/**
 * What stands on the page before there is an election to show: `error` is why there is none.
 * @param {{words: Words, format: Formats, error: unknown}} options
 */
export function showWaiting({ words, format, error }) {
  const { status = 0 } = /** @type {{ status?: number }} */ (error ?? {});
  const waits = GATEWAYS_OWN.includes(status);
  const text = words(waits ? "awaitRun" : "lostEmpty");
  new Status({ words, format }).show(waits ? "waiting" : "lost", text);
  const hero = byId("hero");
  const line = hero.querySelector(".await") ?? make("p", { class: "await" });
  setText(line, text);
  if (!hero.firstChild) hero.append(line);
}

/** Clear what `showWaiting` put there. */
export function endWaiting() {
  byId("hero").replaceChildren();
}
