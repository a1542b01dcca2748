/**
 * What the gateway works out of a unit (/v1/seats, /v1/facts), asked for again and again while it is shown.
 */

/** As often as graphics tools ask; where nothing changed the answer costs nothing, by its ETag. */
const AGAIN_MS = 1_000;

/** @template T */
export class Asked {
  #ask;
  #tell;
  #now;
  #key = "";
  /** @type {T | undefined} */
  #entry;
  #due = 0;
  #asking = false;
  #againMs;

  /**
   * `ask` resolves to the entry, or to undefined where the gateway has none now; it is given the entry before. `tell`
   * is called when it is another.
   * @param {(where: { contest: string, source: string, unit: string }, before: T | undefined) => Promise<T | undefined>
   *   } ask
   * @param {() => void} tell
   * @param {() => number} [now] in milliseconds
   * @param {number} [againMs] the pause before it is asked for again
   */
  constructor(ask, tell, now = Date.now, againMs = AGAIN_MS) {
    this.#ask = ask;
    this.#tell = tell;
    this.#now = now;
    this.#againMs = againMs;
  }

  /**
   * The newest answer about a unit, or undefined while there is none. To be called each time it is drawn.
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
      const entry = await this.#ask(where, this.#entry);
      const isNew = key === this.#key && JSON.stringify(entry) !== JSON.stringify(this.#entry);
      if (isNew) this.#entry = entry;
      if (isNew || key !== this.#key) this.#tell();
    } catch {
      // the stage says by itself that the connection is lost
    } finally {
      this.#asking = false;
      this.#due = key === this.#key ? this.#now() + this.#againMs : 0;
    }
  }
}
