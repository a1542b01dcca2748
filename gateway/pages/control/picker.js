/**
 * What is looked at: contest, unit and source, kept in the address.
 */

import { make } from "../dom.js";
import { fromAddress, toAddress } from "../selection.js";

/** @import { Election, Words } from "./types.d.ts" */

export class Picker {
  /** @param {{root: HTMLElement, election: Election, words: Words, changed: () => void}} options */
  constructor({ root, election, words, changed }) {
    this.place = fromAddress(location.search, election);
    const units = [...election.units].sort(
      (left, right) =>
        left.id.split("/").length - right.id.split("/").length || left.name.localeCompare(right.name, "tr"),
    );
    const choices = /** @type {const} */ ([
      ["contest", election.contests],
      ["unit", units],
      ["source", election.sources],
    ]);
    const line = make("p", { class: "picker" });
    for (const [name, items] of choices) {
      const select = make(
        "select",
        { id: `pick-${name}` },
        ...items.map((item) =>
          make("option", { value: item.id, text: item.name, selected: item.id === this.place[name] }),
        ),
      );
      select.addEventListener("change", () => {
        this.place = { ...this.place, [name]: select.value };
        history.replaceState(null, "", toAddress(this.place, location.search));
        changed();
      });
      line.append(make("label", { for: select.id, text: words(name) }), select);
    }
    root.append(line);
  }
}
