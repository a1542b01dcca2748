/**
 * Drawing once for whatever has changed since: several messages in one frame are one drawing.
 */

/** How long a page that nobody sees may be behind: it is given no frames, so it uses a timer. */
const HIDDEN_MS = 250;

export class Redraw {
  #waits = false;
  #draw;

  /** @param {() => void} draw */
  constructor(draw) {
    this.#draw = draw;
  }

  /** Draw with the next frame. */
  soon() {
    if (this.#waits) return;
    this.#waits = true;
    const draw = () => {
      this.#waits = false;
      this.#draw();
    };
    if (document.hidden) setTimeout(draw, HIDDEN_MS);
    else requestAnimationFrame(draw);
  }
}
