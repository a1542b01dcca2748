/**
 * The lead over time: how far one of two candidates was ahead of the other in the course of the night, by two sources
 * on one axis. Above the zero line the one leads, below it the other.
 */

import { wholeOf } from "../claims.js";
import { make, makeSvg, setAttribute, setStyle } from "../dom.js";
import { counted, isBlank, origin } from "./picture.js";
import { compared } from "./sources.js";
import { subscriptions } from "./stage.js";
import { Counted, fit, Heading, Name, Origin } from "./widgets.js";

export { check } from "./sources.js";

/** @import { CoursePoint, Entry, OverlayTools, Scene, Source, UnitView } from "./types.d.ts" */

const MOST_SOURCES = 2;
const MINUTE_MS = 60_000;
/** The axis is at least so long: what happened in a minute is no course. */
const LEAST_SPAN_MS = 10 * MINUTE_MS;
/** So much of the reach is shown on either side of zero at least, so that both have a name. */
const LEAST_SIDE = 0.3;
/** Room beyond the largest value, as a part of it. */
const ROOM = 1.1;
/** The reach is at least this: a race in which little lies between shows little. */
const LEAST_REACH = { points: 1, votes: 1_000 };
/** No source is silent for so long in a night: figures that old are of another clock, and there is no now. */
const DAY_MS = 24 * 60 * MINUTE_MS;
const TICK_MINUTES = [2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720];
const MOST_TICKS = 7;
const MOST_LEVELS = 5;
/** Labels at the line ends are at least so far apart, as a part of the plot's height; of a low one it is more. */
const LABELS_APART = 0.16;
const LABELS_APART_LOW = 0.22;

/** @param {Pick<Scene, "election" | "options">} scene */
const sourcesOf = (scene) => compared(scene).slice(0, MOST_SOURCES);

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene, sourcesOf(scene));

/** @typedef {{ at: number, value: number | null }} Value in milliseconds since 1970; null where nobody knows */
/** @typedef {{ source: Source, values: Value[] }} Line */

/**
 * From counts to words. The candidates are the first two of the source that has opened most boxes.
 * @param {Scene} scene
 */
export function model(scene) {
  const { selection, t, night, options } = scene;
  const units = sourcesOf(scene).map((source) => scene.unit(selection.unit, source));
  const fullest = units.reduce((best, one) =>
    (one.entry?.boxes_opened ?? -1) > (best.entry?.boxes_opened ?? -1) ? one : best,
  );
  const measure = options.measure === "votes" ? "votes" : "points";
  const pair = isBlank(fullest) ? [] : fullest.ranked.slice(0, 2).map(({ candidate }) => candidate);
  const told = night.leadOverTime(selection) ?? [];
  const lines = units.map((unit) => ({
    source: unit.source,
    values: valuesOf(told.find(({ source }) => source === unit.source.id)?.points ?? [], unit.entry, pair, measure),
  }));
  const now = Date.parse(night.replay?.clock ?? night.serverTime ?? "");
  const isDrawn = pair.length === 2 && lines.some(({ values }) => values.length > 1);
  const { contest, unit } = fullest;
  return {
    of: `${selection.contest} ${selection.unit}`,
    heading: { title: unit.name, subtitle: `${contest.name} · ${t("leadOverTime", { measure: t(`${measure}Word`) })}` },
    sides: pair.map((candidate) => ({
      name: `${candidate.name} ${t("leads")}`,
      mark: candidate.mark,
      hue: fullest.hue(candidate),
    })),
    chart: isDrawn
      ? chartOf(scene, lines, measure, now, options.size === "third" ? LABELS_APART_LOW : undefined)
      : null,
    none: t(isBlank(fullest) ? (fullest.entry?.boxes_opened ? "nobody" : "noBoxes") : "noCourse"),
    feet: units.map((one) => ({
      source: one.source.id,
      counted: counted(scene, one),
      origin: origin(scene, one.source.id),
    })),
  };
}

/** @typedef {ReturnType<typeof model>} Model */

/**
 * By how much the first of the pair was ahead of the second; the last value is what is on air now.
 * @param {readonly CoursePoint[]} points
 * @param {Entry | undefined} entry
 * @param {readonly { id: string }[]} pair
 * @param {"points" | "votes"} measure
 * @returns {Value[]}
 */
export function valuesOf(points, entry, pair, measure) {
  if (!entry || pair.length < 2) return [];
  const [first, second] = pair.map(({ id }) => id);
  /** @param {Pick<CoursePoint, "as_of" | "of" | "votes">} point */
  const leadAt = ({ as_of: asOf, of, votes }) => {
    const ahead = of > 0 ? votes[first] - votes[second] : NaN; // not a number where one of them was not among the first
    const value = measure === "votes" ? ahead : (ahead * 100) / of;
    return { at: Date.parse(asOf), value: Number.isFinite(value) ? value : null };
  };
  const now = leadAt({ as_of: entry.as_of, of: wholeOf(entry), votes: { [first]: 0, [second]: 0, ...entry.votes } });
  return [...points.map(leadAt).filter(({ at }) => at < now.at), now];
}

/**
 * Where everything lies: parts of the plot's width and height, from the left and from above.
 * @param {Pick<Scene, "t" | "format">} tools
 * @param {readonly Line[]} lines
 * @param {"points" | "votes"} measure
 * @param {number} now in milliseconds since 1970
 * @param {number} [distance] of labels at line ends
 */
export function chartOf({ t, format }, lines, measure, now, distance) {
  const values = lines.flatMap((line) => line.values);
  const moments = values.map(({ at }) => at);
  const newest = Math.max(...moments);
  const to = now > newest && now - newest < DAY_MS ? now : newest;
  const from = Math.min(...moments, to - LEAST_SPAN_MS);
  const known = values.flatMap(({ value }) => (value === null ? [] : [value]));
  const [high, low] = [Math.max(0, ...known), Math.min(0, ...known)];
  const reach = Math.max(LEAST_REACH[measure], high, -low);
  const top = Math.max(high, reach * LEAST_SIDE) * ROOM;
  const whole = top + Math.max(-low, reach * LEAST_SIDE) * ROOM;
  /** @param {number} at */
  const x = (at) => (at - from) / (to - from);
  /** @param {number} value */
  const y = (value) => (top - value) / whole;
  const written = measure === "votes" ? format.count : format.points;
  const ends = lines.map(({ source, values: all }) => {
    const last = all.at(-1);
    if (!last || last.value === null) return null;
    const text = last.value === 0 ? t("tie") : written(Math.abs(last.value));
    return { source: source.name, text, x: x(last.at), y: y(last.value), label: y(last.value) };
  });
  const [one, other] = apart(
    ends.map((end) => end?.y ?? null),
    distance,
  );
  if (ends[0]) ends[0].label = one;
  if (ends[1]) ends[1].label = other;
  return {
    zero: y(0),
    lines: lines.map(({ values: all }, index) => {
      const end = ends[index];
      return { path: pathOf(all, x, y), rest: end ? `M${inBox(end.x)} ${inBox(end.y)}H1000` : "" };
    }),
    ends,
    levels: levelsOf(top, whole).map((value) => ({ y: y(value), text: levelText(format, Math.abs(value)) })),
    ticks: ticksOf(from, to).map((moment) => ({ x: x(moment), text: format.minute(new Date(moment)) })),
  };
}

/**
 * A part as the drawing's box of 1000 × 1000 has it.
 * @param {number} part
 */
const inBox = (part) => (part * 1_000).toFixed(1);

/**
 * The line through what is known, broken where nobody knows.
 * @param {readonly Value[]} values
 * @param {(at: number) => number} x
 * @param {(value: number) => number} y
 */
function pathOf(values, x, y) {
  let pen = "M";
  return values
    .map(({ at: moment, value }) => {
      if (value === null) {
        pen = "M";
        return "";
      }
      const to = `${pen}${inBox(x(moment))} ${inBox(y(value))}`;
      pen = "L";
      return to;
    })
    .join("");
}

/**
 * Places for the labels of line ends: as near to them as they can be without one being on the other.
 * @param {readonly (number | null)[]} ends
 * @param {number} [distance]
 */
export function apart([one = null, other = null], distance = LABELS_APART) {
  const [least, most] = [distance / 2, 1 - distance / 2];
  /** @param {number} place */
  const inside = (place) => Math.min(Math.max(place, least), most);
  if (one === null || other === null) return [inside(one ?? 0), inside(other ?? 0)];
  if (Math.abs(one - other) >= distance) return [inside(one), inside(other)];
  const middle = Math.min(Math.max((one + other) / 2, distance), 1 - distance);
  const sign = one <= other ? 1 : -1;
  return [middle - (sign * distance) / 2, middle + (sign * distance) / 2];
}

/**
 * Round values for lines across, from the highest; zero is one of them.
 * @param {number} top
 * @param {number} whole
 */
export function levelsOf(top, whole) {
  const size = 10 ** Math.floor(Math.log10(whole / MOST_LEVELS));
  const step = [1, 2, 5, 10, 20].map((factor) => factor * size).find((one) => whole / one <= MOST_LEVELS) ?? whole;
  const highest = Math.floor(top / step);
  const lowest = Math.ceil((top - whole) / step);
  return Array.from({ length: highest - lowest + 1 }, (_, index) => (highest - index) * step);
}

/**
 * @param {Scene["format"]} format
 * @param {number} value
 */
function levelText(format, value) {
  return Math.abs(value - Math.round(value)) < 1e-9 ? format.count(Math.round(value)) : format.points(value);
}

/**
 * Round moments for the axis, in milliseconds since 1970.
 * @param {number} from
 * @param {number} to
 */
export function ticksOf(from, to) {
  const least = (to - from) / MOST_TICKS;
  const minutes = TICK_MINUTES.find((one) => one * MINUTE_MS >= least);
  const step = minutes ? minutes * MINUTE_MS : Math.ceil(least / DAY_MS) * DAY_MS;
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, index) => (first + index) * step);
}

/** @param {OverlayTools} tools */
export function create(tools) {
  return new LeadOverTime(tools);
}

class LeadOverTime {
  #drawn = "";
  /** @type {{ node: HTMLElement, counted: Counted, origin: Origin }[]} */
  #feet = [];

  /** @param {OverlayTools} tools */
  constructor({ t, format }) {
    this.tools = { t, format };
    this.heading = new Heading();
    this.sides = [new Name(), new Name()];
    this.none = make("p", { class: "uncharted fit" });
    this.axes = make("div", { class: "axes" });
    this.ends = Array.from({ length: MOST_SOURCES }, (_, index) => new End(index));
    this.plot = make("div", { class: "plot" }, this.axes, ...this.ends.flatMap(({ dot, node }) => [dot, node]));
    this.feet = make("div", { class: "both-feet" });
    const [above, below] = this.sides.map(({ node }) => make("div", { class: "side" }, node));
    this.node = make(
      "section",
      { class: "panel lead-over-time" },
      make(
        "div",
        { class: "content" },
        this.heading.node,
        make("div", { class: "chart" }, this.none, above, this.plot, below),
        this.feet,
      ),
    );
  }

  /** @param {Model} model */
  draw(model) {
    this.heading.draw(model.heading);
    setAttribute(this.node, "data-uncharted", model.chart ? null : "");
    fit(this.none, model.chart ? "" : model.none);
    this.sides.forEach((side, index) => side.draw(model.chart ? model.sides[index] : null));
    const drawn = JSON.stringify([model.chart, model.sides.map(({ hue }) => hue)]);
    if (drawn !== this.#drawn) this.axes.replaceChildren(...(model.chart ? plotted(model.chart, model.sides) : []));
    this.#drawn = drawn;
    this.ends.forEach((end, index) => end.draw(model.chart?.ends[index]));
    while (this.#feet.length < model.feet.length) {
      const [bar, from] = [new Counted(this.tools), new Origin()];
      const node = make("div", { class: "feet" }, bar.node, from.node);
      this.#feet.push({ node, counted: bar, origin: from });
      this.feet.append(node);
    }
    model.feet.forEach((one, index) => {
      this.#feet[index].counted.draw(one.counted, `${model.of} ${one.source}`);
      this.#feet[index].origin.draw(one.origin);
    });
  }
}

/**
 * @param {NonNullable<Model["chart"]>} chart
 * @param {Model["sides"]} sides
 */
function plotted({ zero, lines, levels, ticks }, sides) {
  const svg = makeSvg("svg", { viewBox: "0 0 1000 1000", preserveAspectRatio: "none", "aria-hidden": "true" });
  const grounds = [
    [0, zero],
    [zero, 1],
  ].map(([from, to], index) => {
    const ground = makeSvg("rect", { class: "ground", y: inBox(from), width: 1_000, height: inBox(to - from) });
    setStyle(ground, "--hue", sides[index].hue);
    return ground;
  });
  const rules = levels.map(({ y }) => makeSvg("path", { class: "rule", d: `M0 ${inBox(y)}H1000` }));
  const drawn = lines.flatMap(({ path, rest }, index) => [
    makeSvg("path", { class: "line", "data-line": index, d: path }),
    makeSvg("path", { class: "line rest", "data-line": index, d: rest }),
  ]);
  // the first source lies over the second
  svg.append(...grounds, ...rules, makeSvg("path", { class: "zero", d: `M0 ${inBox(zero)}H1000` }), ...drawn.reverse());
  return [
    svg,
    ...levels.map(({ y, text }) => placed(make("span", { class: "level", text }), 0, y)),
    ...ticks.map(({ x, text }) => placed(make("span", { class: "tick", text }), x, 1)),
  ];
}

/** A line's end: a dot at the last known value, and whose line it is beside the plot. */
class End {
  /** @param {number} index */
  constructor(index) {
    this.dot = make("i", { class: "dot", "data-line": index });
    this.source = make("span", { class: "source fit" });
    this.figure = make("b", { class: "ahead fit" });
    this.node = make("span", { class: "end", "data-line": index }, this.source, this.figure);
  }

  /** @param {{ source: string, text: string, x: number, y: number, label: number } | null | undefined} end */
  draw(end) {
    for (const node of [this.dot, this.node]) setAttribute(node, "data-none", end ? null : "");
    fit(this.source, end?.source ?? "");
    fit(this.figure, end?.text ?? "");
    if (!end) return;
    placed(this.dot, end.x, end.y);
    placed(this.node, 1, end.label);
  }
}

/**
 * Beside the plot is room for the labels of line ends.
 * @param {HTMLElement} node
 * @param {number} x
 * @param {number} y
 */
function placed(node, x, y) {
  setStyle(node, "left", `calc((100% - var(--ends)) * ${x.toFixed(4)})`);
  setStyle(node, "top", `${(y * 100).toFixed(2)}%`);
  return node;
}
