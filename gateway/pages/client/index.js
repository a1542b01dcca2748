/**
 * @sandik/client: follow an election night.
 *
 *     const night = connect({url, subscriptions: [{contest: "metropolitan_mayor", source: "aa", units: ["tr/34"]}]});
 *     night.on("change", () => draw(night.entry("metropolitan_mayor", "aa", "tr/34")));
 */

import { LiveNight } from "./connection.js";

export { routeUrl, streamUrl } from "./address.js";
export { awaitDefinition, fetchDefinition, newDefinition } from "./definition.js";
export { isHeld, touches } from "./held.js";
export { Night } from "./night.js";
export { mayReconnect, retryDelay } from "./retry.js";
export { covers, subscriptionId } from "./subscription.js";

/** Connect to a gateway and stay connected. `url` may be any address of it; a page's own by default. */
export function connect({ url = globalThis.location?.href, ...options } = {}) {
  const night = new LiveNight({ url, ...options });
  night.open();
  return night;
}
