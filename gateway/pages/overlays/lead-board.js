/**
 * The lead board: the first candidates of one unit with bars, the margin, the boxes opened, and how old it all is.
 */

import { showCount } from "../countup.js";
import { make, setAttribute, setStyle, setText } from "../dom.js";
import { Memo } from "../memo.js";
import { SlidingList } from "../slide.js";
import { called, counted, isBlank, margin, origin, remainder, written } from "./picture.js";
import { subscriptions } from "./stage.js";
import { Called, Counted, Face, Heading, Margin, Name, Origin } from "./widgets.js";

/** @import { OverlayTools, Scene } from "./types.d.ts" */

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene);

/**
 * From counts to words.
 * @param {Scene} scene
 */
export function model(scene) {
  const unit = scene.unit();
  const shown = unit.ranked.slice(0, scene.options.rows);
  const { contest, source, unit: place } = scene.selection;
  return {
    of: `${contest} ${source} ${place}`,
    heading: { title: unit.unit.name, subtitle: unit.contest.name },
    call: called(scene, unit),
    rows: unit.ranked.map((item) => written(scene, unit, item)),
    first: shown.map((item) => item.candidate.id),
    ...remainder(
      scene,
      unit,
      shown.map((item) => item.candidate.id),
    ),
    margin: margin(scene, unit),
    counted: counted(scene, unit),
    origin: origin(scene),
    empty: !unit.entry,
    blank: isBlank(unit),
  };
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new LeadBoard(tools);
}

class LeadBoard {
  #rows = new Memo(newRow);
  /** @type {string | null} */
  #of = null;
  #empty = true;
  /** @type {Model | null} */
  #latest = null;

  /** @param {OverlayTools} overlayTools */
  constructor({ t, format, options, stage }) {
    this.t = t;
    this.format = format;
    const tools = { t, format };
    this.heading = new Heading();
    this.called = new Called();
    this.list = make("ol", { class: "rows" });
    this.lines = new SlidingList(
      this.list,
      (id) => this.#rows.get(id).node,
      () => this.#write(),
      () => stage.scale(),
    );
    this.others = rest();
    this.unattributed = rest();
    this.margin = new Margin(tools, make("p", { class: "gap" }));
    this.counted = new Counted(tools);
    this.origin = new Origin();
    this.node = make(
      "section",
      { class: "panel lead-board", "data-side": options.side, "data-rows": options.rows > 5 ? "many" : "few" },
      make(
        "div",
        { class: "content" },
        make("div", { class: "top" }, this.heading.node, this.called.node),
        this.list,
        make("div", { class: "rest" }, this.others.node, this.unattributed.node),
        this.margin.node,
        make("div", { class: "feet" }, this.counted.node, this.origin.node),
      ),
    );
    this.node.style.setProperty("--rows", String(options.rows));
  }

  /** @param {Model} model */
  draw(model) {
    this.#latest = model;
    this.heading.draw(model.heading);
    this.called.draw(model.call);
    if (this.#of !== model.of || this.#empty) this.lines.jump(model.first);
    else this.lines.want(model.first);
    setAttribute(this.node, "data-blank", model.blank ? "" : null);
    this.#of = model.of;
    this.#empty = model.empty;
    this.#write();
    this.#others(this.others, model.others, model.of);
    this.#others(this.unattributed, model.unattributed, model.of);
    setAttribute(this.node, "data-lead", model.margin.state);
    this.margin.draw(model.margin, model.of);
    this.counted.draw(model.counted, model.of);
    this.origin.draw(model.origin);
  }

  #write() {
    const model = this.#latest;
    if (!model) return;
    const byId = new Map(model.rows.map((row) => [row.id, row]));
    const widest = Math.max(...model.rows.map((row) => row.part), 0.0001);
    for (const id of this.lines.shown) {
      const [line, row] = [this.#rows.get(id), byId.get(id)];
      if (!row) continue;
      setText(line.rank, row.rank);
      line.name.draw(row);
      line.face.draw(row);
      setText(line.share, row.share);
      line.share.dataset.value = String(row.points ?? "");
      showCount(line.votes, row.votes, this.format.count, model.of);
      setAttribute(line.node, "data-manual", row.manual ? "" : null);
      setAttribute(line.node, "data-leads", row.leads ? "" : null);
      setStyle(line.node, "--hue", row.hue);
      setStyle(line.node, "--part", (row.part / widest).toFixed(4));
    }
  }

  /**
   * @param {ReturnType<typeof rest>} line
   * @param {Model["others"]} rest
   * @param {string} of
   */
  #others(line, rest, of) {
    setAttribute(line.node, "data-none", rest ? null : "");
    setText(line.label, rest?.label ?? "");
    setText(line.share, rest?.share ?? "");
    showCount(line.votes, rest?.votes ?? NaN, (votes) => (rest ? this.format.count(votes) : ""), of);
  }
}

function rest() {
  const [label, share, votes] = [
    make("span", { class: "what" }),
    make("span", { class: "share" }),
    make("span", { class: "votes" }),
  ];
  return { node: make("p", {}, label, share, votes), label, share, votes };
}

/** @param {string} id */
function newRow(id) {
  const [rank, name, face] = [make("span", { class: "rank" }), new Name(), new Face()];
  const [share, votes] = [make("b", { class: "share" }), make("span", { class: "votes" })];
  const node = make(
    "li",
    { "data-candidate": id },
    rank,
    face.node,
    name.node,
    share,
    votes,
    make("span", { class: "track", "aria-hidden": "true" }, make("span", { class: "fill" })),
  );
  return { node, rank, face, name, share, votes };
}
