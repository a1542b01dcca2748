/**
 * An overlay inside a frame of somebody else's page: a wrapper for a playout system tells it how it should be, by
 * message.
 *
 * `show` says everything at once: parameters, whether it is on air, at which step. So a wrapper need not know what this
 * page already did, and one that had to load it again says the same once more, with the read token by which the page is
 * to go on. `act` is for what happens once.
 */

import { SELECTION } from "./parameters.js";
import { TRANSITION_MS } from "./stage.js";

/** @import { Show, Stage } from "./types.d.ts" */

/**
 * Let whoever frames this page control the stage.
 * @param {Stage} stage
 * @param {{ frame?: any, outside?: any }} [options]
 */
export function host(stage, { frame = globalThis, outside = globalThis.parent } = {}) {
  if (outside === frame) return null;
  const hosted = new Hosted(stage);
  frame.addEventListener("message", async (/** @type {MessageEvent} */ { source, data }) => {
    if (source !== outside || !["show", "act"].includes(data?.sandik)) return;
    const answer = await hosted.take(data);
    outside.postMessage({ sandik: "done", id: data.id, ...answer }, "*"); // no secret in it
  });
  outside.postMessage({ sandik: "ready" }, "*");
  return hosted;
}

export class Hosted {
  #stage;
  /** @type {Show["parameters"]} */
  #parameters = {};
  #wanted = 0;
  #step = 0;
  /** @type {boolean | null} */
  #playing = null;

  /** @param {Stage} stage */
  constructor(stage) {
    this.#stage = stage;
  }

  /**
   * Act on a message; what is answered.
   * @param {{sandik: string, [field: string]: any}} options
   */
  async take({ sandik, ...message }) {
    if (sandik === "show") return this.#show(/** @type {Show} */ (message));
    if (sandik === "act" && message.name === "next") this.#stage.next();
    return {};
  }

  /** The stage has an election now: what could not be done before is done. */
  loaded() {
    this.#walk();
  }

  /** @param {Show} show */
  async #show({ parameters, playing, step = 0, skip = false, token }) {
    const changes = playing !== this.#playing;
    this.#wanted = step;
    if (token) this.#stage.update({ token });
    if (skip) this.#stage.still(true);
    this.#set(parameters);
    this.#walk();
    if (playing) this.#stage.play();
    else if (changes) this.#stage.stop();
    this.#playing = playing;
    if (skip) this.#stage.still(false);
    else if (changes)
      await new Promise((resolve) => {
        setTimeout(resolve, TRANSITION_MS);
      });
    return {};
  }

  /**
   * What is not named any more has its standard value again.
   * @param {Show["parameters"]} parameters
   */
  #set(parameters) {
    const gone = Object.keys(this.#parameters).filter((name) => !(name in parameters));
    const names = Object.keys(parameters).filter((name) => parameters[name] !== this.#parameters[name]);
    this.#parameters = { ...parameters };
    if (!gone.length && !names.length) return;
    const changed = new Set([...gone, ...names]);
    if (SELECTION.some((name) => changed.has(name)) || changed.has("units")) this.#begin();
    else this.#stage.update(Object.fromEntries([...changed].map((name) => [name, parameters[name] ?? null])));
  }

  /** Back to the first step: the selection as it was given. */
  #begin() {
    this.#step = 0;
    this.#stage.update({ ...Object.fromEntries(SELECTION.map((name) => [name, null])), ...this.#parameters });
  }

  /** Go to the step that is wanted; backwards from the beginning. Without an election there is nowhere to go yet. */
  #walk() {
    if (!this.#stage.scene) return;
    if (this.#wanted < this.#step) this.#begin();
    for (; this.#step < this.#wanted; this.#step += 1) this.#stage.next();
  }
}
