/**
 * The field of a form for each parameter of an overlay, by its kind; see overlays/manifest.js.
 */

import { make } from "./dom.js";

/** @import { Parameter } from "./overlays/types.d.ts" */

/** @typedef {readonly (readonly [value: string, text: string])[]} Choices what a field offers */

/**
 * What a parameter is where nobody says it, as an address would have it.
 * @param {Parameter} parameter
 */
export function standardOf({ kind, standard }) {
  if (kind === "flag") return standard ? "1" : "0";
  return standard === undefined ? "" : String(standard);
}

/**
 * The field of a parameter. `known` is what it may name, where the election says; `nameOf` says a choice's word.
 * @param {Parameter} parameter
 * @param {Choices} known
 * @param {(word: string) => string} [nameOf]
 */
export function fieldOf(parameter, known, nameOf = (word) => word) {
  const { name, kind, words = [], least, most } = parameter;
  /** @type {Choices} */
  const choices = known.length ? [["", "–"], ...known] : words.map((word) => [word, nameOf(word)]);
  if (choices.length) {
    const field = make("select", { name }, ...choices.map(([value, text]) => make("option", { value, text })));
    field.value = standardOf(parameter);
    return field;
  }
  if (kind === "flag") return make("input", { name, type: "checkbox", checked: standardOf(parameter) === "1" });
  if (kind !== "whole") return make("input", { name, type: "text" });
  return make("input", { name, type: "number", min: least, max: most, value: standardOf(parameter) });
}

/**
 * What a field says, as an address has it.
 * @param {HTMLInputElement | HTMLSelectElement} field
 */
export function writtenIn(field) {
  return field instanceof HTMLInputElement && field.type === "checkbox" ? (field.checked ? "1" : "0") : field.value;
}

/**
 * Have a field say this.
 * @param {HTMLInputElement | HTMLSelectElement} field
 * @param {string} text as an address has it
 */
export function writeIn(field, text) {
  if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = text === "1";
  else field.value = text;
}
