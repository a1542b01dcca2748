/**
 * The lower third: one district on one strip. Each step is the next of the list, or of its province by name.
 */

import { showCount } from "../countup.js";
import { make, setAttribute, setStyle, setText } from "../dom.js";
import { noSuch } from "./parameters.js";
import { called, counted, isBlank, margin, origin, written } from "./picture.js";
import { subscriptions } from "./stage.js";
import { Called, Counted, Face, Heading, Margin, Name, Origin } from "./widgets.js";

/** @import { OverlayTools, Row, Scene, Tools } from "./types.d.ts" */

const SHOWN = 2;

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene);

/**
 * Units to go through must be there.
 * @param {Scene} scene
 */
export function check({ election, options }) {
  return options.units
    .filter((id) => !election.unitById.has(id))
    .map((id) => noSuch("units", id, election.unitById.keys()));
}

/**
 * The selection so many steps further; after the last unit comes the first.
 * @param {Scene} scene
 * @param {number} steps
 */
export function walk({ election, selection, options, format }, steps) {
  const siblings = () =>
    [...election.children(election.scopeOf(selection.unit).id)]
      .sort((left, right) => format.compare(left.name, right.name))
      .map(({ id }) => id);
  const units = options.units.length ? options.units : siblings();
  return { unit: units[(units.indexOf(selection.unit) + steps) % units.length] ?? selection.unit };
}

/**
 * From counts to words.
 * @param {Scene} scene
 */
export function model(scene) {
  const unit = scene.unit();
  const { contest, source, unit: place } = scene.selection;
  return {
    of: `${contest} ${source} ${place}`,
    heading: { title: unit.unit.name, subtitle: unit.contest.name },
    call: called(scene, unit),
    rows: unit.ranked.slice(0, SHOWN).map((item) => written(scene, unit, item)),
    blank: isBlank(unit),
    margin: margin(scene, unit),
    counted: counted(scene, unit),
    origin: origin(scene),
  };
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new LowerThird(tools);
}

class LowerThird {
  /** @param {Tools} tools */
  constructor({ t, format }) {
    this.t = t;
    this.format = format;
    this.heading = new Heading();
    this.called = new Called();
    this.lines = Array.from({ length: SHOWN }, () => {
      const [name, face] = [new Name(), new Face()];
      const [share, votes] = [make("b", { class: "share" }), make("span", { class: "votes" })];
      const fill = make("span", { class: "fill" });
      return {
        name,
        face,
        share,
        votes,
        node: make(
          "div",
          { class: "line" },
          face.node,
          name.node,
          share,
          votes,
          make("span", { class: "track", "aria-hidden": "true" }, fill),
        ),
      };
    });
    this.margin = new Margin({ t, format }, make("div", { class: "between" }));
    this.counted = new Counted({ t, format });
    this.origin = new Origin();
    this.node = make(
      "section",
      { class: "panel lower-third" },
      make(
        "div",
        { class: "content" },
        make("div", { class: "top" }, this.heading.node, this.called.node),
        make("div", { class: "lines" }, ...this.lines.map(({ node }) => node)),
        this.margin.node,
        make("div", { class: "feet" }, this.counted.node, this.origin.node),
      ),
    );
  }

  /** @param {Model} model */
  draw(model) {
    this.heading.draw(model.heading);
    this.called.draw(model.call);
    setAttribute(this.node, "data-blank", model.blank ? "" : null);
    this.lines.forEach((line, index) => this.#line(line, model.rows[index], model.of));
    this.margin.draw(model.margin, model.of);
    this.counted.draw(model.counted, model.of);
    this.origin.draw(model.origin);
  }

  /**
   * @param {LowerThird["lines"][number]} line
   * @param {Row | undefined} row
   * @param {string} of
   */
  #line(line, row, of) {
    setAttribute(line.node, "data-none", row ? null : "");
    setAttribute(line.node, "data-candidate", row?.id ?? null);
    setAttribute(line.node, "data-manual", row?.manual ? "" : null);
    setAttribute(line.node, "data-leads", row?.leads ? "" : null);
    line.name.draw(row);
    line.face.draw(row);
    setText(line.share, row?.share ?? "");
    showCount(line.votes, row?.votes ?? NaN, this.format.count, `${of} ${row?.id}`);
    setStyle(line.node, "--hue", row?.hue ?? "transparent");
    setStyle(line.node, "--part", (row?.part ?? 0).toFixed(4));
  }
}
