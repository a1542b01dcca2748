/**
 * The swing: what the first candidates have gained or lost since the last time, in points on one scale and in votes.
 */

import { make, setAttribute, setStyle, setText } from "../dom.js";
import { baseOf, lastTimeLines, signed } from "../last-time.js";
import { counted, isBlank, origin, written } from "./picture.js";
import { subscriptions } from "./stage.js";
import { Counted, fit, Heading, Name, Origin } from "./widgets.js";

/** @import { OverlayTools, Scene } from "./types.d.ts" */

/** A bar's half is at least so many hundredths of a point: a race in which little has changed shows little. */
const LEAST_SCALE_BP = 500;

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene);

/**
 * From counts to words.
 * @param {Scene} scene
 */
export function model(scene) {
  const { t, format, selection, election, options } = scene;
  const unit = scene.unit();
  const { contest, source, unit: place } = selection;
  const since = unit.entry && !isBlank(unit) ? baseOf(scene.night.lastTime(selection)) : undefined;
  const swings = new Map((since?.swings ?? []).map((one) => [one.candidate, one]));
  const changed = unit.ranked.filter(({ candidate }) => swings.get(candidate.id)?.swing_bp != null);
  const rows = changed.slice(0, options.rows).map((item) => {
    const swing = swings.get(item.candidate.id);
    const points = swing?.swing_bp ?? 0;
    return {
      ...written(scene, unit, item),
      points,
      change: signed(points, (size) => format.points(size / 100)),
      votesChange: t("votes", { n: signed(swing?.votes_change ?? 0, format.count) }),
    };
  });
  const scale = Math.max(LEAST_SCALE_BP, ...rows.map(({ points }) => Math.abs(points)));
  const isWhole = !election.isCounting(unit.unit);
  return {
    of: `${contest} ${source} ${place}`,
    heading: { title: unit.unit.name, subtitle: unit.contest.name },
    base: since ? `${t("lastTime")}: ${since.name}` : t("noLastTime"),
    about: since ? lastTimeLines(since, { leader: undefined, isWhole, t, format }).join(" · ") : "",
    rows: rows.map((row) => ({ ...row, part: row.points / scale })),
    places: options.rows,
    counted: counted(scene, unit),
    origin: origin(scene),
  };
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new SwingPanel(tools);
}

class SwingPanel {
  /** @type {ReturnType<typeof newRow>[]} */
  #rows = [];

  /** @param {OverlayTools} tools */
  constructor({ t, format }) {
    this.t = t;
    this.heading = new Heading();
    this.base = make("p", { class: "base fit" });
    this.list = make("ol", { class: "rows" });
    this.about = make("p", { class: "about fit" });
    this.counted = new Counted({ t, format });
    this.origin = new Origin();
    this.node = make(
      "section",
      { class: "panel swing" },
      make(
        "div",
        { class: "content" },
        this.heading.node,
        this.base,
        this.list,
        this.about,
        make("div", { class: "feet" }, this.counted.node, this.origin.node),
      ),
    );
  }

  /** @param {Model} model */
  draw(model) {
    this.heading.draw(model.heading);
    setAttribute(this.node, "data-uncompared", model.rows.length ? null : "");
    fit(this.base, model.base);
    fit(this.about, model.about);
    while (this.#rows.length < model.places) {
      const row = newRow();
      this.#rows.push(row);
      this.list.append(row.node);
    }
    this.#rows.forEach((row, index) => {
      const one = model.rows[index];
      setAttribute(row.node, "data-none", one ? null : "");
      setAttribute(row.node, "data-candidate", one?.id);
      row.name.draw(one);
      setStyle(row.node, "--hue", one?.hue ?? "transparent");
      setStyle(row.node, "--part", (one?.part ?? 0).toFixed(4));
      setAttribute(row.node, "data-falls", one && one.points < 0 ? "" : null);
      setText(row.change, one?.change ?? "");
      setText(row.unit, one ? this.t("pointsWord") : "");
      setText(row.votes, one?.votesChange ?? "");
      setText(row.share, one?.share ?? "");
    });
    this.counted.draw(model.counted, model.of);
    this.origin.draw(model.origin);
  }
}

function newRow() {
  const name = new Name();
  const [change, unit, votes, share, fill] = [
    make("b", { class: "change" }),
    make("span", { class: "unit" }),
    make("span", { class: "votes" }),
    make("span", { class: "share" }),
    make("span", { class: "fill" }),
  ];
  const node = make(
    "li",
    {},
    name.node,
    share,
    make("span", { class: "moved" }, change, unit),
    make("span", { class: "scale", "aria-hidden": "true" }, fill),
    votes,
  );
  return { node, name, change, unit, votes, share };
}
