/**
 * The race ticker: the parts of a unit crawl by at one steady speed. Every item is as wide as any other, so a number
 * that grows moves nothing; the order by boxes is taken anew only where the crawl begins again. What is on screen is
 * written at once, the others some in each picture, those that come next before those that come later: a picture in
 * which all districts change would else take too long.
 */

import { isOdd, partOf, progressText } from "../claims.js";
import { isStill } from "../countup.js";
import { arrange, make, setAttribute, setStyle, setText } from "../dom.js";
import { isManual } from "../manual.js";
import { Memo } from "../memo.js";
import { origin, written } from "./picture.js";
import { subscriptions } from "./stage.js";
import { fit } from "./widgets.js";

/** @import { OverlayTools, Scene } from "./types.d.ts" */

/** The same as in overlay.css: an item, and as many of them as fill the strip. */
const ITEM_PX = 624;
const PAGE = 2;
/** Items that are seen at once at most, with one that is about to come. */
const SEEN = 4;
/** Items out of sight that are written in one picture. */
const SLICE = 6;

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene);

/** @typedef {{ name: string, opened: number, gap: number }} Placed what an order of items goes by */

/**
 * From counts to words.
 * @param {Scene} scene
 */
export function model(scene) {
  const { t, format, view, selection, election } = scene;
  const scope = election.scopeOf(selection.unit);
  const parts = view.parts({ ...selection, unit: scope.id });
  const items = parts.map((part) => {
    const [first, second] = part.ranked.map((item) => written(scene, part, item));
    const opened = part.notTold ? NaN : (part.entry?.boxes_opened ?? 0);
    return {
      id: part.unit.id,
      name: part.unit.name,
      opened: partOf(part.entry, part.boxesTotal),
      gap: part.lead?.points ?? Infinity,
      tie: Boolean(part.lead && part.lead.leaders.length > 1),
      thin: part.thin,
      empty: !part.lead,
      lines: part.lead
        ? [first, second].filter(Boolean).map(({ id, name, mark, hue, share }) => ({ id, name, mark, hue, share }))
        : [],
      margin: part.lead ? t("points", { n: format.points(part.lead.points ?? NaN) }) : "",
      manual: isManual(part.entry),
      odd: isOdd(part.entry),
      word: !part.lead ? part.notTold || t("noBoxes") : "",
      boxes: `${format.count(opened)} / ${format.count(part.boxesTotal)}`,
      progress: part.notTold ? "" : progressText(format, part.entry, part.boxesTotal),
    };
  });
  /**
   * @param {{name: string}} left
   * @param {{name: string}} right
   */
  const byName = (left, right) => format.compare(left.name, right.name);
  /** @type {Readonly<Record<string, (left: Placed, right: Placed) => number>>} */
  const orders = {
    name: byName,
    boxes: (left, right) => right.opened - left.opened || byName(left, right),
    margin: (left, right) => left.gap - right.gap || byName(left, right),
  };
  return {
    heading: { place: scope.name, contest: election.contest(selection.contest).name },
    items: items.sort(orders[scene.options.order]),
    origin: origin(scene, selection.source, scope.id),
  };
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new Ticker(tools);
}

class Ticker {
  #items = [new Memo(newItem), new Memo(newItem)];
  /** The items that are not written as they are by now, by their place in the crawl. @type {Set<number>} */
  #due = new Set();
  /** The districts in the order in which they go by. @type {string[]} */
  #order = [];
  #frame = 0;
  /** @type {Model["items"]} */
  #latest = [];
  #page = 0;
  #shownPage = 0;
  /** @type {number | undefined} */
  #pages;
  /** @type {Animation | undefined} */
  #crawl;
  #count = 0;

  /** @param {OverlayTools} overlayTools */
  constructor({ t, format, options }) {
    this.t = t;
    this.format = format;
    this.options = options;
    this.place = make("b", { class: "place fit" });
    this.contest = make("span", { class: "contest fit" });
    this.source = make("b", { class: "source" });
    this.badge = make("span", { class: "feed" });
    this.age = make("span", { class: "age fit" });
    this.belts = [make("ol", { class: "belt" }), make("ol", { class: "belt", "aria-hidden": "true" })];
    this.track = make("div", { class: "crawl" }, ...this.belts);
    this.node = make(
      "section",
      { class: "panel ticker" },
      make(
        "div",
        { class: "content" },
        make("header", {}, this.place, this.contest),
        make("div", { class: "window" }, this.track),
        make("footer", { class: "origin" }, this.source, this.badge, this.age),
      ),
    );
  }

  /** @param {Model} model */
  draw(model) {
    this.#latest = model.items;
    fit(this.place, model.heading.place);
    fit(this.contest, model.heading.contest);
    setText(this.source, model.origin.source);
    setText(this.badge, model.origin.word);
    fit(this.age, model.origin.age);
    setAttribute(this.badge, "data-state", model.origin.state);
    setAttribute(this.node, "data-state", model.origin.state);
    const isNew = this.#count !== model.items.length;
    if (isNew) this.#begin(); // what is to fit must have its place first
    this.#renew(isNew || document.hidden ? Infinity : SEEN);
  }

  close() {
    cancelAnimationFrame(this.#frame);
    this.#stop();
  }

  #stop() {
    clearInterval(this.#pages);
    this.#pages = undefined;
    this.#crawl?.cancel();
  }

  /**
   * Write so many items at once, from what is on screen on, and the others in the next pictures.
   * @param {number} many
   */
  #renew(many) {
    this.#due = new Set(Array.from({ length: 2 * this.#count }, (_, place) => place));
    this.#catchUp(many);
  }

  /** @param {number} many */
  #catchUp(many) {
    const byId = new Map(this.#latest.map((item) => [item.id, item]));
    const places = 2 * this.#count;
    const first = this.#first();
    const next = Array.from({ length: places }, (_, index) => (first + index) % places).filter((place) =>
      this.#due.has(place),
    );
    for (const place of next.slice(0, many)) {
      this.#due.delete(place);
      const id = this.#order[place % this.#count];
      const item = byId.get(id);
      if (item) this.#write(this.#items[Math.floor(place / this.#count)].get(id), item);
    }
    cancelAnimationFrame(this.#frame);
    this.#frame = this.#due.size ? requestAnimationFrame(() => this.#catchUp(SLICE)) : 0;
  }

  /** The place of the first item on screen. */
  #first() {
    if (this.#pages !== undefined) return this.#shownPage * PAGE;
    const progress = this.#crawl?.effect?.getComputedTiming().progress ?? 0;
    return Math.floor(progress * this.#count);
  }

  /** Lay the items in order and let them go by; where nothing may move, in pages. */
  #begin() {
    this.#stop();
    this.#count = this.#latest.length;
    this.#arrange();
    if ((isStill() || this.options.move === "pages") && !document.hidden) {
      setAttribute(this.node, "data-paged", "");
      this.#turn();
      this.#pages = setInterval(() => this.#turn(), this.options.seconds * 1_000);
      return;
    }
    const width = this.#count * ITEM_PX;
    this.#crawl = this.track.animate([{ transform: "translateX(0)" }, { transform: `translateX(${-width}px)` }], {
      duration: (width / this.options.px_per_s) * 1_000,
      easing: "linear",
    });
    this.#crawl.onfinish = () => {
      this.#begin();
      this.#renew(SEEN);
    };
  }

  #arrange() {
    this.#order = this.#latest.map(({ id }) => id);
    this.belts.forEach((belt, index) => {
      arrange(
        belt,
        this.#latest.map(({ id }) => this.#items[index].get(id).node),
      );
    });
  }

  #turn() {
    this.#arrange();
    const pages = Math.max(1, Math.ceil(this.#count / PAGE));
    this.#shownPage = this.#page % pages;
    this.track.style.transform = `translateX(${-this.#shownPage * PAGE * ITEM_PX}px)`;
    this.#page += 1;
    this.#renew(SEEN);
  }

  /**
   * @param {ReturnType<typeof newItem>} line
   * @param {Model["items"][number]} item
   */
  #write(line, item) {
    fit(line.name, item.name, "ticker district");
    setAttribute(line.node, "data-thin", item.thin ? "" : null);
    setAttribute(line.node, "data-manual", item.manual ? "" : null);
    setAttribute(line.node, "data-odd", item.odd ? "" : null);
    setAttribute(line.node, "data-empty", item.empty ? "" : null);
    line.rows.forEach((row, index) => {
      const who = item.lines[index];
      setAttribute(row.mark, "data-mark", who ? who.mark : "empty");
      setStyle(row.mark, "--hue", who?.hue ?? "transparent");
      fit(row.who, who?.name ?? (index === 0 ? item.word : ""), "ticker name");
      setText(row.share, who?.share ?? "");
    });
    setText(line.gap, item.tie ? this.t("tie") : item.margin && `+${item.margin}`);
    setText(line.boxes, item.boxes);
    setText(line.progress, item.progress);
    setStyle(line.fill, "--part", item.opened.toFixed(4));
  }
}

/** @param {string} id */
function newItem(id) {
  /** @param {string} name */
  const part = (name) => make("span", { class: name });
  const rows = [0, 1].map(() => {
    const [mark, who, share] = [part("mark"), part("who-name fit"), make("b", { class: "share" })];
    return { mark, who, share, node: make("span", { class: "row" }, mark, who, share) };
  });
  const [name, gap, boxes, progress, fill] = [
    part("district fit"),
    part("gap"),
    part("boxes"),
    part("progress"),
    part("fill"),
  ];
  const node = make(
    "li",
    { "data-unit": id },
    make(
      "span",
      { class: "side" },
      name,
      make("span", { class: "count" }, boxes, progress),
      make("span", { class: "track" }, fill),
    ),
    make("span", { class: "race" }, ...rows.map((row) => row.node)),
    gap,
  );
  return { node, name, rows, gap, boxes, progress, fill };
}
