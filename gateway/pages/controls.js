/**
 * The switches on top: contest and source as links, the unit as a list. All of them are addresses.
 */

import { make, setAttribute, setText } from "./dom.js";
import { commonLevel, levelWords } from "./levels.js";

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

/** The unit lists: one for each unit from the home of the page down to the scope, with what lies directly below it. */
export class UnitPicker {
  /** @type {{parent: string, select: HTMLSelectElement}[]} */
  #lists = [];

  /**
   * @param {HTMLElement} box
   * @param {{election: Election, words: Words, format: Formats, choose: (unit: string) => void}} options
   */
  constructor(box, { election, words, format, choose }) {
    this.box = box;
    this.election = election;
    this.t = words;
    this.format = format;
    this.choose = choose;
  }

  /**
   * Show which unit is chosen.
   * @param {string} unitId
   */
  draw(unitId) {
    const path = this.#path(unitId);
    const parents = path.filter((unit) => this.election.children(unit.id).length > 0);
    parents.forEach((parent, depth) => {
      const list = this.#list(depth, parent);
      list.select.value = path[depth + 1]?.id ?? parent.id;
    });
    for (const { select } of this.#lists.splice(parents.length)) select.remove();
  }

  /**
   * The units from the home down to this one.
   * @param {string} unitId
   */
  #path(unitId) {
    const { election } = this;
    const path = [];
    for (let one = /** @type {Unit | undefined} */ (election.unit(unitId)); one; ) {
      path.unshift(one);
      one = one === election.home ? undefined : election.unitById.get(one.parent ?? "");
    }
    return path[0] === election.home ? path : [election.home];
  }

  /**
   * @param {number} depth
   * @param {Unit} parent
   */
  #list(depth, parent) {
    const known = this.#lists[depth];
    if (known?.parent === parent.id) return known;
    const select = known?.select ?? make("select", {});
    if (!known) {
      select.addEventListener("change", () => this.choose(select.value));
      this.box.append(select);
    }
    this.#fill(select, parent);
    const list = { parent: parent.id, select };
    this.#lists[depth] = list;
    return list;
  }

  /**
   * @param {HTMLSelectElement} select
   * @param {Unit} parent
   */
  #fill(select, parent) {
    const { election, t } = this;
    const children = election.children(parent.id);
    const words = levelWords(t, election, commonLevel(children));
    setAttribute(select, "aria-label", words.one);
    const first = make("option", { value: parent.id });
    const trees = parent === election.country ? election.trees : [];
    setText(first, trees.length ? parent.name : words.all);
    const group = (/** @type {string} */ label, /** @type {readonly Unit[]} */ units) =>
      make("optgroup", { label }, ...this.#options(units));
    select.replaceChildren(
      first,
      ...(trees.length
        ? [group(words.many, children), ...trees.map(({ id, name }) => group(name, election.children(parent.id, id)))]
        : this.#options(children)),
    );
  }

  /** @param {readonly Unit[]} units */
  #options(units) {
    return [...units]
      .sort((left, right) => this.format.compare(left.name, right.name))
      .map(({ id, name }) => make("option", { value: id, text: name }));
  }
}
