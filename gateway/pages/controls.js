/**
 * The switches on top: contest and source as links, the unit as a list. All of them are addresses.
 */

import { make, put, say } from "./dom.js";

/** A switch of links; `options` are {id, name}. */
export function fillSwitch(nav, label, options) {
  put(nav, "aria-label", label);
  nav.replaceChildren(...options.map(({ id, name }) => make("a", { "data-option": id, text: name })));
}

/** Point a switch's links at their addresses, and say which one is shown. */
export function updateSwitch(nav, chosen, href) {
  for (const link of nav.children) {
    put(link, "href", href(link.dataset.option));
    put(link, "aria-current", link.dataset.option === chosen ? "true" : null);
  }
}

/** The unit lists: provinces where there are several, and the districts of the one that is shown. */
export class UnitPicker {
  #key = "";

  constructor(box, { election, words, format, choose }) {
    Object.assign(this, { election, t: words, format });
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

  /** Show which unit is chosen. */
  draw(unitId) {
    const unit = this.election.unitById.get(unitId);
    const scope = this.election.scopeOf(unitId);
    if (scope.id !== this.#key && scope.level === "province") this.#fill(this.districts, scope, this.t("allDistricts"));
    this.#key = scope.id;
    this.districts.hidden = scope.level !== "province";
    if (this.several) this.provinces.value = scope.id;
    this.districts.value = unit.level === "district" ? unit.id : scope.id;
  }

  #fill(select, parent, all) {
    const children = [...this.election.children(parent.id)].sort((left, right) =>
      this.format.compare(left.name, right.name),
    );
    const first = make("option", { value: parent.id });
    say(first, all);
    select.replaceChildren(first, ...children.map(({ id, name }) => make("option", { value: id, text: name })));
  }
}
