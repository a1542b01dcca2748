/**
 * The duel: two candidates on one scale, face to face. Without names it is the first two; a side stays a name's own.
 */

import { wholeOf } from "../claims.js";
import { showCount } from "../countup.js";
import { make, setAttribute, setStyle, setText } from "../dom.js";
import { points } from "../rank.js";
import { Order } from "../slide.js";
import { noSuch } from "./parameters.js";
import { called, counted, isBlank, margin, origin, written } from "./picture.js";
import { subscriptions } from "./stage.js";
import { Called, Counted, Face, Heading, Margin, Name, Origin } from "./widgets.js";

/** @import { OverlayTools, Scene, Tools, UnitView } from "./types.d.ts" */

const SIDES = 2;

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene);

/**
 * Candidates who are named must be on the ballot.
 * @param {Scene} scene
 */
export function check(scene) {
  const { election, selection, options } = scene;
  const names = election.ballot(selection.contest, selection.unit).map(({ id }) => id);
  return options.candidates.filter((id) => !names.includes(id)).map((id) => noSuch("candidates", id, names));
}

/**
 * From counts to words.
 * @param {Scene} scene
 */
export function model(scene) {
  const unit = scene.unit();
  const named = scene.options.candidates;
  const { contest, source, unit: place } = scene.selection;
  const first = unit.ranked.slice(0, SIDES).map((item) => item.candidate.id);
  const pair =
    named.length === SIDES ? named : [...named, ...first.filter((id) => !named.includes(id))].slice(0, SIDES);
  return {
    of: `${contest} ${source} ${place}`,
    heading: { title: unit.unit.name, subtitle: unit.contest.name },
    call: called(scene, unit),
    rows: unit.ranked.map((item) => written(scene, unit, item)),
    pair,
    fixed: named.length === SIDES,
    margin: between(scene, unit, pair),
    counted: counted(scene, unit),
    origin: origin(scene),
    empty: !unit.entry,
    blank: isBlank(unit),
  };
}

/**
 * The gap between these two, which need not be the first two.
 * @param {Scene} scene
 * @param {UnitView} unit
 * @param {readonly string[]} pair
 */
function between(scene, unit, pair) {
  const two = unit.ranked.filter((item) => pair.includes(item.candidate.id));
  if (!unit.entry || two.length < SIDES || two[0].votes === 0) return { ...margin(scene, unit), rival: undefined };
  const tie = two[0].votes === two[1].votes;
  const lead = { leaders: tie ? two : [two[0]], second: two[1], votes: two[0].votes - two[1].votes };
  return margin(scene, { ...unit, lead: { ...lead, points: points(lead.votes, wholeOf(unit.entry)) } });
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new Duel(tools);
}

class Duel {
  #sides = new Order(() => this.#write());
  /** @type {string | null} */
  #of = null;
  /** @type {Model | null} */
  #latest = null;

  /** @param {Tools} tools */
  constructor({ t, format }) {
    this.t = t;
    this.format = format;
    this.heading = new Heading();
    this.called = new Called();
    this.halves = ["left", "right"].map((side) => half(side));
    this.margin = new Margin({ t, format }, make("div", { class: "between" }));
    this.counted = new Counted({ t, format });
    this.origin = new Origin();
    const [left, right] = this.halves;
    const bars = make("div", { class: "bars", "aria-hidden": "true" }, left.fill, right.fill, make("i"));
    this.node = make(
      "section",
      { class: "panel duel" },
      make(
        "div",
        { class: "content" },
        make("div", { class: "top" }, this.heading.node, this.called.node),
        make("div", { class: "sides" }, left.node, this.margin.node, right.node),
        bars,
        make("div", { class: "feet" }, this.counted.node, this.origin.node),
      ),
    );
  }

  /** @param {Model} model */
  draw(model) {
    this.#latest = model;
    this.heading.draw(model.heading);
    this.called.draw(model.call);
    const pair = this.#sided(model);
    if (this.#of !== model.of || model.empty) this.#sides.jump(pair);
    else this.#sides.want(pair);
    setAttribute(this.node, "data-blank", model.blank ? "" : null);
    this.#of = model.empty ? null : model.of;
    this.#write();
    this.margin.draw(model.margin, model.of);
    this.counted.draw(model.counted, model.of);
    this.origin.draw(model.origin);
  }

  /**
   * The same two stay on their sides, whoever leads.
   * @param {Model} model
   */
  #sided({ pair, fixed }) {
    const shown = this.#sides.shown;
    return !fixed && shown.length === SIDES && shown.every((id) => pair.includes(id)) ? shown : pair;
  }

  #write() {
    const model = this.#latest;
    if (!model) return;
    const byId = new Map(model.rows.map((row) => [row.id, row]));
    this.halves.forEach((side, index) => {
      const row = byId.get(this.#sides.shown[index]);
      setAttribute(side.node, "data-none", row ? null : "");
      side.name.draw(row);
      side.face.draw(row);
      setText(side.share, row?.share ?? "");
      showCount(side.votes, row?.votes ?? NaN, this.format.count, `${model.of} ${row?.id}`);
      setAttribute(side.node, "data-candidate", row?.id ?? null);
      setAttribute(side.node, "data-manual", row?.manual ? "" : null);
      setAttribute(side.node, "data-leads", row?.leads ? "" : null);
      setText(side.verb, row?.leads ? this.t(model.margin.state === "tie" ? "tie" : "leads") : "");
      setStyle(side.fill, "--hue", row?.hue ?? "transparent");
      setStyle(side.fill, "--part", (row?.part ?? 0).toFixed(4));
    });
  }
}

/** @param {string} side */
function half(side) {
  const [name, face] = [new Name(), new Face()];
  const [share, votes, verb] = ["share", "votes", "verb"].map((kind) => make("span", { class: kind }));
  const fill = make("span", { class: `fill ${side}` });
  return {
    name,
    face,
    share,
    votes,
    verb,
    fill,
    node: make(
      "div",
      { class: `half ${side}` },
      face.node,
      name.node,
      share,
      make("span", { class: "tail" }, votes, verb),
    ),
  };
}
