/**
 * A map's legend: in how many of its parts each party leads.
 */

import { make } from "./dom.js";

/** @import { Formats, Leading } from "./types.d.ts" */

export class Legend {
  #drawn = "";

  /** @param {Pick<Formats, "count">} format */
  constructor(format) {
    this.format = format;
    this.node = make("ul", { class: "legend" });
  }

  /**
   * Draw it; what is the same as before stays.
   * @param {Leading} leading
   */
  draw(leading) {
    const key = JSON.stringify(leading);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.node.replaceChildren(
      ...leading.map(({ label, count, mark, hue }) => {
        const swatch = make("span", { class: "mark", "data-mark": mark, "aria-hidden": "true" });
        swatch.style.setProperty("--hue", hue);
        return make("li", {}, swatch, `${label} `, make("b", { text: this.format.count(count) }));
      }),
    );
  }
}
