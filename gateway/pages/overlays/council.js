/**
 * The council's hemicycle: seats as they would be from the votes counted so far, said to be that and no more.
 */

import { make, makeSvg, setAttribute, setText } from "../dom.js";
import { houseOf, majorityOf } from "./house.js";
import { counted, origin, written } from "./picture.js";
import { hemicycle } from "./seats.js";
import { subscriptions } from "./stage.js";
import { Counted, fit, Heading, Name, Origin } from "./widgets.js";

export { check } from "./house.js";

/** @import { OverlayTools, Scene, Tools } from "./types.d.ts" */

/** Rows of the list; the rest is told with its sum. */
const LISTED = 6;
const WIDTH = 1000;
const HEIGHT = 560;
/** How far the line of the majority reaches beyond the arcs. */
const BEYOND = 0.1;

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene);

/**
 * From counts to seats.
 * @param {Scene} scene
 */
export function model(scene) {
  const { t, format, selection } = scene;
  const unit = scene.unit();
  const { seats, open, lots, total, parts, law, title, sumOf } = houseOf(scene);
  const seatsOf = (/** @type {string} */ id) => seats.get(id) ?? 0;
  const rows = unit.ranked
    .map((item) => written(scene, unit, item))
    .filter(({ id }) => seatsOf(id) > 0)
    .map(({ id, name, mark, hue, share, votes }) => ({
      id,
      name,
      mark,
      hue,
      party: `${share} · ${t("votes", { n: format.count(votes) })}`,
      seats: seatsOf(id),
    }))
    .sort((left, right) => right.seats - left.seats);
  return {
    heading: { title: unit.unit.name, subtitle: t(title, { n: format.count(total) }) },
    total,
    majority: majorityOf(total),
    rows,
    open,
    empty: !unit.entry,
    seatsOf: parts > 1 ? t(sumOf, { n: format.count(parts) }) : "",
    projected: t("projected"),
    law: [law, lots && unit.entry ? t("openSeats", { n: format.count(lots) }) : ""].filter(Boolean).join(" · "),
    place: selection.unit,
    counted: counted(scene, unit),
    origin: origin(scene),
  };
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new Council(tools);
}

class Council {
  #key = "";
  /** @type {{ seat: SVGElement, disc: SVGElement, mark: SVGElement }[]} */
  #seats = [];

  /** @param {Tools} tools */
  constructor({ t, format }) {
    this.t = t;
    this.format = format;
    this.heading = new Heading();
    this.svg = makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
    this.lines = Array.from({ length: LISTED }, () => {
      const [name, many] = [new Name(), make("b", { class: "seats" })];
      return { name, many, node: make("li", {}, name.node, many) };
    });
    this.majority = make("p", { class: "majority" });
    this.projected = make("p", { class: "projected" });
    this.law = make("p", { class: "law fit" });
    this.counted = new Counted({ t, format });
    this.origin = new Origin();
    this.node = make(
      "section",
      { class: "panel council" },
      make(
        "div",
        { class: "content" },
        this.heading.node,
        this.projected,
        make(
          "div",
          { class: "house" },
          make("div", { class: "hemicycle" }, this.svg, this.majority),
          make("ol", {}, ...this.lines.map(({ node }) => node)),
        ),
        this.law,
        make("div", { class: "feet" }, this.counted.node, this.origin.node),
      ),
    );
  }

  /** @param {Model} model */
  draw(model) {
    this.heading.draw(model.heading);
    if (this.#key !== `${model.place} ${model.total}`) this.#lay(model.total);
    this.#key = `${model.place} ${model.total}`;
    const hues = model.rows.flatMap((row) => Array.from({ length: row.seats }, () => row));
    setAttribute(this.node, "data-thin", model.counted.thin ? "" : null);
    this.#seats.forEach((seat, index) => this.#sit(seat, hues[index]));
    this.lines.forEach((line, index) => this.#line(line, model, index));
    setText(this.majority, this.t("majority", { n: this.format.count(model.majority) }));
    setText(this.projected, [model.projected, model.seatsOf].filter(Boolean).join(" "));
    fit(this.law, model.law);
    this.counted.draw(model.counted, model.place);
    this.origin.draw(model.origin);
  }

  /** @param {number} total */
  #lay(total) {
    const { places, radii, radius } = hemicycle(total);
    const scale = WIDTH / 2 / (1 + radius);
    const floor = HEIGHT - radius * scale;
    const size = (radius * scale).toFixed(2);
    const arcs = radii.map((one) => {
      const [at, left] = [(one * scale).toFixed(1), (WIDTH / 2 - one * scale).toFixed(1)];
      const d = `M${left} ${floor.toFixed(1)}a${at} ${at} 0 0 1 ${(2 * one * scale).toFixed(1)} 0`;
      return makeSvg("path", { d, class: "arc" });
    });
    this.#seats = places.map(({ x, y }) => {
      const [left, top] = [(WIDTH / 2 + x * scale).toFixed(1), (floor - y * scale).toFixed(1)];
      const [disc, mark] = [
        makeSvg("path", { d: SHAPES[5] }),
        makeSvg("path", { class: "of", transform: "scale(.46)" }),
      ];
      const seat = makeSvg("g", { transform: `translate(${left} ${top}) scale(${size})` });
      seat.append(disc, mark);
      return { seat, disc, mark };
    });
    const line = majorityLine(
      places.map(({ angle }) => angle),
      { scale, floor, inner: radii[0] },
    );
    this.svg.replaceChildren(...arcs, ...(line ? [line] : []), ...this.#seats.map(({ seat }) => seat));
  }

  /**
   * @param {{ disc: SVGElement, mark: SVGElement }} seat
   * @param {Model["rows"][number] | undefined} party
   */
  #sit({ disc, mark }, party) {
    setAttribute(disc, "fill", party ? party.hue : "var(--track)");
    setAttribute(disc, "data-party", party?.id ?? "");
    setAttribute(mark, "d", party ? (SHAPES[party.mark] ?? SHAPES.none) : "");
  }

  /**
   * @param {Council["lines"][number]} line
   * @param {Model} model
   * @param {number} index
   */
  #line(line, { rows, open, empty }, index) {
    const last = index === LISTED - 1 && rows.length > LISTED;
    const row = last ? null : rows[index];
    const rest = last ? rows.slice(index).reduce((sum, one) => sum + one.seats, 0) : 0;
    const undecided = !row && !last && index === rows.length && open > 0;
    setAttribute(line.node, "data-none", row || last || undecided ? null : "");
    line.name.draw(
      row ??
        (last
          ? { name: this.t("othersMany"), mark: "empty" }
          : undecided
            ? { name: this.t(empty ? "noBoxes" : "undecided"), mark: "empty" }
            : null),
    );
    setText(
      line.many,
      row ? this.format.count(row.seats) : last ? this.format.count(rest) : undecided ? this.format.count(open) : "",
    );
  }
}

/**
 * The line that whoever fills seats from the left has to reach for a majority; none in a house of one.
 * @param {readonly number[]} angles from left to right
 * @param {{ scale: number, floor: number, inner: number }} drawn
 */
function majorityLine(angles, { scale, floor, inner }) {
  const first = Math.floor(angles.length / 2);
  if (angles.length < 2) return null;
  const angle = (angles[first] + (angles[first + 1] ?? angles[first])) / 2;
  const [from, to] = [inner - BEYOND, 1 + BEYOND].map((radius) => ({
    x: (WIDTH / 2 + radius * scale * Math.cos(angle)).toFixed(1),
    y: (floor - radius * scale * Math.sin(angle)).toFixed(1),
  }));
  return makeSvg("line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y, class: "needed" });
}

/**
 * A party's mark as a seat, in a square from -1 to 1: the same shapes as in tokens.css.
 * @type {Readonly<Record<string, string>>}
 */
const SHAPES = {
  0: "M-.85-.85H.85V.85H-.85Z",
  1: "M0-1L1 .9H-1Z",
  2: "M0-1L1 0L0 1L-1 0Z",
  3: "M-1-.9H1L0 1Z",
  4: "M-.35-1H.35V-.35H1V.35H.35V1H-.35V.35H-1V-.35H-.35Z",
  5: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1 -1 0Z",
  6: "M-.5-.9H.5L1 0L.5 .9H-.5L-1 0Z",
  7: "M-1-.5H1V.5H-1Z",
  none: "M-.95 0A.95 .95 0 1 1 .95 0A.95 .95 0 1 1 -.95 0M-.55 0A.55 .55 0 1 0 .55 0A.55 .55 0 1 0 -.55 0Z",
  open: "M-.8 0A.8 .8 0 1 1 .8 0A.8 .8 0 1 1 -.8 0Z",
};
