/**
 * The tile map: leader's hue, strength by margin, hatch below a tenth of boxes; arrow keys walk over it.
 */

import { markOdd } from "./claims.js";
import { make, setAttribute, setStyle, setText } from "./dom.js";
import { Legend } from "./legend.js";
import { shadeOf } from "./shade.js";
import { neighbour, WATER_AFTER } from "./tiles.js";

/** @import { Leading, Part, Source, Tile, Tiles, Tools, Unit } from "./types.d.ts" */

export class TileMap {
  /** @type {Map<string, ReturnType<typeof newTile>>} */
  #tiles = new Map();
  /** @type {Tiles | null} */
  #layout = null;
  /** @type {string | null} */
  #current = null;

  /**
   * `look(unitId | null)` is called as the reader points at a district or leaves it.
   * @param {HTMLElement} section
   * @param {Tools & {look: (unit: string | null) => void}} tools
   */
  constructor(section, { t, format, look }) {
    this.section = section;
    this.t = t;
    this.format = format;
    this.look = look;
    this.origin = make("span", { class: "origin" });
    this.legend = new Legend(format);
    this.grid = make("div", { class: "tiles", role: "group" });
    this.grid.addEventListener("keydown", (event) => this.#walk(event));
    this.grid.addEventListener("pointerover", (event) => this.#look(event));
    this.grid.addEventListener("pointerleave", () => this.look(null));
    this.grid.addEventListener("focusin", (event) => this.#look(event));
    this.grid.addEventListener("focusout", () => this.look(null));
    section.append(
      make("div", { class: "map-head" }, make("h2", {}, t("map"), " ", this.origin), this.legend.node),
      this.grid,
      make("p", { class: "note", text: t("mapBy") }),
    );
  }

  /**
   * Draw the parts of a scope; hidden where no layout is known.
   * @param {{layout: Tiles | null, parts: Part[], source: Source, selected: string, leading: Leading}} options
   */
  draw({ layout, parts, source, selected, leading }) {
    setAttribute(this.section, "hidden", layout ? null : "");
    if (!layout) return;
    if (layout !== this.#layout) this.#lay(layout, parts);
    setText(this.origin, source.name);
    for (const part of parts) this.#paint(part, part.unit.id === selected);
    this.legend.draw(leading);
  }

  /**
   * @param {Tiles} layout
   * @param {Part[]} parts
   */
  #lay(layout, parts) {
    this.#layout = layout;
    this.#tiles.clear();
    /** @param {string} key */
    const sea = (key) => make("span", { class: `water ${key}`, "aria-hidden": "true", text: this.t(key) });
    this.grid.replaceChildren(sea("strait"), sea("south"), sea("north"));
    setAttribute(this.grid, "aria-label", this.t("map"));
    for (const { unit } of [...parts].sort((left, right) => this.format.compare(left.unit.name, right.unit.name))) {
      const place = layout.get(unit.id);
      if (!place) continue;
      const tile = newTile(unit, place);
      this.#tiles.set(unit.id, tile);
      this.grid.append(tile.tile);
    }
    this.#enter(parts[0].unit.id);
  }

  /**
   * @param {Part} part
   * @param {boolean} selected
   */
  #paint(part, selected) {
    const drawn = this.#tiles.get(part.unit.id);
    if (!drawn) return;
    const { tile, winner, mark, sentence } = drawn;
    const shade = shadeOf(part, this.t);
    setAttribute(tile, "href", part.href);
    setAttribute(tile, "data-state", shade.state);
    markOdd(tile, part.entry, this.t);
    setText(sentence, part.sentence);
    setAttribute(tile, "aria-current", selected ? "true" : null);
    setAttribute(mark, "data-mark", shade.mark);
    setText(winner, shade.winner);
    if (!shade.fill) return; // nobody leads
    setStyle(tile, "--fill", shade.fill);
    setStyle(tile, "--ink-on", shade.ink);
    setStyle(tile, "--hue", shade.hue);
  }

  /** @param {string} id */
  #enter(id) {
    if (this.#current) setAttribute(this.#tiles.get(this.#current)?.tile ?? this.grid, "tabindex", "-1");
    this.#current = id;
    const entered = this.#tiles.get(id)?.tile;
    if (entered) setAttribute(entered, "tabindex", "0");
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const next = this.#layout && neighbour(this.#layout, unitAt(event) ?? "", event.key);
    if (!next) return;
    event.preventDefault();
    this.#enter(next);
    this.#tiles.get(next)?.tile.focus();
  }

  /** @param {Event} event */
  #look(event) {
    const id = unitAt(event);
    if (!id) return;
    if (event.type === "focusin") this.#enter(id);
    this.look(id);
  }
}

/**
 * The unit of the tile that an event is about.
 * @param {Event} event
 */
function unitAt({ target }) {
  const tile = target instanceof Element ? target.closest("[data-unit]") : null;
  return tile?.getAttribute("data-unit") ?? null;
}

/**
 * What fits on a tile is for eyes: it is called by its sentence, which begins with the whole name.
 * @param {Unit} unit
 * @param {Tile} place
 */
function newTile(unit, { column, row, short, code }) {
  const brief = (/** @type {string} */ kind, text = "") => make("span", { class: kind, "aria-hidden": "true", text });
  const mark = make("span", { class: "mark", "aria-hidden": "true" });
  const winner = brief("winner");
  const sentence = make("span", { class: "visually-hidden" });
  const tile = make(
    "a",
    { class: "tile", "data-unit": unit.id, tabindex: "-1" },
    mark,
    brief("full", unit.name),
    brief(short.length > 8 ? "short long" : "short", short),
    brief("code", code),
    winner,
    sentence,
  );
  tile.style.gridColumn = String(column + 1 + (column > WATER_AFTER ? 1 : 0));
  tile.style.gridRow = String(row + 1);
  return { tile, winner, mark, sentence };
}
