/**
 * A clock that stands until it is told to go: a page under it is drawn as it is at any moment, however long drawing
 * takes.
 *
 * Installed, it takes the place of the page's timers, frames, `performance.now`, `Date` and running animations. What
 * was set off happens in order at its own virtual time, so the same moment always comes to the same picture.
 */

/** Frames are due on this grid: 50 a second, as in European television. */
const FRAME_MS = 20;

/** @typedef {(...rest: any[]) => void} Task */

export class VirtualClock {
  /** Virtual milliseconds since the page began. */
  now = 0;
  /** @type {Map<number, { due: number, task: () => void, every: number | null }>} */
  #tasks = new Map();
  /** @type {Map<number, FrameRequestCallback>} */
  #frames = new Map();
  #ids = 0;
  #started = new Map();
  /** @type {any} the page's own clocks */
  #real;
  /** @type {any} */
  #scope;

  /**
   * Take the place of a window's clocks; `date(now)` says which moment it is for the page.
   * @param {any} scope
   * @param {(now: number) => number} date
   */
  install(scope, date) {
    this.#scope = scope;
    this.#real = { frame: scope.requestAnimationFrame.bind(scope), later: scope.setTimeout.bind(scope) };
    scope.setTimeout = (/** @type {Task} */ task, ms = 0, /** @type {any[]} */ ...rest) =>
      this.#set(task, ms, rest, null);
    scope.setInterval = (/** @type {Task} */ task, ms = 0, /** @type {any[]} */ ...rest) =>
      this.#set(task, ms, rest, Math.max(1, ms));
    scope.clearTimeout = scope.clearInterval = (/** @type {number} */ id) => {
      this.#tasks.delete(id);
    };
    scope.requestAnimationFrame = (/** @type {FrameRequestCallback} */ task) => {
      const id = this.#newId();
      this.#frames.set(id, task);
      return id;
    };
    scope.cancelAnimationFrame = (/** @type {number} */ id) => {
      this.#frames.delete(id);
    };
    scope.performance.now = () => this.now;
    const [RealDate, now] = [scope.Date, () => date(this.now)];
    scope.Date = class extends RealDate {
      constructor(/** @type {any[]} */ ...moment) {
        if (moment.length) super(...moment);
        else super(now());
      }

      static now() {
        return now();
      }
    };
    Object.defineProperty(scope.document, "hidden", { get: () => false });
  }

  /**
   * Let time go on to `to`, and everything happen that is due.
   * @param {number} to
   */
  async advance(to) {
    await this.settle();
    for (let due = this.#next(); due <= to; due = this.#next()) {
      this.now = Math.max(this.now, due);
      this.#run();
      await this.settle();
    }
    this.now = to;
    this.#animate();
  }

  /** Let what was promised happen, and put animations where they are by now. */
  async settle() {
    /** @type {Promise<void>} */
    const settled = new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel(); // a task of its own, without a timer's minimum
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    });
    await settled;
    this.#animate();
  }

  /** Resolves when the picture is on screen; in a page that nobody sees, when it is laid out. */
  async painted() {
    await new Promise((resolve) => {
      this.#real.frame(() => this.#real.frame(resolve));
      this.#real.later(resolve, 100);
    });
  }

  /**
   * @param {(...rest: any[]) => void} task
   * @param {number} ms
   * @param {any[]} rest
   * @param {number | null} every
   */
  #set(task, ms, rest, every) {
    const id = this.#newId();
    this.#tasks.set(id, { due: this.now + Math.max(0, Number(ms) || 0), task: () => task(...rest), every });
    return id;
  }

  #newId() {
    this.#ids += 1;
    return this.#ids;
  }

  #next() {
    const frame = this.#frames.size ? (Math.floor(this.now / FRAME_MS) + 1) * FRAME_MS : Infinity;
    return Math.min(frame, ...[...this.#tasks.values()].map(({ due }) => due));
  }

  #run() {
    const due = [...this.#tasks]
      .filter(([, one]) => one.due <= this.now)
      .sort(([, left], [, right]) => left.due - right.due);
    for (const [id, one] of due) {
      if (!this.#tasks.has(id)) continue; // one before it has taken it back
      if (one.every === null) this.#tasks.delete(id);
      else one.due += one.every;
      one.task();
    }
    if (this.now % FRAME_MS) return;
    const frames = [...this.#frames.values()];
    this.#frames.clear();
    for (const frame of frames) frame(this.now);
  }

  #animate() {
    for (const animation of this.#scope.document.getAnimations()) {
      if (!this.#started.has(animation)) {
        animation.pause();
        this.#started.set(animation, this.now);
      }
      const [at, end] = [this.now - this.#started.get(animation), animation.effect.getComputedTiming().endTime];
      if (at >= end) {
        this.#started.delete(animation);
        animation.finish();
      } else animation.currentTime = at;
    }
  }
}
