/**
 * A new read token for a page that is open: handed to `update({token})`, as overlays take it, or put behind the page's
 * address as `#token=…`, which loads nothing anew.
 */

const NAME = "token";

/**
 * When a token expires by its own words, in milliseconds since 1970; null where it does not say.
 * @param {string} token
 */
export function expiryOf(token) {
  try {
    const { exp } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return Number.isFinite(exp) ? exp * 1_000 : null;
  } catch {
    return null;
  }
}

/**
 * Call `take(token)` with each new token; it rejects one that is no good. Returns how to hand one in. The token in the
 * page's address is replaced once it was taken, so that links and a reload bring the newest.
 * @param {(token: string) => Promise<void>} take
 * @returns {(token: string) => Promise<void>}
 */
export function takeTokens(take) {
  /** @type {string | null} */
  let newest = null;
  const renew = async (/** @type {string} */ token) => {
    await take(token);
    newest = token;
    if (new URLSearchParams(location.search).has(NAME)) write(newest);
  };
  const look = () => {
    const found = fromHash();
    if (found) renew(found).catch((error) => console.warn(error.message));
  };
  const update = async (/** @type {{ token?: string }} */ { token } = {}) => {
    if (token) await renew(String(token));
  };
  Object.assign(globalThis, { update });
  addEventListener("hashchange", look);
  addEventListener("popstate", () => {
    // an entry of the history has the token that it had
    if (newest && new URLSearchParams(location.search).has(NAME)) write(newest);
  });
  return renew;
}

/** Bring the token behind a page's address to where the page looks for it. */
export function settleToken() {
  const found = fromHash();
  if (found) write(found);
}

/** The token behind the address, which is taken from there: nobody should read it in passing. */
function fromHash() {
  const found = new URLSearchParams(location.hash.slice(1)).get(NAME);
  if (found) history.replaceState(history.state, "", `${location.pathname}${location.search}`);
  return found;
}

/** @param {string} token */
function write(token) {
  const address = new URL(location.href);
  address.searchParams.set(NAME, token);
  history.replaceState(history.state, "", address.href.replaceAll("%2F", "/"));
}
