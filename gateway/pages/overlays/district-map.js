/**
 * The district map: equal tiles where a resident expects them, or, where the gateway was given boundaries, the real
 * ones. Hue by leader, strength by margin, hatch below a tenth of the boxes, and a label wherever there is room for
 * one. What is too small for labels is drawn larger in an inset.
 */

import { make, makeSvg, setAttribute, setStyle, setText } from "../dom.js";
import { Legend } from "../legend.js";
import { shadeOf } from "../shade.js";
import { around, boundaryAreas, tileAreas } from "./areas.js";
import { pathOf } from "./geography.js";
import { crowdedWindow, drawn, LARGEST, windowAround } from "./inset.js";
import { noSuch } from "./parameters.js";
import { counted, margin, origin, written } from "./picture.js";
import { subscriptions } from "./stage.js";
import { Counted, fit, Heading, Origin } from "./widgets.js";

/** @import { Area, Boundaries, Box, Election, Label, OverlayTools, Scene } from "./types.d.ts" */

const PICTURE = { width: 1640, height: 680 };
/** A tile has a second line, for who leads, from this size on. */
const TWO_LINES = { width: 90, height: 60 };
const SHORT_LABEL = 8;
const LEGEND_MOST = 5;
/** An inset where the boundaries make it obvious, and none. */
const [AUTO, NONE] = ["auto", "none"];

/**
 * The unit that an inset is asked for; null where none is named.
 * @param {Pick<Scene, "options">} scene
 */
const insetUnit = ({ options }) => ([AUTO, NONE, ""].includes(options.inset) ? null : options.inset);

/**
 * Figures of the scope and its parts, and of the parts of a unit in the inset.
 * @param {Scene} scene
 */
export function needs(scene) {
  const inset = insetUnit(scene);
  return subscriptions(scene).map((one) => ({
    ...one,
    units: [...one.units, ...(inset ? scene.election.patterns(inset) : [])],
  }));
}

/**
 * A unit in the inset must be on the map.
 * @param {Scene} scene
 */
export function check(scene) {
  const { election, selection } = scene;
  const inset = insetUnit(scene);
  const known = [...election.children(election.scopeOf(selection.unit).id).map(({ id }) => id), AUTO, NONE];
  return inset && !known.includes(inset) ? [noSuch("inset", inset, known)] : [];
}

/**
 * From counts to shades and words.
 * @param {Scene} scene
 */
export function model(scene) {
  const { election, selection, view } = scene;
  const scope = election.scopeOf(selection.unit);
  const unit = scene.unit(scope.id);
  const parts = view.parts({ ...selection, unit: scope.id });
  const inset = insetUnit(scene);
  const inside = inset && election.children(inset).length ? view.parts({ ...selection, unit: inset }) : [];
  const [first] = unit.ranked;
  return {
    scope: scope.id,
    heading: { title: scope.name, subtitle: unit.contest.name },
    leader: unit.lead ? written(scene, unit, first) : null,
    margin: margin(scene, unit),
    legend: view.leading(parts).slice(0, LEGEND_MOST),
    parts: [...parts, ...inside].map((part) => ({ id: part.unit.id, name: part.unit.name, ...shadeOf(part, scene.t) })),
    counted: counted(scene, unit),
    origin: origin(scene, selection.source, scope.id),
  };
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new DistrictMap(tools);
}

class DistrictMap {
  /**
   * By unit: one that is in an inset too has two.
   * @type {Map<string, ReturnType<typeof newShape>[]>}
   */
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
    this.svg = makeSvg("svg", { viewBox: `0 0 ${PICTURE.width} ${PICTURE.height}` });
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
    const areas = this.#areas(scope, election, PICTURE);
    const isReal = [...(areas?.values() ?? [])].some(({ tall }) => tall === 0);
    this.credit.hidden = !isReal;
    setText(this.credit, isReal ? (this.#collection?.attribution ?? this.t("osm")) : "");
    setAttribute(this.node, "data-shape", isReal ? "boundaries" : areas ? "tiles" : "none");
    if (!areas) console.warn(`sandik: ${this.t("noMap")}`);
    if (!areas) return;
    const inset = this.#inset(areas, isReal, election);
    this.#append(drawn(areas, inset, PICTURE), inset?.title ?? "");
  }

  /**
   * The parts of a unit as areas: by their boundaries, or as tiles; null where there is neither.
   * @param {string} unit
   * @param {Election} election
   * @param {{ width: number, height: number }} size
   */
  #areas(unit, election, size) {
    const children = election.children(unit);
    const real = this.#collection && boundaryAreas(this.#collection, unit, children, size);
    return real ?? tileAreas(unit, children, size);
  }

  /**
   * What the inset shows: the window on the map and, of a unit that has parts, the map of those.
   * @param {ReadonlyMap<string, Area>} areas
   * @param {boolean} isReal whether the map has boundaries; of equal tiles none is too small
   * @param {Election} election
   */
  #inset(areas, isReal, election) {
    const unit = insetUnit(this);
    const place = unit && areas.get(unit);
    if (!unit || !place) {
      const window = isReal && this.options.inset !== NONE ? crowdedWindow(areas) : null;
      return window && { window };
    }
    const own = election.children(unit).length ? this.#areas(unit, election, LARGEST) : null;
    if (own) return { window: around([place]), own, title: election.unit(unit).name };
    return isReal ? { window: windowAround(place) } : null;
  }

  /**
   * @param {ReturnType<typeof drawn>} map
   * @param {string} title
   */
  #append({ areas, labels, inset }, title) {
    const [defs, names] = [makeSvg("defs"), makeSvg("g")];
    this.svg.append(defs, this.#group(areas, labels, defs, names));
    if (inset) this.svg.append(...this.#framed(inset, title, defs, names));
    this.svg.append(names);
  }

  /**
   * The shapes of areas; their patterns and labels are appended where those are.
   * @param {ReadonlyMap<string, Area>} areas
   * @param {ReadonlyMap<string, Label>} labels
   * @param {SVGElement} defs
   * @param {SVGElement} names
   */
  #group(areas, labels, defs, names) {
    const group = makeSvg("g");
    for (const [id, area] of areas) {
      const shape = newShape(area, `hatch-${defs.childElementCount}`, id, labels.get(id));
      defs.append(shape.pattern);
      group.append(shape.path);
      names.append(shape.label, ...(shape.winner ? [shape.winner] : []));
      this.#shapes.set(id, [...(this.#shapes.get(id) ?? []), shape]);
    }
    return group;
  }

  /**
   * The inset in its frame, with the window on the map and the line between them.
   * @param {NonNullable<ReturnType<typeof drawn>["inset"]>} inset
   * @param {string} title
   * @param {SVGElement} defs
   * @param {SVGElement} names
   */
  #framed({ areas, labels, frame, from, line }, title, defs, names) {
    const clip = makeSvg("clipPath", { id: "inset" });
    clip.append(makeSvg("rect", { ...frame }));
    defs.append(clip);
    const group = this.#group(areas, labels, defs, names);
    group.setAttribute("clip-path", "url(#inset)");
    const [[x1, y1], [x2, y2]] = [line.start, line.end];
    if (title) names.append(titled(title, frame));
    return [
      makeSvg("rect", { ...frame, class: "inset-ground" }),
      group,
      makeSvg("line", { x1, y1, x2, y2, class: "inset-line" }),
      makeSvg("rect", { ...from, class: "inset-frame" }),
      makeSvg("rect", { ...frame, class: "inset-frame" }),
    ];
  }

  /** @param {Model["parts"][number]} part */
  #paint(part) {
    for (const shape of this.#shapes.get(part.id) ?? []) paint(shape, part);
  }
}

/**
 * @param {ReturnType<typeof newShape>} shape
 * @param {Model["parts"][number]} part
 */
function paint(shape, part) {
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

/**
 * What a shade without a hue of its own means.
 * @param {string} state
 * @param {string} text
 */
function swatch(state, text) {
  return make("span", {}, make("i", { class: "swatch", "data-state": state, "aria-hidden": "true" }), text);
}

/**
 * The name of a unit above its own map.
 * @param {string} text
 * @param {Box} frame
 */
function titled(text, { x, y, width }) {
  const title = makeSvg("text", { x: x + width / 2, y: y + 26, class: "title" });
  title.textContent = text;
  return title;
}

/**
 * @param {Area} area
 * @param {string} hatch the id of its pattern
 * @param {string} unit
 * @param {Label} [written]
 */
function newShape(area, hatch, unit, written) {
  const pattern = makeSvg("pattern", {
    id: hatch,
    width: 12,
    height: 12,
    patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(-45)",
  });
  const stripe = makeSvg("rect", { width: 12, height: 5 });
  pattern.append(makeSvg("rect", { width: 12, height: 12, class: "ground" }), stripe);
  const path = makeSvg("path", { d: pathOf(area.rings), "data-unit": unit });
  const hasTwo = area.tall >= TWO_LINES.height && area.room >= TWO_LINES.width;
  const { text, x, y } = written ?? { text: "", x: area.x, y: area.y };
  const label = makeSvg("text", { x, y: y + (hasTwo ? -6 : 7) });
  label.textContent = text;
  if (text.length > SHORT_LABEL) label.setAttribute("class", "long");
  const winner = hasTwo ? makeSvg("text", { x, y: y + 26, class: "winner" }) : null;
  return { pattern, path, label, winner, stripe, hatch: `url(#${hatch})` };
}
