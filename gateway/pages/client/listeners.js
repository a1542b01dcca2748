/**
 * Who wants to hear of what. A fault in one of them ends neither the others nor whoever tells them.
 */

export class Listeners {
  /** @type {Map<string, Set<(detail: any) => void>>} */
  #byName = new Map();

  /**
   * Call `listener` whenever `name` is told; returns how to stop.
   * @param {string} name
   * @param {(detail: any) => void} listener
   * @returns {() => void}
   */
  on(name, listener) {
    const listeners = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
    };
  }

  /**
   * @param {string} name
   * @param {unknown} [detail]
   */
  tell(name, detail) {
    for (const listener of [...(this.#byName.get(name) ?? [])]) {
      try {
        listener(detail);
      } catch (error) {
        (globalThis.reportError ?? console.error)(error);
      }
    }
  }
}
