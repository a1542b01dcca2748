/**
 * What graphics, their parameters and choices are called in the room's language. Pure. What has no words here, as an
 * overlay that was added, is called as the manifest has it.
 */

import { MANIFEST } from "../overlays/manifest.js";
import { TEXTS } from "./words.js";

/** @import { Parameter } from "../overlays/types.d.ts" */
/** @import { Election, ListedGraphic, Words } from "./types.d.ts" */

/** What says which figures are shown, from the widest on. */
const SELECTION = ["contest", "unit", "source"];

/**
 * The overlay of this name in the manifest; undefined where there is none.
 * @param {string} name
 */
export function aboutOf(name) {
  return MANIFEST.overlays.find((one) => one.name === name);
}

/**
 * @param {Words} t
 * @param {string} name
 */
export function overlayName(t, name) {
  return inWords(t, `overlay_${name}`) ?? aboutOf(name)?.title ?? name;
}

/**
 * @param {Words} t
 * @param {Parameter} parameter
 */
export function parameterName(t, { name, title }) {
  return inWords(t, SELECTION.includes(name) ? name : `parameter_${name}`) ?? title;
}

/**
 * @param {Words} t
 * @param {string} word
 */
export function choiceName(t, word) {
  return inWords(t, `choice_${word}`) ?? word;
}

/**
 * A graphic in a line: the overlay, what it selects, and what else it is told.
 * @param {Words} t
 * @param {Election} election
 * @param {ListedGraphic} graphic
 */
export function graphicName(t, election, graphic) {
  return graphicParts(t, election, graphic).join(" · ");
}

/**
 * The same in its parts: the overlay first, then the unit where one is named.
 * @param {Words} t
 * @param {Election} election
 * @param {ListedGraphic} graphic
 */
export function graphicParts(t, election, { overlay, parameters }) {
  const names = {
    contest: election.contestById.get(parameters.contest ?? "")?.name,
    unit: election.unitById.get(parameters.unit ?? "")?.name,
    source: election.sourceById.get(parameters.source ?? "")?.name,
  };
  const rest = Object.entries(parameters).filter(([name]) => !SELECTION.includes(name));
  return [
    overlayName(t, overlay),
    names.unit ?? parameters.unit,
    names.contest ?? parameters.contest,
    names.source ?? parameters.source,
    ...rest.map(([name, text]) => `${parameterName(t, { name, title: name, kind: "text" })}: ${choiceName(t, text)}`),
  ].filter(Boolean);
}

/**
 * @param {Words} t
 * @param {string} key
 */
function inWords(t, key) {
  return key in TEXTS.tr ? t(key) : undefined;
}
