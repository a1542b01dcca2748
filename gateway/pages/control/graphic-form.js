/**
 * The form by which a graphic is put into the rundown, or changed in it: an overlay, and a field for whatever it may be
 * told. What it selects is at first what the room looks at.
 */

import { make, setText } from "../dom.js";
import { MANIFEST } from "../overlays/manifest.js";
import { fieldOf, standardOf, writeIn, writtenIn } from "../parameter-fields.js";
import { aboutOf, choiceName, overlayName, parameterName } from "./graphic-names.js";

/** @import { Parameter } from "../overlays/types.d.ts" */
/** @import { Choices } from "../parameter-fields.js" */
/** @import { Election, ListedGraphic, Words } from "./types.d.ts" */

/** What the channel's page says for all of its graphics, or is for setting up alone. */
const LEFT_OUT = ["lang", "motion", "safe", "debug"];

/**
 * @typedef {object} GraphicFormOptions
 * @property {Election} election
 * @property {Words} words
 * @property {() => Readonly<Record<string, string>>} place what the room looks at
 * @property {(graphic: ListedGraphic, item: string | null) => void} give a graphic; the item that it is to replace
 * @property {() => void} leave back to the list
 */

export class GraphicForm {
  #overlay;
  #fields = make("div", { class: "graphic-fields" });
  #give;
  #options;
  /** @type {Choices} */
  #units;
  /** @type {(readonly [Parameter, HTMLInputElement | HTMLSelectElement])[]} */
  #parameters = [];
  /** @type {string | null} */
  #item = null;

  /** @param {GraphicFormOptions} options */
  constructor(options) {
    const { words, election, give, leave } = options;
    this.#options = options;
    this.#units = election.units.map(({ id, name }) => [id, name]);
    const offered = MANIFEST.overlays.map(({ name }) =>
      make("option", { value: name, text: overlayName(words, name) }),
    );
    this.#overlay = make("select", { id: "graphic-overlay" }, ...offered);
    this.#give = make("button", { type: "submit", class: "give", "data-orders": true });
    const cancel = make("button", { type: "button", text: words("cancel") });
    cancel.addEventListener("click", () => {
      this.clear();
      leave();
    });
    this.node = make(
      "form",
      { class: "graphic-form", "aria-label": words("graphic") },
      make("label", {}, words("graphic"), this.#overlay),
      this.#fields,
      make("p", { class: "choices" }, this.#give, cancel),
    );
    this.#overlay.addEventListener("change", () => this.#lay(options.place()));
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      give(this.#written, this.#item);
      this.clear();
    });
    this.node.addEventListener("keydown", (event) => {
      if (event.key === "Escape") cancel.click();
    });
    this.clear();
  }

  /** Bring the focus to the first field. */
  focus() {
    this.#overlay.focus();
  }

  /** Be ready for a new graphic. */
  clear() {
    this.#item = null;
    setText(this.#give, this.#options.words("listGraphic"));
    this.#lay(this.#options.place());
  }

  /**
   * Show an item of the rundown, to change it.
   * @param {string} item
   * @param {ListedGraphic} graphic
   */
  edit(item, { overlay, parameters }) {
    this.#item = item;
    setText(this.#give, this.#options.words("changeGraphic"));
    this.#overlay.value = overlay;
    this.#lay(parameters);
    this.focus();
  }

  /**
   * A field for each parameter of the overlay; those that it had keep what they say.
   * @param {Readonly<Record<string, string>>} told
   */
  #lay(told) {
    const { election, words } = this.#options;
    /** @type {Readonly<Record<string, Choices>>} */
    const known = {
      contest: election.contests.map(({ id, name }) => [id, name]),
      unit: this.#units,
      source: election.sources.map(({ id, name }) => [id, name]),
    };
    const own = aboutOf(this.#overlay.value)?.parameters ?? [];
    const parameters = [...MANIFEST.selection, ...own, ...MANIFEST.manner].filter(
      ({ name }) => !LEFT_OUT.includes(name),
    );
    this.#parameters = parameters.map((parameter) => {
      const field = fieldOf(parameter, known[parameter.name] ?? [], (word) => choiceName(words, word));
      writeIn(field, told[parameter.name] ?? standardOf(parameter));
      return /** @type {const} */ ([parameter, field]);
    });
    const labels = this.#parameters.map(([parameter, field]) =>
      make("label", {}, parameterName(words, parameter), field),
    );
    this.#fields.replaceChildren(...labels);
  }

  /** The graphic that the form says: of its parameters those that are not as nobody says them. */
  get #written() {
    const told = this.#parameters
      .map(([parameter, field]) => /** @type {const} */ ([parameter, writtenIn(field)]))
      .filter(([parameter, text]) => text !== "" && text !== standardOf(parameter))
      .map(([{ name }, text]) => [name, text]);
    return { overlay: this.#overlay.value, parameters: Object.fromEntries(told) };
  }
}
