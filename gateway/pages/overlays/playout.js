/**
 * The functions that CasparCG, SPX-GC and OBS call on a page's window: update(string), play(), stop(), next() and
 * remove(). What comes as a string is the parameters: JSON, the old <templateData> XML, or as in an address.
 *
 * An overlay's own page and the single-file templates of `sandik graphics` have the same ones; the templates hold this
 * text, after those that it imports.
 */

import { after, offAir } from "./on-air.js";
import { parametersIn } from "./playout-data.js";

/** @import { Command, OnAir, PlayoutOptions } from "./types.d.ts" */

export class Playout {
  #steps;
  #known;
  #show;
  #remove;
  /** @type {OnAir} */
  #state;

  /**
   * `known` gives what is told its own names, `show` is called with each state, `remove` when nothing is to be left.
   * @param {PlayoutOptions} options
   */
  constructor({ steps, parameters, playing = false, known = (given) => given, show, remove }) {
    this.#steps = steps;
    this.#known = known;
    this.#show = show;
    this.#remove = remove;
    this.#state = { ...offAir(known(parameters)), playing };
  }

  /** What it was told so far. */
  get state() {
    return this.#state;
  }

  /** @param {unknown} text */
  update(text) {
    try {
      this.#tell({ type: "update", parameters: this.#known(parametersIn(text)) });
    } catch (error) {
      console.warn(`sandik: update() got what it cannot read (${error}). Give JSON: {"unit": "tr/34/fatih"}.`);
    }
  }

  play() {
    this.#tell({ type: "play" });
  }

  stop() {
    this.#tell({ type: "stop" });
  }

  next() {
    this.#tell({ type: "next" });
  }

  remove() {
    this.stop();
    this.#remove();
  }

  /**
   * Put the functions where playout systems look for them.
   * @param {any} target
   */
  control(target) {
    target.update = (/** @type {unknown} */ text) => this.update(text);
    for (const name of /** @type {const} */ (["play", "stop", "next", "remove"])) {
      target[name] = () => {
        this[name]();
      };
    }
  }

  /** @param {Command} command */
  #tell(command) {
    this.#state = after(this.#state, command, this.#steps);
    this.#show(this.#state);
  }
}

/**
 * What gives parameters their own names: `fields` has those that have another, such as a form's field or a former name;
 * what is not among `names` is left out, where there are any. Of `lists` a form has several fields: together they are
 * one list, so they are told together.
 * @param {{ fields: Readonly<Record<string, string>>, names?: readonly string[], lists?: readonly string[] }} options
 */
export function knownBy({ fields, names, lists = [] }) {
  /** @param {Readonly<Record<string, unknown>>} given */
  return (given) => {
    /** @type {Record<string, unknown>} */
    const own = {};
    for (const [field, value] of Object.entries(given)) {
      const name = fields[field] ?? field;
      if (names && !names.includes(name)) continue;
      own[name] = lists.includes(name) && name in own ? [own[name], value].flat() : value;
    }
    return own;
  };
}
