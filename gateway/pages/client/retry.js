/**
 * When to come back after a lost connection. Pure: `sandik/client/night.py` is the same in Python.
 */

/** What docs/protocol.md asks of clients: a random moment of up to two seconds, twice as long after each failure. */
const RETRY_FIRST_MS = 2_000;

/** The longest pause: a screen should be right again soon, and by now the crowd is spread wide enough. */
const RETRY_LONGEST_MS = 8_000;

/**
 * Full jitter: anything up to a limit that doubles with each failure, so that clients do not return in step.
 * @param {number} failures
 * @param {() => number} [random]
 * @param {number} [firstMs]
 * @param {number} [longestMs]
 */
export function retryDelay(failures, random = Math.random, firstMs = RETRY_FIRST_MS, longestMs = RETRY_LONGEST_MS) {
  return random() * Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16));
}

/** The longest that a server may ask for: a day. A browser's timer takes no more than 24 of them. */
export const LONGEST_PAUSE_S = 24 * 3_600;

/**
 * What a server asks to wait, in milliseconds; null where that is no time, or none that anybody would wait.
 * @param {number} seconds
 */
export function pauseMs(seconds) {
  return seconds >= 0 && seconds <= LONGEST_PAUSE_S ? seconds * 1_000 : null;
}

/**
 * Whether a close code asks for another connection: 4500 to 4999 say that it would be no use.
 * @param {number} code
 */
export function mayReconnect(code) {
  return !(code >= 4500 && code <= 4999);
}
