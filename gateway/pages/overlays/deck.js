/**
 * One graphic at a time: what was there goes while the next one comes, and what is the same overlay only changes.
 */

/** @import { Graphic } from "../client/index.js" */
/** @import { Show } from "./types.d.ts" */

/**
 * A frame that shows one overlay; see graphics/frame.js.
 * @typedef {object} OverlayFrame
 * @property {(address: string) => void} open
 * @property {(wanted: Show) => Promise<unknown>} show
 * @property {() => void} close
 */

/** @typedef {{ graphic: Graphic, frame: OverlayFrame }} OnDeck */

export class Deck {
  /** @type {OnDeck | null} */
  #shown = null;
  #addressOf;
  #makeFrame;
  #token;

  /**
   * `addressOf` gives an overlay's address, `token` the read token where there is one.
   * @param {{ addressOf: (overlay: string, token: string | undefined) => string, makeFrame: () => OverlayFrame,
   *   token?: string | undefined }} options
   */
  constructor({ addressOf, makeFrame, token }) {
    this.#addressOf = addressOf;
    this.#makeFrame = makeFrame;
    this.#token = token;
  }

  /**
   * Show this graphic, or none. What is shown already is left alone.
   * @param {Graphic | null} graphic
   */
  show(graphic) {
    const before = this.#shown;
    if (same(before?.graphic ?? null, graphic)) return;
    const stays = before !== null && before.graphic.overlay === graphic?.overlay;
    this.#shown = graphic && { graphic, frame: stays ? before.frame : this.#open(graphic.overlay) };
    if (before && !stays) leave(before);
    this.#tell();
  }

  /**
   * Go on with another read token: the picture stays.
   * @param {string} token
   */
  renew(token) {
    this.#token = token;
    this.#tell();
  }

  /** @param {string} overlay */
  #open(overlay) {
    const frame = this.#makeFrame();
    frame.open(this.#addressOf(overlay, this.#token));
    return frame;
  }

  #tell() {
    if (this.#shown) this.#shown.frame.show({ ...wantedOf(this.#shown.graphic, true), token: this.#token });
  }
}

/** @param {OnDeck} gone */
async function leave({ graphic, frame }) {
  await frame.show(wantedOf(graphic, false));
  frame.close();
}

/**
 * @param {Graphic} graphic
 * @param {boolean} playing
 */
function wantedOf({ parameters, step }, playing) {
  return { parameters, step, playing };
}

/**
 * @param {Graphic | null} one
 * @param {Graphic | null} other
 */
function same(one, other) {
  return textOf(one) === textOf(other);
}

/** @param {Graphic | null} graphic */
function textOf(graphic) {
  return graphic && JSON.stringify([graphic.overlay, Object.entries(graphic.parameters).sort(), graphic.step]);
}
