/**
 * What the gateway says by a code, in the language of the room. Pure. A code that has no words here, as one of a newer
 * gateway, is said in the gateway's own English.
 */

import { TEXTS } from "./words.js";

/** @import { Reason, Words } from "./types.d.ts" */

/**
 * Why clients should not be sent to this gateway.
 * @param {Words} t
 * @param {Reason} reason
 */
export function whyUnready(t, { code, sentence, values }) {
  return inWords(t, `unready_${code}`, values) ?? sentence;
}

/**
 * Why a request was refused; undefined where it was not.
 * @param {Words} t
 * @param {{ error?: string, code?: string, why?: string | null }} answer
 */
export function whyRefused(t, { error, code, why }) {
  return error === undefined ? undefined : (inWords(t, `refused_${code}`, { why }) ?? error);
}

/**
 * @param {Words} t
 * @param {string} key
 * @param {Parameters<Words>[1]} values
 */
function inWords(t, key, values) {
  return key in TEXTS.tr ? t(key, values) : undefined;
}
