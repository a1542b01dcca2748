/**
 * The district map: equal tiles where a resident expects them, or, where the gateway was given boundaries, the real
 * ones. Hue by leader, strength by margin, hatch below a tenth of the boxes, and always a label.
 */

import { make, makeSvg, setAttribute, setStyle, setText } from "../dom.js";
import { Legend } from "../legend.js";
import { shadeOf } from "../shade.js";
import { layoutOf, WATER_AFTER } from "../tiles.js";
import { layIn, matched } from "./geography.js";
import { counted, margin, origin, written } from "./picture.js";
import { subscriptions } from "./stage.js";
import { Counted, fit, Heading, Origin } from "./widgets.js";

/** @import { Area, Boundaries, Election, OverlayTools, Scene, Unit } from "./types.d.ts" */

const WIDTH = 1640;
const HEIGHT = 680;
const GAP = 6;
/** Width of a label's letters in pixels, about: what decides between name, code and nothing. */
const LETTER = 12.5;
/** Height of a line of them. */
const LINE = 24;
const SHORT_LABEL = 8;
const LEGEND_MOST = 5;

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene);

/**
 * From counts to shades and words.
 * @param {Scene} scene
 */
export function model(scene) {
  const { election, selection, view } = scene;
  const scope = election.scopeOf(selection.unit);
  const unit = scene.unit(scope.id);
  const parts = view.parts({ ...selection, unit: scope.id });
  const [first] = unit.ranked;
  return {
    scope: scope.id,
    heading: { title: scope.name, subtitle: unit.contest.name },
    leader: unit.lead ? written(scene, unit, first) : null,
    margin: margin(scene, unit),
    legend: view.leading(parts).slice(0, LEGEND_MOST),
    parts: parts.map((part) => ({ id: part.unit.id, name: part.unit.name, ...shadeOf(part, scene.t) })),
    counted: counted(scene, unit),
    origin: origin(scene, selection.source, scope.id),
  };
}

/**
 * Tiles as areas: {path, x, y, room, labels}, longest label first.
 * @param {string} scope
 * @param {readonly Unit[]} children
 */
function tileAreas(scope, children) {
  const layout = layoutOf(scope, children);
  if (!layout) return null;
  const places = [...layout.values()];
  const columns = Math.max(...places.map(({ column }) => column)) + 1.5;
  const rows = Math.max(...places.map(({ row }) => row)) + 1;
  const [across, down] = [WIDTH / columns, HEIGHT / rows];
  /** @type {Map<string, Area>} */
  const areas = new Map();
  for (const { id, name } of children) {
    const tile = layout.get(id);
    if (!tile) continue;
    const [x, y] = [(tile.column + (tile.column > WATER_AFTER ? 0.5 : 0)) * across, tile.row * down];
    const [width, height] = [across - GAP, down - GAP];
    const path = `M${x} ${y}h${width}v${height}h${-width}Z`;
    const labels = [name, tile.short, tile.code];
    areas.set(id, { path, x: x + width / 2, y: y + height / 2, room: width, tall: height, labels });
  }
  return areas;
}

/**
 * Real districts as areas.
 * @param {Boundaries} collection
 * @param {string} scope
 * @param {readonly Unit[]} children
 */
function boundaryAreas(collection, scope, children) {
  const features = matched(collection, scope, children);
  if (!features) return null;
  const codes = layoutOf(scope, children);
  const placed = layIn(features, { width: WIDTH, height: HEIGHT });
  /** @type {Map<string, Area>} */
  const areas = new Map();
  for (const { id, name } of children) {
    const place = placed.get(id);
    if (!place) continue;
    const { path, room } = place;
    const [x, y] = place.label;
    const tile = codes?.get(id);
    areas.set(id, { path, x, y, room, tall: 0, labels: tile ? [name, tile.short, tile.code] : [name] });
  }
  return areas;
}

/**
 * The label of each area: the longest that fits, and none where even the shortest would lie on a neighbour.
 * @param {ReadonlyMap<string, Area>} areas
 */
function labelled(areas) {
  /** @type {{ x: number, y: number, width: number }[]} */
  const taken = [];
  /** @param {{ x: number, y: number, width: number }} box */
  const clear = (box) =>
    taken.every(
      (other) => Math.abs(box.x - other.x) * 2 >= box.width + other.width + LETTER || Math.abs(box.y - other.y) >= LINE,
    );
  const roomiest = [...areas].sort(([, one], [, other]) => other.room - one.room);
  return new Map(
    roomiest.map(([id, { labels, room, x, y }]) => {
      const text =
        labels.find((label, index) => {
          const width = label.length * LETTER;
          return (width <= room || index === labels.length - 1) && clear({ x, y, width });
        }) ?? "";
      if (text) taken.push({ x, y, width: text.length * LETTER });
      return [id, text];
    }),
  );
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new DistrictMap(tools);
}

class DistrictMap {
  /** @type {Map<string, ReturnType<typeof newShape>>} */
  #shapes = new Map();
  /** @type {string | null} */
  #scope = null;
  /** @type {Boundaries | null} */
  #collection = null;

  /** @param {OverlayTools} overlayTools */
  constructor({ t, format, options, stage }) {
    this.t = t;
    this.format = format;
    this.options = options;
    this.stage = stage;
    this.heading = new Heading();
    this.lead = make("p", { class: "lead" });
    this.mark = make("span", { class: "mark" });
    this.name = make("span", { class: "name fit" });
    this.share = make("b", { class: "share" });
    this.gap = make("span", { class: "gap" });
    this.lead.append(this.mark, this.name, this.share, this.gap);
    this.legend = new Legend(format);
    this.svg = makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
    this.credit = make("span", { class: "credit", hidden: true });
    this.counted = new Counted({ t, format });
    this.origin = new Origin();
    this.node = make(
      "section",
      { class: "panel district-map" },
      make(
        "div",
        { class: "content" },
        make("div", { class: "top" }, this.heading.node, this.lead),
        make("div", { class: "picture" }, this.svg, this.credit),
        make(
          "div",
          { class: "key" },
          this.legend.node,
          make("p", { class: "swatches" }, ...["thin", "empty"].map((state) => swatch(state, t(`${state}Legend`)))),
        ),
        make("div", { class: "feet" }, this.counted.node, this.origin.node),
      ),
    );
    if (options.shape !== "tiles") this.#fetch();
  }

  /**
   * @param {Model} model
   * @param {Scene} scene
   */
  draw(model, scene) {
    if (this.#scope !== model.scope) this.#lay(model.scope, scene.election);
    this.heading.draw(model.heading);
    setAttribute(this.mark, "data-mark", model.leader && model.margin.state === "lead" ? model.leader.mark : "empty");
    setStyle(this.mark, "--hue", model.leader?.hue ?? "transparent");
    fit(this.name, (model.margin.state === "lead" && model.leader?.name) || model.margin.label);
    setText(this.share, model.leader?.share ?? "");
    setText(this.gap, model.margin.text && `${this.t("margin")} ${model.margin.text}`);
    for (const part of model.parts) this.#paint(part);
    this.legend.draw(model.legend);
    this.counted.draw(model.counted, model.scope);
    this.origin.draw(model.origin);
  }

  async #fetch() {
    try {
      this.#collection = await this.stage.night.boundaries();
    } catch (error) {
      console.warn(`sandik: the boundaries cannot be read (${error}); tiles are drawn.`);
    }
    if (!this.#collection) return;
    this.#scope = null;
    this.stage.redraw();
  }

  /**
   * @param {string} scope
   * @param {Election} election
   */
  #lay(scope, election) {
    this.#scope = scope;
    this.#shapes.clear();
    this.svg.replaceChildren();
    const children = election.children(scope);
    const real = this.#collection && boundaryAreas(this.#collection, scope, children);
    const areas = real ?? tileAreas(scope, children);
    this.credit.hidden = !real;
    setText(this.credit, real ? (this.#collection?.attribution ?? this.t("osm")) : "");
    setAttribute(this.node, "data-shape", real ? "boundaries" : areas ? "tiles" : "none");
    if (!areas) console.warn(`sandik: ${this.t("noMap")}`);
    const [defs, shapes, labels] = [makeSvg("defs"), makeSvg("g"), makeSvg("g")];
    this.svg.append(defs, shapes, labels);
    const texts = labelled(areas ?? new Map());
    for (const [index, [id, area]] of [...(areas ?? [])].entries()) {
      const shape = newShape(area, `hatch-${index}`, id, texts.get(id) ?? "");
      defs.append(shape.pattern);
      shapes.append(shape.path);
      labels.append(shape.label, ...(shape.winner ? [shape.winner] : []));
      this.#shapes.set(id, shape);
    }
  }

  /** @param {Model["parts"][number]} part */
  #paint(part) {
    const shape = this.#shapes.get(part.id);
    if (!shape) return;
    const fill = part.state === "solid" ? part.fill : part.state === "thin" ? shape.hatch : "";
    setAttribute(shape.path, "data-state", part.state);
    setAttribute(shape.label, "data-state", part.state);
    setStyle(shape.path, "fill", fill ?? "");
    setStyle(shape.path, "stroke", (part.state === "thin" && part.hue) || "");
    if (part.pale) setAttribute(shape.stripe, "fill", part.pale);
    const ink = (part.state === "solid" && part.ink) || "";
    setStyle(shape.label, "fill", ink);
    setStyle(shape.label, "stroke", shape.winner ? "" : (part.fill ?? "")); // a label may be wider than its district
    if (!shape.winner) return;
    setAttribute(shape.winner, "data-state", part.state);
    setStyle(shape.winner, "fill", ink);
    setText(shape.winner, part.winner);
  }
}

/**
 * What a shade without a hue of its own means.
 * @param {string} state
 * @param {string} text
 */
function swatch(state, text) {
  return make("span", {}, make("i", { class: "swatch", "data-state": state, "aria-hidden": "true" }), text);
}

/**
 * @param {Area} area
 * @param {string} hatch the id of its pattern
 * @param {string} unit
 * @param {string} text
 */
function newShape(area, hatch, unit, text) {
  const pattern = makeSvg("pattern", {
    id: hatch,
    width: 12,
    height: 12,
    patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(-45)",
  });
  const stripe = makeSvg("rect", { width: 12, height: 5 });
  pattern.append(makeSvg("rect", { width: 12, height: 12, class: "ground" }), stripe);
  const path = makeSvg("path", { d: area.path, "data-unit": unit });
  const label = makeSvg("text", { x: area.x, y: area.y + (area.tall ? -6 : 7) });
  label.textContent = text;
  if (text.length > SHORT_LABEL) label.setAttribute("class", "long");
  const winner = area.tall ? makeSvg("text", { x: area.x, y: area.y + 26, class: "winner" }) : null;
  return { pattern, path, label, winner, stripe, hatch: `url(#${hatch})` };
}
