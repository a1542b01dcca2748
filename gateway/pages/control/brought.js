/**
 * What the address brings for signing in: a token, a name, and in a demo the key. Pure.
 *
 * A token may stand in the query or behind the `#`, a key behind the `#` alone, which no browser sends to anybody. A
 * key is taken at an address of this machine only: whoever sends an operator of a real night a link cannot have them
 * sign with a key that is not theirs.
 */

const HERE = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** @typedef {{ token: string, name: string, pem: string | null }} Brought */

/**
 * @param {Pick<URL, "search" | "hash" | "hostname">} address
 * @returns {Brought}
 */
export function broughtBy({ search, hash, hostname }) {
  const behind = new URLSearchParams(hash.slice(1));
  const token = behind.get("token") ?? new URLSearchParams(search).get("token") ?? "";
  const key = HERE.has(hostname) ? behind.get("key") : null;
  return { token, name: behind.get("name") ?? "", pem: key && pemOf(key) };
}

/**
 * The same address without what it brought: nobody should read it in passing, or find it in the browser's history.
 * @param {Pick<URL, "pathname" | "search">} address
 */
export function withoutSecrets({ pathname, search }) {
  const fields = new URLSearchParams(search);
  fields.delete("token");
  const rest = fields.toString().replaceAll("%2F", "/");
  return rest ? `${pathname}?${rest}` : pathname;
}

/** @param {string} body */
function pemOf(body) {
  return `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;
}
