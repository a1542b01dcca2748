/**
 * Until when the operator's token holds, and where the next one is handed in: no form, no figure and no question goes.
 */

import { make, setAttribute, setText } from "../dom.js";
import { expiryOf, takeTokens } from "../renewal.js";

/** @import { Formats, Words } from "./types.d.ts" */

/** How long before its end the page says so: time enough to have another one made. */
const SOON_MS = 600_000;

/** @typedef {{ take: (token: string) => Promise<void> }} Take */

export class Renewal {
  #token;

  /**
   * `take(token)` goes on with another token, and rejects one that is no good.
   * @param {{ root: HTMLDetailsElement, words: Words, format: Formats, token: string } & Take} options
   */
  constructor({ root, words, format, token, take }) {
    this.root = root;
    this.t = words;
    this.format = format;
    this.#token = token;
    const renew = takeTokens(async (next) => {
      await take(next);
      this.#token = next;
    });
    const summary = make("summary");
    const field = make("input", { id: "next-token", type: "password", autocomplete: "off", required: true });
    const problem = make("p", { class: "problem", role: "alert" });
    const form = make(
      "form",
      { class: "panel" },
      make("label", { for: "next-token", text: words("nextToken") }),
      field,
      problem,
      make("p", { class: "choices" }, make("button", { class: "give", text: words("useToken") })),
    );
    root.append(summary, form);
    this.summary = summary;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await renew(field.value.trim());
        field.value = "";
        setText(problem, "");
        root.open = false;
      } catch (error) {
        setText(problem, error instanceof Error ? error.message : String(error));
      }
    });
    root.hidden = false;
  }

  /**
   * Say until when the token holds, as of `now` in milliseconds since 1970.
   * @param {number} now
   */
  draw(now) {
    const expires = expiryOf(this.#token);
    const left = expires === null ? Infinity : expires - now;
    const time = expires === null ? "" : this.format.clock(new Date(expires));
    setAttribute(this.root, "data-soon", left <= SOON_MS ? "true" : null);
    setText(
      this.summary,
      expires === null ? this.t("tokenWord") : this.t(left > 0 ? "tokenUntil" : "tokenOver", { time }),
    );
  }
}
