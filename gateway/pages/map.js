/**
 * The tile map: leader's hue, strength by margin, hatch below a tenth of boxes; arrow keys walk over it.
 */

import { markOdd } from "./claims.js";
import { make, paint, put, say } from "./dom.js";
import { shadeOf } from "./shade.js";
import { neighbour, WATER_AFTER } from "./tiles.js";

export class TileMap {
  #tiles = new Map();
  #layout = null;
  #current = null;

  /** `look(unitId | null)` is called as the reader points at a district or leaves it. */
  constructor(section, { t, format, look }) {
    Object.assign(this, { section, t, format, look });
    this.origin = make("span", { class: "origin" });
    this.legend = make("ul", { class: "legend" });
    this.grid = make("div", { class: "tiles", role: "group" });
    this.grid.addEventListener("keydown", (event) => this.#walk(event));
    this.grid.addEventListener("pointerover", (event) => this.#look(event));
    this.grid.addEventListener("pointerleave", () => this.look(null));
    this.grid.addEventListener("focusin", (event) => this.#look(event));
    this.grid.addEventListener("focusout", () => this.look(null));
    section.append(
      make("div", { class: "map-head" }, make("h2", {}, t("map"), " ", this.origin), this.legend),
      this.grid,
      make("p", { class: "note", text: t("mapBy") }),
    );
  }

  /** Draw the parts of a scope; hidden where no layout is known. */
  draw({ layout, parts, source, selected, leading }) {
    put(this.section, "hidden", layout ? null : "");
    if (!layout) return;
    if (layout !== this.#layout) this.#lay(layout, parts);
    say(this.origin, source.name);
    for (const part of parts) this.#paint(part, part.unit.id === selected);
    this.#tally(leading);
  }

  #lay(layout, parts) {
    this.#layout = layout;
    this.#tiles.clear();
    const sea = (key) => make("span", { class: `water ${key}`, "aria-hidden": "true", text: this.t(key) });
    this.grid.replaceChildren(sea("strait"), sea("south"), sea("north"));
    put(this.grid, "aria-label", this.t("map"));
    for (const { unit } of [...parts].sort((left, right) => this.format.compare(left.unit.name, right.unit.name))) {
      const { column, row, short, code } = layout.get(unit.id);
      // what fits on a tile is for eyes: it is called by its sentence, which begins with the whole name
      const brief = (kind, text = "") => make("span", { class: kind, "aria-hidden": "true", text });
      const winner = brief("winner");
      const tile = make(
        "a",
        { class: "tile", "data-unit": unit.id, tabindex: "-1" },
        make("span", { class: "mark", "aria-hidden": "true" }),
        brief("full", unit.name),
        brief(short.length > 8 ? "short long" : "short", short),
        brief("code", code),
        winner,
        make("span", { class: "visually-hidden" }),
      );
      tile.style.gridColumn = String(column + 1 + (column > WATER_AFTER ? 1 : 0));
      tile.style.gridRow = String(row + 1);
      this.#tiles.set(unit.id, { tile, winner, mark: tile.firstChild, sentence: tile.lastChild });
      this.grid.append(tile);
    }
    this.#enter(parts[0].unit.id);
  }

  #paint(part, selected) {
    const { tile, winner, mark, sentence } = this.#tiles.get(part.unit.id);
    const shade = shadeOf(part, this.t);
    put(tile, "href", part.href);
    put(tile, "data-state", shade.state);
    markOdd(tile, part.entry, this.t);
    say(sentence, part.sentence);
    put(tile, "aria-current", selected ? "true" : null);
    put(mark, "data-mark", shade.mark);
    say(winner, shade.winner);
    if (!shade.fill) return;
    paint(tile, "--fill", shade.fill);
    paint(tile, "--ink-on", shade.ink);
    paint(tile, "--hue", shade.hue);
  }

  #tally(leading) {
    const key = JSON.stringify(leading);
    if (this.legend.dataset.key === key) return;
    this.legend.dataset.key = key;
    this.legend.replaceChildren(
      ...leading.map(({ label, count, mark, hue }) => {
        const swatch = make("span", { class: "mark", "data-mark": mark, "aria-hidden": "true" });
        swatch.style.setProperty("--hue", hue);
        return make("li", {}, swatch, `${label} `, make("b", { text: this.format.count(count) }));
      }),
    );
  }

  #enter(id) {
    if (this.#current) put(this.#tiles.get(this.#current)?.tile ?? this.grid, "tabindex", "-1");
    this.#current = id;
    put(this.#tiles.get(id).tile, "tabindex", "0");
  }

  #walk(event) {
    const next = neighbour(this.#layout, event.target.dataset?.unit, event.key);
    if (!next) return;
    event.preventDefault();
    this.#enter(next);
    this.#tiles.get(next).tile.focus();
  }

  #look(event) {
    const id = event.target.closest?.("[data-unit]")?.dataset.unit;
    if (!id) return;
    if (event.type === "focusin") this.#enter(id);
    this.look(id);
  }
}
