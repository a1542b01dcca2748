/**
 * What the first number does not need: the map, a district's card, the sources side by side with why they differ, and
 * the table of districts. A module of its own, which the board fetches once the number is there.
 */

import { callOf } from "./call.js";
import { Card } from "./card.js";
import { isHeld, routeUrl } from "./client/index.js";
import { Compare } from "./compare.js";
import { Districts } from "./districts.js";
import { byId } from "./dom.js";
import { Explanation, pairOf, reasonOf } from "./explanation.js";
import { TileMap } from "./map.js";
import { Why } from "./why.js";

/**
 * @import { Column, Election, Formats, LiveNight, MainView, Part, Question } from "./types.d.ts"
 * @import { Selection, Tiles, View, Words } from "./types.d.ts"
 */

const ANSWER_TIMEOUT_MS = 10_000;

export class Details {
  /** @type {string | null} the unit that is pointed at */
  #lookedAt = null;
  /** @type {Part[]} */
  #parts = [];
  /** @type {Selection} */
  #selection;

  /**
   * `changed()` is called when what only these panes show has changed.
   * @param {{ election: Election, night: LiveNight, view: View, words: Words, format: Formats, selection: Selection,
   *   changed: () => void }} options
   */
  constructor({ election, night, view, words, format, selection, changed }) {
    this.election = election;
    this.night = night;
    this.view = view;
    this.t = words;
    this.#selection = selection;
    const tools = { t: words, format };
    this.map = new TileMap(byId("map"), { ...tools, look: (unit) => this.#lookAt(unit) });
    this.card = new Card(byId("card"), tools);
    this.compare = new Compare(byId("compare"), tools);
    this.why = new Why(byId("compare"), tools);
    this.explanation = new Explanation({ ask: askWhy, changed, now: () => performance.now() });
    this.districts = new Districts(byId("districts"), { ...tools, election });
  }

  /**
   * Draw what follows from the figures.
   * @param {Selection} selection
   */
  draw(selection) {
    const { view, election, night } = this;
    if (selection !== this.#selection) this.#lookedAt = null;
    this.#selection = selection;
    this.#parts = view
      .parts(selection)
      .map((part) => ({ ...part, call: callOf(night, selection.contest, part.unit.id) }));
    const source = election.source(selection.source);
    const shared = { parts: this.#parts, source, selected: selection.unit, hue: view.hue };
    const layout = view.layout(selection);
    this.map.draw({ ...shared, layout, leading: view.leading(this.#parts) });
    this.#placeDistricts(layout);
    this.districts.draw({ ...shared, tree: selection.tree ?? "", treeHref: this.#treeHref() });
    this.#drawCard();
  }

  /**
   * Draw what changes with the clock too: the sources, each with its age and state.
   * @param {Column[]} columns
   * @param {MainView} main
   * @param {boolean} connected
   */
  tick(columns, main, connected) {
    this.compare.draw({ columns, ranked: main.ranked, hue: this.view.hue });
    this.#explain(columns, main.ranked[0]?.candidate.id, connected);
  }

  /** @param {string | null} unit */
  #lookAt(unit) {
    this.#lookedAt = unit;
    this.#drawCard();
  }

  /** The address of each tree's list; none where only one tree lists its units here. */
  #treeHref() {
    const { election, view } = this;
    const selection = this.#selection;
    if (!election.trees.length || election.scopeOf(selection.unit) !== election.country) return null;
    return (/** @type {string} */ tree) => view.href({ ...selection, unit: election.country.id, tree });
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
    const selection = this.#selection;
    byId("card").hidden = !this.view.layout(selection);
    const part = this.#parts.find(({ unit }) => unit.id === (this.#lookedAt ?? selection.unit));
    const source = this.election.source(selection.source);
    this.card.draw(part ?? this.view.closest(this.#parts), source, this.view.hue, !part);
  }

  /**
   * Why the sources differ, where that may be asked.
   * @param {Column[]} columns
   * @param {string | undefined} leader
   * @param {boolean} connected
   */
  #explain(columns, leader, connected) {
    const { contest, unit, source } = this.#selection;
    const { night, t } = this;
    const pair = pairOf(columns, source, leader);
    const isPublic = night.scope === "public";
    const held = isPublic && isHeld(night, this.election, contest, unit);
    const known = pair && columns.some(({ entry }) => entry) && connected;
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
