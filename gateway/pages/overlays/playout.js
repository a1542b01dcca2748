/**
 * A playout system that opens an overlay's own page calls update(string), play(), stop(), next() and remove() on its window.
 * What comes as a string is the parameters: JSON, the old <templateData> XML, or as in an address.
 */

import { parametersIn } from "./said.js";

export { parametersIn };

/** How long a removed graphic may take to go. */
const FAREWELL_MS = 400;

/** Put a stage's controls where playout systems look for them. */
export function control(stage, target = globalThis) {
  target.update = (text) => {
    try {
      stage.update(parametersIn(text));
    } catch (error) {
      console.warn(`sandik: update() got what it cannot read (${error.message}). Give JSON: {"unit": "tr/34/fatih"}.`);
    }
  };
  target.play = () => stage.play();
  target.stop = () => {
    stage.stop();
  };
  target.next = () => stage.next();
  target.remove = () => {
    stage.stop();
    setTimeout(() => stage.close(), FAREWELL_MS);
  };
}
