/**
 * The seats of a unit as the gateway works them out (/v1/seats), asked for again and again while they are shown.
 */

/** @import { SeatsEntry } from "./types.d.ts" */

/** As often as graphics tools ask; where nothing changed the answer costs nothing, by its ETag. */
const AGAIN_MS = 1_000;

export class AskedSeats {
  #ask;
  #tell;
  #now;
  #key = "";
  /** @type {SeatsEntry | undefined} */
  #entry;
  #due = 0;
  #asking = false;

  /**
   * `ask` resolves to the entry, or to undefined where the gateway has none now; `tell` is called when it is another.
   * @param {(where: { contest: string, source: string, unit: string }) => Promise<SeatsEntry | undefined>} ask
   * @param {() => void} tell
   * @param {() => number} [now] in milliseconds
   */
  constructor(ask, tell, now = Date.now) {
    this.#ask = ask;
    this.#tell = tell;
    this.#now = now;
  }

  /**
   * The newest seats of a unit, or undefined while they are not known. To be called each time they are drawn.
   * @param {{ contest: string, source: string, unit: string }} where
   */
  of(where) {
    const key = JSON.stringify([where.contest, where.source, where.unit]);
    if (key !== this.#key) {
      this.#key = key;
      this.#entry = undefined;
      this.#due = 0;
    }
    if (!this.#asking && this.#now() >= this.#due) this.#again(where, key);
    return this.#entry;
  }

  /**
   * What was told last stands while the gateway cannot be reached.
   * @param {{ contest: string, source: string, unit: string }} where
   * @param {string} key
   */
  async #again(where, key) {
    this.#asking = true;
    try {
      const entry = await this.#ask(where);
      const isNew = key === this.#key && JSON.stringify(entry) !== JSON.stringify(this.#entry);
      if (isNew) this.#entry = entry;
      if (isNew || key !== this.#key) this.#tell();
    } catch {
      // the stage says by itself that the connection is lost
    } finally {
      this.#asking = false;
      this.#due = key === this.#key ? this.#now() + AGAIN_MS : 0;
    }
  }
}
