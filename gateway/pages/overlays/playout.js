/**
 * A playout system that opens an overlay's own page calls update(string), play(), stop(), next() and remove() on its
 * window. What comes as a string is the parameters: JSON, the old <templateData> XML, or as in an address.
 */

import { parametersIn } from "./playout-data.js";
import { TRANSITION_MS } from "./stage.js";

/** @import { Stage } from "./types.d.ts" */

/**
 * Put a stage's controls where playout systems look for them.
 * @param {Stage} stage
 * @param {any} [target]
 */
export function control(stage, target = globalThis) {
  target.update = (/** @type {unknown} */ text) => {
    try {
      stage.update(parametersIn(text));
    } catch (error) {
      console.warn(`sandik: update() got what it cannot read (${error}). Give JSON: {"unit": "tr/34/fatih"}.`);
    }
  };
  target.play = () => stage.play();
  target.stop = () => {
    stage.stop();
  };
  target.next = () => stage.next();
  target.remove = () => {
    stage.stop();
    setTimeout(() => stage.close(), TRANSITION_MS);
  };
}
