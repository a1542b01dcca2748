/**
 * Things that are made once for each id, such as a table's rows, and kept.
 */

/** @template Made */
export class Memo {
  /** @type {Map<string, Made>} */
  #made = new Map();
  #make;

  /** @param {(id: string) => Made} make */
  constructor(make) {
    this.#make = make;
  }

  /**
   * What belongs to this id; made where it is asked for the first time.
   * @param {string} id
   * @returns {Made}
   */
  get(id) {
    const before = this.#made.get(id);
    if (before !== undefined) return before;
    const made = this.#make(id);
    this.#made.set(id, made);
    return made;
  }

  /** Everything that was made. */
  values() {
    return this.#made.values();
  }
}
