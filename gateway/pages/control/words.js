/**
 * Every word of the control room, Turkish first.
 */

import { translator } from "../translate.js";
import { EN } from "./words-en.js";
import { TR } from "./words-tr.js";

export const TEXTS = { tr: TR, en: EN };

/** `words(language)` gives its `t(key, values)`; see translate.js. */
export const words = translator(TEXTS);

/** @typedef {"hold" | "take" | "release"} HoldAction */

/**
 * The letters that hold, take and release have in a language.
 * @type {Readonly<Record<string, Readonly<Record<string, HoldAction>>>>}
 */
export const SHORTCUTS = { tr: { t: "hold", a: "take", b: "release" }, en: { h: "hold", t: "take", r: "release" } };
