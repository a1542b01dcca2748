/**
 * Starts `/overlays/program?channel=a`: the page that shows what operators take on a channel, and is clear where they
 * have taken nothing. What else its address says holds for every graphic that does not say it itself, such as `lang`.
 *
 * It changes only by what the server says: while there is no connection the graphic stays.
 */

import { connect } from "../client/index.js";
import { Frame, overlayAddress } from "../graphics/frame.js";
import { Deck } from "./deck.js";
import { parametersIn } from "./playout-data.js";

const STANDARD_CHANNEL = "a";

const asked = new URLSearchParams(location.search);
const channel = asked.get("channel") || STANDARD_CHANNEL;

/**
 * The address of an overlay in a frame of this page.
 * @param {string} overlay
 * @param {string | undefined} token
 */
function addressOf(overlay, token) {
  const address = new URL(overlayAddress(location.origin, overlay, token));
  for (const [name, text] of asked)
    if (!["channel", "play", "token"].includes(name)) address.searchParams.set(name, text);
  return address.href;
}

const deck = new Deck({ addressOf, makeFrame: () => new Frame(document.body), token: asked.get("token") ?? undefined });
const night = connect({ url: location.href });
night.on("state", () => deck.show(night.graphics[channel] ?? null));

// a playout system hands in the next token as it does to an overlay; what is on air is the operators' alone
Object.assign(globalThis, {
  update: (/** @type {unknown} */ text) => {
    const { token } = /** @type {{ token?: string }} */ (parametersIn(text));
    if (!token) return;
    night.renew(token);
    deck.renew(token);
  },
});
