/**
 * The path to a majority: the seats of each list or alliance on one scale with the line that they need, what is still
 * missing, and where seats are still open. Arithmetic by the votes counted so far; who has won is an editor's word.
 */

import { showCount } from "../countup.js";
import { make, setAttribute, setStyle, setText } from "../dom.js";
import { signed } from "../last-time.js";
import { Memo } from "../memo.js";
import { SlidingList } from "../slide.js";
import { houseOf, majorityOf } from "./house.js";
import { called, counted, isBlank, origin, written } from "./picture.js";
import { subscriptions } from "./stage.js";
import { Called, Counted, fit, Heading, Name, Origin } from "./widgets.js";

export { check } from "./house.js";

/** @import { Alliance, OverlayTools, Row, Scene, UnitSeats } from "./types.d.ts" */

/** The scale reaches so far beyond the line, as a part of it, or as far as the longest bar. */
const REACH = 1.25;
/** Constituencies that are named; of the rest the number and the seats are told. */
const PLACES = 5;
/** Bars are drawn to this part of the scale. */
const DIGITS = 4;

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene);

/** @typedef {Pick<Row, "id" | "name" | "mark" | "hue"> & { seats: number, decided: number }} List a list with seats */
/** @typedef {List & { lists: readonly List[] }} Block an alliance, or a list that is in none */

/**
 * From counts to words.
 * @param {Scene} scene
 */
export function model(scene) {
  const { t, format, selection, options } = scene;
  const unit = scene.unit();
  const house = houseOf(scene);
  const alliances = (options.by === "alliance" && unit.contest.seats?.alliances) || [];
  const lists = listsOf(scene, house);
  const blocks = isBlank(unit) ? [] : blocksOf(lists, alliances).filter(({ seats }) => seats > 0);
  const needed = majorityOf(house.total);
  const scale = Math.min(house.total, Math.max(Math.ceil(needed * REACH), blocks[0]?.seats ?? 0));
  const others = blocks.slice(options.rows).reduce((sum, { seats }) => sum + seats, 0);
  const verdict = verdictOf(blocks, { needed, total: house.total, isAllied: alliances.length > 0 });
  const { contest, source, unit: place } = selection;
  return {
    of: `${contest} ${source} ${place} ${options.by}`,
    heading: {
      title: unit.unit.name,
      subtitle: `${unit.contest.name} · ${t("houseOf", { n: format.count(house.total) })}`,
    },
    call: called(scene, unit),
    verdict: isBlank(unit) ? t("noBoxes") : house.isTold ? sentence(scene, verdict) : t("seatsUnknown"),
    goal: t("majority", { n: format.count(needed) }),
    line: needed / scale,
    rows: blocks.map((block) => ({ ...rowOf(scene, block, needed), bars: barsOf(block, scale) })),
    places: Math.min(options.rows, blocksOf(lists, alliances).length),
    first: blocks.slice(0, options.rows).map(({ id }) => id),
    others: others ? `${t("othersMany")}: ${format.count(others)}` : "",
    open: `${t("undecided")}: ${format.count(house.open)}`,
    where: house.parts > 1 ? whereOf(scene, house.counting) : "",
    projected: `${t("projected")} ${house.law}`,
    counted: counted(scene, unit),
    origin: origin(scene),
  };
}

/**
 * Everybody on the ballot with their seats, as they are written.
 * @param {Scene} scene
 * @param {Pick<ReturnType<typeof houseOf>, "seats" | "decided">} house
 * @returns {List[]}
 */
function listsOf(scene, { seats, decided }) {
  const unit = scene.unit();
  return unit.ranked
    .map((item) => written(scene, unit, item))
    .map(({ id, name, mark, hue }) => ({
      id,
      name,
      mark,
      hue,
      seats: seats.get(id) ?? 0,
      decided: decided.get(id) ?? 0,
    }));
}

/**
 * The lists by alliance, those of none by themselves, most seats first. An alliance has the hue and the mark of its
 * list with most seats.
 * @param {readonly List[]} lists
 * @param {readonly Alliance[]} alliances
 * @returns {Block[]}
 */
export function blocksOf(lists, alliances) {
  const most = (/** @type {{ seats: number }} */ left, /** @type {{ seats: number }} */ right) =>
    right.seats - left.seats;
  const allied = alliances.flatMap(({ id, name, members }) => {
    const inside = lists.filter((list) => members.includes(list.id)).sort(most);
    return inside.length ? [{ ...inside[0], id, name, lists: inside, ...summed(inside) }] : [];
  });
  const alone = lists.filter(({ id }) => !alliances.some(({ members }) => members.includes(id)));
  return [...allied, ...alone.map((list) => ({ ...list, lists: [list] }))].sort(most);
}

/** @param {readonly List[]} lists */
function summed(lists) {
  return {
    seats: lists.reduce((sum, { seats }) => sum + seats, 0),
    decided: lists.reduce((sum, { decided }) => sum + decided, 0),
  };
}

/**
 * What the seats come to: which sentence says it, of whom, and with which number. Seats in constituencies where every
 * box is opened are settled; all the others may still be anybody's.
 * @param {readonly Pick<Block, "name" | "seats" | "decided">[]} blocks most seats first
 * @param {{ needed: number, total: number, isAllied: boolean }} house
 */
export function verdictOf(blocks, { needed, total, isAllied }) {
  const left = blocks.reduce((rest, { decided }) => rest - decided, total);
  const settled = Math.max(0, ...blocks.map(({ decided }) => decided));
  if (settled + left < needed) return { key: isAllied ? "majorityHungAllied" : "majorityHung", names: [], n: 0 };
  if (!blocks.length) return { key: "seatsUnknown", names: [], n: 0 };
  const [first] = blocks;
  const names = blocks.filter(({ seats }) => seats === first.seats).map(({ name }) => name);
  if (names.length > 1) return { key: "majorityTied", names, n: needed - first.seats };
  if (first.decided >= needed) return { key: "majorityDecided", names, n: first.decided };
  if (first.seats >= needed) return { key: "majorityLeading", names, n: first.seats - first.decided };
  return { key: "majorityShort", names, n: needed - first.seats };
}

/**
 * @param {Pick<Scene, "t" | "format">} tools
 * @param {ReturnType<typeof verdictOf>} verdict
 */
function sentence({ t, format }, { key, names, n }) {
  return t(key, { name: names.join(" – "), n: format.count(n) });
}

/**
 * @param {Pick<Scene, "t" | "format">} tools
 * @param {Block} block
 * @param {number} needed
 */
function rowOf({ t, format }, { id, name, mark, hue, seats, lists }, needed) {
  const members = lists.filter((list) => list.seats > 0).map((list) => `${list.name} ${format.count(list.seats)}`);
  return {
    id,
    name,
    mark,
    hue,
    party: members.length > 1 ? members.join(" · ") : "",
    seats,
    gap: gapOf({ t, format }, seats - needed),
    reached: seats >= needed,
  };
}

/**
 * @param {Pick<Scene, "t" | "format">} tools
 * @param {number} beyond
 */
function gapOf({ t, format }, beyond) {
  if (beyond < 0) return t("seatsShort", { n: format.count(-beyond) });
  return beyond > 0 ? signed(beyond, format.count) : t("seatsEnough");
}

/**
 * A block's bar in pieces, as parts of the scale: the settled seats of each list first, then those still counted.
 * @param {Block} block
 * @param {number} scale
 */
export function barsOf({ lists }, scale) {
  const pieces = [
    ...lists.map(({ hue, decided }) => ({ hue, many: decided, open: false })),
    ...lists.map(({ hue, seats, decided }) => ({ hue, many: seats - decided, open: true })),
  ].filter(({ many }) => many > 0);
  let from = 0;
  return pieces.map(({ hue, many, open }) => {
    const piece = { hue, open, from: (from / scale).toFixed(DIGITS), part: (many / scale).toFixed(DIGITS) };
    from += many;
    return piece;
  });
}

/**
 * Where a box is still to be opened, in words: the constituencies with most seats, and how many more there are.
 * @param {Pick<Scene, "election" | "t" | "format">} tools
 * @param {readonly UnitSeats[]} counting
 */
export function whereOf({ election, t, format }, counting) {
  if (!counting.length) return "";
  const places = counting
    .map(({ unit, seats }) => ({ name: election.unitById.get(unit)?.name ?? unit, seats }))
    .sort((left, right) => right.seats - left.seats || format.compare(left.name, right.name));
  const named = places.slice(0, PLACES).map(({ name, seats }) => `${name} ${format.count(seats)}`);
  const rest = places.slice(PLACES);
  const n = format.count(rest.length);
  const seats = format.count(rest.reduce((sum, place) => sum + place.seats, 0));
  return `${t("stillCounting")}: ${[...named, ...(rest.length ? [t("morePlaces", { n, seats })] : [])].join(" · ")}`;
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new MajorityPanel(tools);
}

class MajorityPanel {
  #rows = new Memo(newRow);
  #of = "";
  /** @type {Model | null} */
  #latest = null;

  /** @param {OverlayTools} tools */
  constructor({ t, format, options, stage }) {
    this.format = format;
    this.heading = new Heading();
    this.called = new Called();
    this.verdict = make("p", { class: "verdict fit" });
    this.goal = make("span", { class: "goal" });
    this.list = make("ol", { class: "rows" });
    this.lines = new SlidingList(
      this.list,
      (id) => this.#rows.get(id).node,
      () => this.#write(),
      () => stage.scale(),
    );
    this.others = make("span", { class: "others" });
    this.open = make("span", { class: "open" });
    this.where = make("p", { class: "where fit" });
    this.projected = make("p", { class: "law fit" });
    this.counted = new Counted({ t, format });
    this.origin = new Origin();
    this.race = make("div", { class: "race" }, make("div", { class: "target" }, this.goal), this.list);
    const legend = [false, true].map((open) =>
      make("span", {}, make("i", { class: "piece", "data-open": open }), t(open ? "seatsCounting" : "seatsDecided")),
    );
    this.node = make(
      "section",
      { class: "panel majority-panel", "data-rows": options.rows > 4 ? "many" : "few" },
      make(
        "div",
        { class: "content" },
        make("div", { class: "top" }, this.heading.node, this.called.node),
        this.verdict,
        this.race,
        make("p", { class: "pieces" }, ...legend, this.open, this.others),
        this.where,
        this.projected,
        make("div", { class: "feet" }, this.counted.node, this.origin.node),
      ),
    );
  }

  /** @param {Model} model */
  draw(model) {
    this.#latest = model;
    this.heading.draw(model.heading);
    this.called.draw(model.call);
    fit(this.verdict, model.verdict);
    setText(this.goal, model.goal);
    setStyle(this.race, "--line", model.line.toFixed(DIGITS));
    setStyle(this.race, "--places", String(model.places));
    setText(this.others, model.others);
    setText(this.open, model.open);
    fit(this.where, model.where);
    fit(this.projected, model.projected);
    const { shown } = this.lines;
    const isThere = (/** @type {string} */ id) => model.rows.some((row) => row.id === id);
    if (this.#of !== model.of || shown.length !== model.first.length || !shown.every(isThere)) {
      this.lines.jump(model.first);
    } else this.lines.want(model.first);
    this.#of = model.of;
    this.#write();
    this.counted.draw(model.counted, model.of);
    this.origin.draw(model.origin);
  }

  #write() {
    const model = this.#latest;
    const byId = new Map((model?.rows ?? []).map((row) => [row.id, row]));
    for (const id of this.lines.shown) {
      const [line, row] = [this.#rows.get(id), byId.get(id)];
      if (!row || !model) continue;
      line.name.draw(row);
      showCount(line.seats, row.seats, this.format.count, model.of);
      setText(line.gap, row.gap);
      setAttribute(line.node, "data-reached", row.reached ? "" : null);
      line.draw(row.bars);
    }
  }
}

/** @param {string} id */
function newRow(id) {
  const name = new Name();
  const [seats, gap, lane] = [
    make("b", { class: "seats" }),
    make("span", { class: "short" }),
    make("span", { class: "lane", "aria-hidden": "true" }),
  ];
  const node = make("li", { "data-block": id }, name.node, lane, seats, gap);
  /** @param {ReturnType<typeof barsOf>} bars */
  const draw = (bars) => {
    while (lane.children.length < bars.length) lane.append(make("i", { class: "piece" }));
    while (lane.children.length > bars.length) lane.lastElementChild?.remove();
    bars.forEach(({ hue, from, part, open }, index) => {
      const piece = /** @type {HTMLElement} */ (lane.children[index]);
      setAttribute(piece, "data-open", open ? "" : null);
      setStyle(piece, "--hue", hue);
      setStyle(piece, "--from", from);
      setStyle(piece, "--part", part);
    });
  };
  return { node, name, seats, gap, draw };
}
