/**
 * The winner: a moment of its own for an editor's call. Without one it shows nothing, and nothing computes it; when the
 * call is withdrawn, it is gone.
 */

import { callOf } from "../call.js";
import { showCount } from "../countup.js";
import { make, setAttribute, setStyle, setText } from "../dom.js";
import { called, counted, margin, origin, written } from "./picture.js";
import { subscriptions } from "./stage.js";
import { Counted, Face, fit, Heading, Margin, Name, Origin } from "./widgets.js";

/** @import { OverlayTools, Scene, Tools, UnitView } from "./types.d.ts" */

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene);

/**
 * From a call and counts to words. Figures are those counted by now, whoever leads in them.
 * @param {Scene} scene
 */
export function model(scene) {
  const unit = scene.unit();
  const { contest, source, unit: place } = scene.selection;
  const who = winnerOf(scene, unit);
  return {
    of: `${contest} ${source} ${place}`,
    heading: { title: unit.unit.name, subtitle: unit.contest.name },
    row: who ? written(scene, unit, who) : null,
    word: scene.t("wonWord"),
    by: called(scene, unit)?.by ?? "",
    margin: who && unit.lead?.leaders.some(({ candidate }) => candidate === who.candidate) ? margin(scene, unit) : null,
    counted: counted(scene, unit),
    origin: origin(scene),
  };
}

/**
 * Whom an editor has called, as the figures have them.
 * @param {Scene} scene
 * @param {UnitView} unit
 */
function winnerOf(scene, unit) {
  const call = callOf(scene.night, unit.contest.id, unit.unit.id);
  return call ? unit.ranked.find(({ candidate }) => candidate.id === call.candidate) : undefined;
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new Winner(tools);
}

class Winner {
  /** @param {Tools} tools */
  constructor({ t, format }) {
    this.format = format;
    this.heading = new Heading();
    this.face = new Face();
    this.word = make("b", { class: "won fit" });
    this.name = new Name();
    this.share = make("b", { class: "share" });
    this.votes = make("span", { class: "votes" });
    this.margin = new Margin({ t, format }, make("p", { class: "gap" }));
    this.by = make("p", { class: "calledBy fit" });
    this.counted = new Counted({ t, format });
    this.origin = new Origin();
    this.content = make(
      "div",
      { class: "content" },
      this.face.node,
      make("div", { class: "moment" }, this.heading.node, this.word, this.name.node),
      make("div", { class: "figures" }, this.share, this.votes, this.margin.node),
      this.by,
      make("div", { class: "feet" }, this.counted.node, this.origin.node),
    );
    this.node = make("section", { class: "panel winner" }, this.content);
  }

  /** @param {Model} model */
  draw(model) {
    const { row } = model;
    setAttribute(this.node, "data-called", row ? "" : null);
    this.heading.draw(model.heading);
    setStyle(this.node, "--hue", row?.hue ?? "transparent");
    this.face.draw(row);
    fit(this.word, row ? model.word : "");
    this.name.draw(row);
    setAttribute(this.node, "data-manual", row?.manual ? "" : null);
    setText(this.share, row?.share ?? "");
    showCount(this.votes, row?.votes ?? NaN, (votes) => (row ? this.format.count(votes) : ""), model.of);
    setAttribute(this.margin.node, "data-none", model.margin ? null : "");
    if (model.margin) this.margin.draw(model.margin, model.of);
    fit(this.by, model.by);
    this.counted.draw(model.counted, model.of);
    this.origin.draw(model.origin);
  }
}
