/**
 * Where a gateway's doors are, from any address of it: its page's, its stream's, or just its host.
 */

/**
 * A route's address beside `url`'s own, with the read token: the one given, or the one that `url` brings.
 * @param {string} route
 * @param {string} url
 * @param {string} [token]
 */
export function routeUrl(route, url, token = undefined) {
  const base = new URL(url, globalThis.location?.href);
  const door = new URL(route, base);
  door.protocol = { "ws:": "http:", "wss:": "https:" }[base.protocol] ?? base.protocol;
  const given = token ?? base.searchParams.get("token");
  if (given) door.searchParams.set("token", given);
  return door;
}

/**
 * The WebSocket's address; `url` may say `view=program`, by which a control room watches what is on air.
 * @param {string} url
 * @param {string} [token]
 */
export function streamUrl(url, token = undefined) {
  const door = routeUrl("/v1/stream", url, token);
  const view = new URL(url, globalThis.location?.href).searchParams.get("view");
  if (view) door.searchParams.set("view", view);
  door.protocol = door.protocol === "https:" ? "wss:" : "ws:";
  return door.href;
}
