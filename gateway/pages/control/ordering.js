/**
 * The operator's line to the gateway: what the room looks like, once a second, and orders on their way.
 */

import { whyRefused } from "./sentences.js";

/** @import { OrderFields, RoomState, Words } from "./types.d.ts" */

const POLL_MS = 1_000;
const PATIENCE_MS = 10_000;
const DELIVERY_MS = 300_000; // DELIVERY in schemas/control.py: an order that comes later than this has no effect

/**
 * @typedef {object} OrderingOptions
 * @property {string} url any address of the gateway
 * @property {string} token
 * @property {Words} words
 * @property {{ fingerprint: string, sign(order: Readonly<Record<string, unknown>>): Promise<unknown> } | null} [signer]
 * @property {string} by
 * @property {(room: RoomState) => void} heard
 * @property {(problem: Error) => void} failed
 */

export class Ordering {
  #token;
  #words;
  #signer;
  #by;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * `heard(room)` is called with every answer of /v1/control, `failed(problem)` where there is none.
   * @param {OrderingOptions} options
   */
  constructor({ url, token, words, signer = null, by, heard, failed }) {
    this.url = url;
    this.#token = token;
    this.#words = words;
    this.#signer = signer;
    this.#by = by;
    this.heard = heard;
    this.failed = failed;
    /**
     * The newest answer; null before the first.
     * @type {RoomState | null}
     */
    this.room = null;
  }

  /** Who gives orders here, and with which key. */
  get operator() {
    return { by: this.#by, fingerprint: this.#signer?.fingerprint ?? null };
  }

  /** Look at the room, and again a second after each answer. */
  async watch() {
    clearTimeout(this.#timer);
    await this.look();
    this.#timer = setTimeout(() => this.watch(), POLL_MS);
  }

  /** Look at the room once. */
  async look() {
    try {
      const room = await this.#ask(this.#token);
      this.room = room;
      this.heard(room);
    } catch (error) {
      this.failed(asError(error));
    }
  }

  /**
   * Go on with another token. Rejects one with which there would be no room, and goes on with the one before.
   * @param {string} token
   */
  async renew(token) {
    await this.#ask(token);
    this.#token = token;
    await this.look();
  }

  /**
   * What an order would do by now: {changes, questions, confirm}, or {error}. Nothing is signed or written.
   * @param {OrderFields} fields
   */
  async consider(fields) {
    const { answer } = await this.#post("?consider", JSON.stringify(this.#envelope(fields, "?")));
    return answer;
  }

  /**
   * Give an order. Returns null once it is written, else why it is not: {error}, and {code, changes, questions,
   * confirm} if it is asked about.
   * @param {OrderFields} fields
   * @param {string} reason
   * @param {string | null} confirm
   */
  async order(fields, reason, confirm) {
    const order = this.#envelope(fields, reason);
    const body = JSON.stringify(this.#signer ? await this.#signer.sign(order) : order);
    const { ok, answer } = await this.#post(confirm ? `?confirm=${encodeURIComponent(confirm)}` : "", body);
    if (!ok) return answer;
    await this.look();
    return null;
  }

  /**
   * @param {OrderFields} fields
   * @param {string} reason
   */
  #envelope(fields, reason) {
    const now = Date.now();
    return {
      v: 1,
      run: this.room?.run,
      epoch: this.room?.epoch,
      id: newId(),
      by: this.#by,
      reason,
      at: new Date(now).toISOString(),
      deliver_by: new Date(now + DELIVERY_MS).toISOString(),
      ...fields,
    };
  }

  /**
   * @param {string} token
   * @returns {Promise<RoomState>}
   */
  async #ask(token) {
    const response = await fetch(new URL("/v1/control", this.url), this.#request({}, token));
    const answer = await response.json();
    if (!response.ok) throw new Error(whyRefused(this.#words, answer));
    return answer;
  }

  /**
   * @param {string} query
   * @param {string} body
   */
  async #post(query, body) {
    try {
      const response = await fetch(new URL(`/v1/orders${query}`, this.url), this.#request({ method: "POST", body }));
      const answer = await response.json();
      return { ok: response.ok, answer: { ...answer, error: whyRefused(this.#words, answer) } };
    } catch (error) {
      return { ok: false, answer: { error: asError(error).message } };
    }
  }

  /**
   * @param {RequestInit} options
   * @param {string} [token]
   * @returns {RequestInit}
   */
  #request(options, token = this.#token) {
    return {
      ...options,
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: { authorization: `Bearer ${token}` },
    };
  }
}

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {unknown} error */
function asError(error) {
  return error instanceof Error ? error : new Error(String(error));
}
