/**
 * The switches on top: contest and source as links, the unit as a list. All of them are addresses.
 */

import { make, setAttribute, setText } from "./dom.js";

/** @import { Election, Formats, Unit, Words } from "./types.d.ts" */

/**
 * A switch of links; `options` are {id, name}.
 * @param {HTMLElement} nav
 * @param {string} label
 * @param {readonly {id: string, name: string}[]} options
 */
export function fillSwitch(nav, label, options) {
  setAttribute(nav, "aria-label", label);
  nav.replaceChildren(...options.map(({ id, name }) => make("a", { "data-option": id, text: name })));
}

/**
 * Point a switch's links at their addresses, and say which one is shown.
 * @param {HTMLElement} nav
 * @param {string} chosen
 * @param {(id: string) => string} href
 */
export function updateSwitch(nav, chosen, href) {
  for (const link of nav.querySelectorAll("a")) {
    const option = link.dataset.option ?? "";
    setAttribute(link, "href", href(option));
    setAttribute(link, "aria-current", option === chosen ? "true" : null);
  }
}

/** The unit lists: provinces where there are several, and the districts of the one that is shown. */
export class UnitPicker {
  #key = "";

  /**
   * @param {HTMLElement} box
   * @param {{election: Election, words: Words, format: Formats, choose: (unit: string) => void}} options
   */
  constructor(box, { election, words, format, choose }) {
    this.election = election;
    this.t = words;
    this.format = format;
    this.provinces = make("select", { "aria-label": words("province") });
    this.districts = make("select", { "aria-label": words("district") });
    for (const select of [this.provinces, this.districts])
      select.addEventListener("change", () => choose(select.value));
    this.several = election.home.level === "country";
    if (this.several) {
      box.append(this.provinces);
      this.#fill(this.provinces, election.country, words("allProvinces"));
    }
    box.append(this.districts);
  }

  /**
   * Show which unit is chosen.
   * @param {string} unitId
   */
  draw(unitId) {
    const unit = this.election.unit(unitId);
    const scope = this.election.scopeOf(unitId);
    if (scope.id !== this.#key && scope.level === "province") this.#fill(this.districts, scope, this.t("allDistricts"));
    this.#key = scope.id;
    this.districts.hidden = scope.level !== "province";
    if (this.several) this.provinces.value = scope.id;
    this.districts.value = unit.level === "district" ? unit.id : scope.id;
  }

  /**
   * @param {HTMLSelectElement} select
   * @param {Unit} parent
   * @param {string} all
   */
  #fill(select, parent, all) {
    const children = [...this.election.children(parent.id)].sort((left, right) =>
      this.format.compare(left.name, right.name),
    );
    const first = make("option", { value: parent.id });
    setText(first, all);
    select.replaceChildren(first, ...children.map(({ id, name }) => make("option", { value: id, text: name })));
  }
}
