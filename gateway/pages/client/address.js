/**
 * Where a gateway's doors are, from any address of it: its page's, its stream's, or just its host.
 */

/**
 * A route's address beside `url`'s own, with the read token: the one given, or the one that `url` brings. `url` may say
 * `view=program`, by which a control room is told what is on air, at every door.
 * @param {string} route
 * @param {string} url
 * @param {string} [token]
 */
export function routeUrl(route, url, token = undefined) {
  const base = new URL(url, globalThis.location?.href);
  const door = new URL(route, base);
  door.protocol = { "ws:": "http:", "wss:": "https:" }[base.protocol] ?? base.protocol;
  const given = { token: token ?? base.searchParams.get("token"), view: base.searchParams.get("view") };
  for (const [name, value] of Object.entries(given)) if (value) door.searchParams.set(name, value);
  return door;
}

/**
 * The WebSocket's address.
 * @param {string} url
 * @param {string} [token]
 */
export function streamUrl(url, token = undefined) {
  const door = routeUrl("/v1/stream", url, token);
  door.protocol = door.protocol === "https:" ? "wss:" : "ws:";
  return door.href;
}
