/**
 * A small live picture of what is on air on a channel, or of what is next: a frame of the page itself.
 */

import { make, setText } from "../dom.js";

/** @import { ListedGraphic } from "./types.d.ts" */

export class AirFrame {
  #frame = make("iframe", { tabindex: -1, title: "" });
  #caption = make("figcaption");
  #address = "";

  /** @param {string} kind "program", "preview" or "other" */
  constructor(kind) {
    this.node = make(
      "figure",
      { class: `air-frame ${kind}` },
      make("div", { class: "screen" }, this.#frame),
      this.#caption,
    );
  }

  /**
   * Show the page at this address, or none, above these words. A new token alone opens nothing anew: see `renew`.
   * @param {string} address
   * @param {string} token
   * @param {string} caption
   */
  show(address, token, caption) {
    setText(this.#caption, caption);
    this.#frame.title = caption;
    if (address === this.#address) return;
    this.#address = address;
    this.#frame.src = address ? `${address}&${new URLSearchParams({ token })}` : "about:blank";
  }

  /**
   * Hand the next read token to the page in the frame, which stays.
   * @param {string} token
   */
  renew(token) {
    const page = /** @type {any} */ (this.#frame.contentWindow);
    page?.update?.({ token });
  }
}

/**
 * The page that shows what is on air on a channel, as everybody sees it; without the token.
 * @param {string} channel
 */
export function programAddress(channel) {
  return `/overlays/program?${new URLSearchParams({ channel, view: "program" })}`;
}

/**
 * The page of a graphic, with the figures that everybody sees; without the token.
 * @param {ListedGraphic} graphic
 */
export function graphicAddress({ overlay, parameters }) {
  return `/overlays/${overlay}?${new URLSearchParams({ ...parameters, view: "program" })}`;
}
