/**
 * The lead board: the first candidates of one unit with bars, the margin, the boxes opened, and how old it all is.
 */

import { show } from "../countup.js";
import { make, order, paint, put, say } from "../dom.js";
import { Order, slide, tops } from "../slide.js";
import { Called, Counted, fit, Heading, Name, Origin } from "./furniture.js";
import { choice, whole } from "./parameters.js";
import { called, counted, margin, origin, remainder, written } from "./picture.js";
import { Stage, subscriptions } from "./stage.js";

export const title = "Lead board";
export const parameters = { rows: whole(1, 8, 5), side: choice("left", "right") };

export const needs = (scene) => subscriptions(scene);

/** From counts to words. */
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
  };
}

export function create({ t, format, options }) {
  return new LeadBoard({ t, format, options });
}

class LeadBoard {
  #rows = new Map();
  #order = new Order(() => this.#reorder());
  #of = null;
  #empty = true;
  #latest = null;

  constructor({ t, format, options }) {
    Object.assign(this, { t, format });
    const tools = { t, format };
    this.heading = new Heading();
    this.called = new Called();
    this.list = make("ol", { class: "rows" });
    this.others = rest();
    this.unattributed = rest();
    this.gapLabel = make("span", { class: "what fit" });
    this.gapVotes = make("b", { class: "gapVotes" });
    this.gapPoints = make("b", { class: "gapPoints" });
    this.counted = new Counted(tools);
    this.origin = new Origin(tools);
    const gap = make(
      "p",
      { class: "gap" },
      this.gapLabel,
      make("span", { class: "figure" }, this.gapVotes, make("span", { class: "unit", text: t("votesWord") })),
      make("span", { class: "figure" }, this.gapPoints, make("span", { class: "unit", text: t("pointsWord") })),
    );
    this.node = make(
      "section",
      { class: "panel lead-board", "data-side": options.side, "data-rows": options.rows > 5 ? "many" : "few" },
      make(
        "div",
        { class: "content" },
        make("div", { class: "top" }, this.heading.node, this.called.node),
        this.list,
        make("div", { class: "rest" }, this.others.node, this.unattributed.node),
        gap,
        this.counted.node,
        this.origin.node,
      ),
    );
    this.node.style.setProperty("--rows", String(options.rows));
  }

  draw(model) {
    this.#latest = model;
    this.heading.draw(model.heading);
    this.called.draw(model.call);
    if (this.#of !== model.of || this.#empty) {
      this.#order.jump(model.first);
      this.#place();
    } else this.#order.want(model.first);
    this.#of = model.of;
    this.#empty = model.empty;
    this.#write();
    this.#others(this.others, model.others);
    this.#others(this.unattributed, model.unattributed);
    put(this.node, "data-lead", model.margin.state);
    fit(this.gapLabel, model.margin.label);
    show(this.gapVotes, model.margin.votes, this.format.count, model.of);
    say(this.gapPoints, model.margin.points);
    this.counted.draw(model.counted, model.of);
    this.origin.draw(model.origin);
  }

  #reorder() {
    const before = tops(this.list);
    this.#place();
    this.#write();
    slide(before, Stage.scale());
  }

  #place() {
    order(
      this.list,
      this.#order.shown.map((id) => this.#row(id).node),
    );
  }

  #write() {
    const byId = new Map(this.#latest.rows.map((row) => [row.id, row]));
    const widest = Math.max(...this.#latest.rows.map((row) => row.part), 0.0001);
    for (const id of this.#order.shown) {
      const [line, row] = [this.#row(id), byId.get(id)];
      say(line.rank, row.rank);
      line.name.draw(row);
      say(line.share, row.share);
      line.share.dataset.value = String(row.points ?? "");
      show(line.votes, row.votes, this.format.count, this.#latest.of);
      put(line.node, "data-manual", row.manual ? "" : null);
      put(line.node, "data-leads", row.leads ? "" : null);
      paint(line.node, "--hue", row.hue);
      paint(line.node, "--part", (row.part / widest).toFixed(4));
    }
  }

  #row(id) {
    if (!this.#rows.has(id)) {
      const [rank, name] = [make("span", { class: "rank" }), new Name()];
      const [share, votes] = [make("b", { class: "share" }), make("span", { class: "votes" })];
      const node = make(
        "li",
        { "data-candidate": id },
        rank,
        name.node,
        share,
        votes,
        make("span", { class: "track", "aria-hidden": "true" }, make("span", { class: "fill" })),
      );
      this.#rows.set(id, { node, rank, name, share, votes });
    }
    return this.#rows.get(id);
  }

  #others(line, rest) {
    put(line.node, "data-none", rest ? null : "");
    say(line.label, rest?.label ?? "");
    say(line.share, rest?.share ?? "");
    show(line.votes, rest?.votes ?? NaN, (votes) => (rest ? this.format.count(votes) : ""), this.#latest.of);
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
