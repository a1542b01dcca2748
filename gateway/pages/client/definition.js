/**
 * The election's definition: contests, candidates, parties, units. Asked for until there is one.
 */

import { routeUrl } from "./address.js";
import { pauseMs, retryDelay } from "./retry.js";

/** @import { Definition, Where } from "./index.d.ts" */

/** A definition of all Türkiye is some MiB: more than this is a stuck connection. */
const TIMEOUT_MS = 20_000;

/** Pauses between attempts: a page that is opened before the server should fill itself soon after. */
const FIRST_MS = 250;
const LONGEST_MS = 4_000;

/** The longest pause that a server's Retry-After is heeded for. */
const LONGEST_ASKED_MS = 60_000;

/** A server is there, and has no definition to give: `status` says why, `retryMs` when it asks to be asked again. */
class NotThere extends Error {
  /** @param {Response} response */
  constructor(response) {
    super(`The definition is not there yet (${response.status}).`);
    this.status = response.status;
    const seconds = response.headers?.get("retry-after");
    this.retryMs = seconds ? pauseMs(Number(seconds)) : null;
  }
}

/**
 * Ask once, for the one in force or for an earlier version. Rejects where there is no server, run or such version.
 * @param {Where & { version?: number | null }} [where]
 * @returns {Promise<Definition>}
 */
export async function fetchDefinition({
  url = globalThis.location?.href,
  token,
  fetch = globalThis.fetch,
  version = null,
} = {}) {
  const route = routeUrl("/v1/definition", url, typeof token === "function" ? token() : token);
  if (version !== null) route.searchParams.set("version", String(version));
  const response = await fetch(route, { cache: "no-cache", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new NotThere(response);
  const definition = await response.json();
  if (!Array.isArray(definition?.contests))
    throw new TypeError("What has answered is no gateway: the network may want somebody to log in.");
  return definition;
}

/**
 * Ask until there is one; `onWait(error)` is told of each attempt that failed. An abort of `signal` ends it.
 * @param {Where & { onWait?: (error: unknown) => void, signal?: AbortSignal, random?: () => number }} [options]
 * @returns {Promise<Definition>}
 */
export async function awaitDefinition({ onWait = () => {}, signal, random = Math.random, ...where } = {}) {
  for (let failures = 0; ; failures += 1) {
    signal?.throwIfAborted();
    let delay = 0;
    try {
      return await fetchDefinition(where);
    } catch (error) {
      onWait(error);
      delay = pauseAfter(error, failures, random);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, delay);
    });
  }
}

/**
 * How long to wait after an attempt that failed, in milliseconds. What a server asks for is heeded, up to a minute, and
 * a little more at random: not everybody comes at the moment that it has named.
 * @param {unknown} error
 * @param {number} failures
 * @param {() => number} random
 */
export function pauseAfter(error, failures, random) {
  const asked = error instanceof NotThere ? (error.retryMs ?? 0) : 0;
  return Math.min(asked, LONGEST_ASKED_MS) + retryDelay(failures, random, FIRST_MS, LONGEST_MS);
}

/**
 * The definition where it is another one than before; null where it is the same, or cannot be had now.
 * @param {Where} where
 * @param {unknown} before
 * @returns {Promise<Definition | null>}
 */
export async function newDefinition(where, before) {
  const after = await fetchDefinition(where).catch(() => null);
  return after && JSON.stringify(after) !== JSON.stringify(before) ? after : null;
}
