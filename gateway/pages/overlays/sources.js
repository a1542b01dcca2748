/**
 * Sources side by side: two or three of them on one scale, and what lies between them written out.
 */

import { wholeOf } from "../claims.js";
import { showCount } from "../countup.js";
import { make, setAttribute, setStyle, setText } from "../dom.js";
import { points, spread } from "../rank.js";
import { noSuch } from "./parameters.js";
import { counted, origin, written } from "./picture.js";
import { subscriptions } from "./stage.js";
import { Counted, fit, Heading, Name, Origin } from "./widgets.js";

/** @import { OverlayTools, Scene, Source, Tools, UnitView } from "./types.d.ts" */

const MOST_SOURCES = 3;
const HALF_A_HUNDREDTH = 0.005;

/**
 * The sources to compare: those asked for, or the election's first three.
 * @param {Pick<Scene, "election" | "options">} options
 */
export function compared({ election, options }) {
  return options.sources.length ? options.sources : election.sources.slice(0, MOST_SOURCES).map(({ id }) => id);
}

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene, compared(scene));

/**
 * Sources that are named must be there.
 * @param {Scene} scene
 */
export function check({ election, options }) {
  return options.sources
    .filter((id) => !election.sourceById.has(id))
    .map((id) => noSuch("sources", id, election.sourceById.keys()));
}

/**
 * From counts to words. The rows are the first candidates of the source that has opened most boxes.
 * @param {Scene} scene
 */
export function model(scene) {
  const { selection, t, format, options } = scene;
  const ids = compared(scene);
  const units = ids.map((source) => scene.unit(selection.unit, source));
  const fullest = units.reduce((best, one) =>
    (one.entry?.boxes_opened ?? -1) > (best.entry?.boxes_opened ?? -1) ? one : best,
  );
  const shown = fullest.ranked.slice(0, options.rows).map((item) => item.candidate);
  const widest = Math.max(
    ...units.flatMap(({ ranked, entry }) => (wholeOf(entry) ? [ranked[0].votes / wholeOf(entry)] : [])),
    0.0001,
  );
  return {
    of: `${selection.contest} ${selection.unit}`,
    heading: { title: units[0].unit.name, subtitle: units[0].contest.name },
    columns: units.map((unit) => ({
      source: unit.source.id,
      counted: counted(scene, unit),
      origin: origin(scene, unit.source.id),
      cells: shown.map(({ id }) => {
        const row = writtenOf(scene, unit, id);
        return { id, votes: row.votes, share: row.share, hue: row.hue, part: row.part / widest, manual: row.manual };
      }),
    })),
    names: shown.map(({ id }) => writtenOf(scene, fullest, id)),
    gaps: shown.map(({ id }) => gapOf({ t, format }, units, id)),
    boxes: boxesBetween({ t, format }, units),
  };
}

/**
 * A candidate as one source's figures have it, also where its ballot does not.
 * @param {Scene} scene
 * @param {UnitView} unit
 * @param {string} id
 */
function writtenOf(scene, unit, id) {
  const row = unit.ranked.find((item) => item.candidate.id === id);
  return written(
    scene,
    unit,
    row ?? {
      candidate: scene.election.stranger(id, scene.selection.contest),
      votes: 0,
      rank: 0,
      tied: false,
      share: unit.unattributedShare === null ? null : 0,
    },
  );
}

/**
 * @param {Tools} tools
 * @param {readonly UnitView[]} units
 * @param {string} id
 */
function gapOf({ t, format }, units, id) {
  /** @param {UnitView} unitView */
  const votesOf = ({ entry }) => (entry ? (entry.votes[id] ?? 0) : NaN);
  const votes = spread(units.map((unit) => ({ source: unit.source, value: votesOf(unit) })));
  const shares = spread(
    units.map((unit) => ({ source: unit.source, value: points(votesOf(unit), wholeOf(unit.entry)) ?? NaN })),
  );
  if (!votes || !shares) return { points: format.nothing, votes: "" };
  /**
   * @param {{highest: Source, gap: number}} gap
   * @param {string} text
   */
  const more = (gap, text) => (gap.gap === 0 ? t("same") : `${gap.highest.name} +${text}`);
  if (shares.gap > 0 && shares.gap < HALF_A_HUNDREDTH) shares.gap = 0; // it is written with two digits
  return {
    points: more(shares, t("points", { n: format.points(shares.gap) })),
    votes: more(votes, t("votes", { n: format.count(votes.gap) })),
  };
}

/**
 * @param {Tools} tools
 * @param {readonly UnitView[]} units
 */
function boxesBetween({ t, format }, units) {
  const boxes = spread(units.map((unit) => ({ source: unit.source, value: unit.entry?.boxes_opened ?? NaN })));
  if (!boxes) return { text: format.nothing, why: "" };
  if (boxes.gap === 0) return { text: t("same"), why: t("boxesSame") };
  const n = format.count(boxes.gap);
  return {
    text: t("ahead", { source: boxes.highest.name, n }),
    why: t("boxesApart", { high: boxes.highest.name, low: boxes.lowest.name, n }),
  };
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new Sources(tools);
}

class Sources {
  #key = "";
  /** @type {{ origin: Origin, counted: Counted }[]} */
  #heads = [];
  /** @type {Name[]} */
  #names = [];
  /**
   * By candidate, then by source.
   * @type {ReturnType<typeof newCell>[][]}
   */
  #cells = [];
  /** @type {ReturnType<typeof newGap>[]} */
  #gaps = [];

  /** @param {Tools} tools */
  constructor({ t, format }) {
    this.t = t;
    this.format = format;
    this.boxes = make("b", { class: "fit" });
    this.heading = new Heading();
    this.grid = make("div", { class: "grid" });
    this.why = make("p", { class: "why fit" });
    this.node = make(
      "section",
      { class: "panel sources" },
      make("div", { class: "content" }, this.heading.node, this.grid, this.why),
    );
  }

  /** @param {Model} model */
  draw(model) {
    const key = `${model.columns.map(({ source }) => source).join()} ${model.names.length}`;
    if (key !== this.#key) this.#lay(model);
    this.#key = key;
    this.heading.draw(model.heading);
    model.columns.forEach((column, index) => {
      this.#heads[index].origin.draw(column.origin);
      this.#heads[index].counted.draw(column.counted, model.of);
      column.cells.forEach((cell, row) => this.#cell(this.#cells[row][index], cell, model.of));
    });
    model.names.forEach((row, index) => this.#names[index].draw(row));
    model.gaps.forEach((gap, index) => {
      fit(this.#gaps[index].points, gap.points);
      fit(this.#gaps[index].votes, gap.votes);
    });
    fit(this.boxes, model.boxes.text);
    fit(this.why, model.boxes.why);
  }

  /** @param {Model} model */
  #lay({ columns, names }) {
    this.grid.style.setProperty("--columns", String(columns.length));
    this.#heads = columns.map(() => ({ origin: new Origin(), counted: new Counted(this) }));
    this.#names = names.map(() => new Name());
    this.#cells = names.map(() => columns.map(() => newCell()));
    this.#gaps = names.map(() => newGap());
    const head = this.#heads.map(({ origin: from, counted: bar }) =>
      make("div", { class: "head" }, from.node, bar.node),
    );
    this.grid.replaceChildren(
      make("div", { class: "corner" }),
      ...head,
      make("div", { class: "gap head" }, make("span", { class: "what", text: this.t("gap") }), this.boxes),
      ...this.#names.flatMap((name, index) => [
        name.node,
        ...this.#cells[index].map(({ node }) => node),
        this.#gaps[index].node,
      ]),
    );
  }

  /**
   * @param {ReturnType<typeof newCell>} cell
   * @param {Model["columns"][number]["cells"][number]} model
   * @param {string} of
   */
  #cell(cell, { id, votes, share, hue, part, manual }, of) {
    setAttribute(cell.node, "data-manual", manual ? "" : null);
    setAttribute(cell.node, "data-candidate", id);
    setText(cell.share, share);
    showCount(cell.votes, votes, this.format.count, `${of} ${id}`);
    setStyle(cell.node, "--hue", hue);
    setStyle(cell.node, "--part", part.toFixed(4));
  }
}

function newCell() {
  const [share, votes] = [make("b", { class: "share" }), make("span", { class: "votes" })];
  const track = make("span", { class: "track", "aria-hidden": "true" }, make("span", { class: "fill" }));
  return { share, votes, node: make("div", { class: "cell" }, share, votes, track) };
}

function newGap() {
  const [points, votes] = [make("b", { class: "fit" }), make("span", { class: "fit" })];
  return { points, votes, node: make("div", { class: "gap" }, points, votes) };
}
