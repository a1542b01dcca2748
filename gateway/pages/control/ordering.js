/**
 * The operator's line to the gateway: what the room looks like, once a second, and orders on their way.
 */

import { whyRefused } from "./sentences.js";

/** @import { Considered, OrderFields, QuarantinePage, RoomState, Words } from "./types.d.ts" */

/** @typedef {{ error?: string, code?: string, why?: string | null }} Answer what the gateway says where it refuses */

const POLL_MS = 1_000;
const PATIENCE_MS = 10_000;
const AT_ONCE = 4; // of many orders: a browser has six connections to a host, and the room goes on being looked at
const DELIVERY_MS = 300_000; // DELIVERY in schemas/control.py: an order that comes later than this has no effect

/**
 * @typedef {object} OrderingOptions
 * @property {string} url any address of the gateway
 * @property {string} token
 * @property {Words} words
 * @property {{ fingerprint: string, sign(order: Readonly<Record<string, unknown>>): Promise<unknown> } | null} [signer]
 * @property {string} by
 * @property {boolean} [isDemo] whether the key is a demo's
 * @property {(room: RoomState) => void} heard
 * @property {(problem: Error) => void} failed
 */

export class Ordering {
  #token;
  #words;
  #signer;
  #by;
  #isDemo;
  /** What `performance.now()` was zero at, by the gateway's clock. */
  #zero = performance.timeOrigin;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * `heard(room)` is called with every answer of /v1/control, `failed(problem)` where there is none.
   * @param {OrderingOptions} options
   */
  constructor({ url, token, words, signer = null, by, isDemo = false, heard, failed }) {
    this.url = url;
    this.#token = token;
    this.#words = words;
    this.#signer = signer;
    this.#by = by;
    this.#isDemo = isDemo;
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
    return { by: this.#by, fingerprint: this.#signer?.fingerprint ?? null, isDemo: this.#isDemo };
  }

  /**
   * Now, in milliseconds since 1970, by the gateway's clock as far as it has told: orders say so when they were given,
   * and this machine's clock may be hours off.
   */
  get now() {
    return Math.round(this.#zero + performance.now());
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
      const room = await askRoom(this.url, this.#token, this.#words, this.#by);
      this.room = room;
      this.#zero = Date.parse(room.at) - performance.now();
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
    await askRoom(this.url, token, this.#words, this.#by);
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
   * confirm} if it is asked about. `written(id)` is called before the room is looked at again.
   * @param {OrderFields} fields
   * @param {string} reason
   * @param {string | null} confirm
   * @param {(id: string) => void} [written]
   */
  async order(fields, reason, confirm, written = () => {}) {
    const { answer, id } = await this.#give(fields, reason, confirm);
    if (answer) return answer;
    written(id);
    await this.look();
    return null;
  }

  /**
   * Give many orders of one type, a few at once where none depends on another, and look at the room at the end.
   * Resolves to what is left of them, with why, where one was not taken; what is settled by then is passed over.
   * @param {readonly OrderFields[]} many
   * @param {string} reason
   * @param {string | null} confirm
   * @param {(done: number) => void} progress
   * @returns {Promise<{ rest: readonly OrderFields[], answer: Considered | null, last: string | null }>}
   */
  async orderMany(many, reason, confirm, progress) {
    /** @type {string | null} */
    let last = null;
    // of several that are let out at one revision the last one stands: those are given one after the other
    const atOnce = many[0]?.type === "quarantine_released" ? 1 : AT_ONCE;
    for (let from = 0; from < many.length; from += atOnce) {
      const some = many.slice(from, from + atOnce);
      const given = await Promise.all(some.map((fields) => this.#give(fields, reason, confirm)));
      last = given.filter(({ answer }) => !answer).at(-1)?.id ?? last;
      const failed = given.findIndex(({ answer }) => answer && answer.code !== "not_releasable");
      if (failed >= 0) {
        const again = some.filter((_, index) => given[index].answer);
        return { rest: [...again, ...many.slice(from + atOnce)], answer: given[failed].answer, last };
      }
      progress(from + some.length);
    }
    await this.look();
    return { rest: [], answer: null, last };
  }

  /**
   * A page of what waits in quarantine.
   * @param {Readonly<Record<string, string | number>>} query
   * @returns {Promise<QuarantinePage>}
   */
  async records(query) {
    const fields = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
    const response = await fetch(new URL(`/v1/quarantine?${fields}`, this.url), requestOf(this.#token));
    const answer = await response.json();
    if (!response.ok) throw new RoomRefused(this.#words, answer);
    return answer;
  }

  /**
   * Sign an order and hand it in.
   * @param {OrderFields} fields
   * @param {string} reason
   * @param {string | null} confirm
   * @returns {Promise<{ answer: Considered | null, id: string }>} `answer` is why it was not taken
   */
  async #give(fields, reason, confirm) {
    const order = this.#envelope(fields, reason);
    const body = JSON.stringify(this.#signer ? await this.#signer.sign(order) : order);
    const { ok, answer } = await this.#post(confirm ? `?confirm=${encodeURIComponent(confirm)}` : "", body);
    return { answer: ok ? null : answer, id: order.id };
  }

  /**
   * @param {OrderFields} fields
   * @param {string} reason
   */
  #envelope(fields, reason) {
    const { now } = this;
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
   * @param {string} query
   * @param {string} body
   */
  async #post(query, body) {
    try {
      const response = await fetch(
        new URL(`/v1/orders${query}`, this.url),
        requestOf(this.#token, { method: "POST", body }),
      );
      const answer = await response.json();
      return { ok: response.ok, answer: { ...answer, error: whyRefused(this.#words, answer) } };
    } catch (error) {
      return { ok: false, answer: { error: asError(error).message } };
    }
  }
}

/** The room cannot be shown. `code` says why, where the gateway has answered. */
export class RoomRefused extends Error {
  /**
   * @param {Words} words
   * @param {Answer} answer
   */
  constructor(words, answer) {
    super(whyRefused(words, answer));
    this.code = answer.code ?? "";
  }
}

/**
 * What the room looks like to whoever has this token. Rejects with a `RoomRefused` where the gateway does not say.
 * @param {string} url
 * @param {string} token
 * @param {Words} words
 * @param {string} [by] under which name the others in the room see them
 * @returns {Promise<RoomState>}
 */
export async function askRoom(url, token, words, by = "") {
  const query = by ? `?${new URLSearchParams({ as: by })}` : "";
  const response = await fetch(new URL(`/v1/control${query}`, url), requestOf(token));
  const answer = await response.json();
  if (!response.ok) throw new RoomRefused(words, answer);
  return answer;
}

/**
 * @param {string} token
 * @param {RequestInit} [options]
 * @returns {RequestInit}
 */
function requestOf(token, options = {}) {
  return {
    ...options,
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE_MS),
    headers: { authorization: `Bearer ${token}` },
  };
}

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {unknown} error */
function asError(error) {
  return error instanceof Error ? error : new Error(String(error));
}
