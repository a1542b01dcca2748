/**
 * One subscription: what it covers, the figures it has brought, and its cursor (epoch, seq).
 */

import { judge } from "./cursor.js";

/** @import { ClientMessage, DeltaMessage, Entry, SnapshotMessage, TotalsEntry, Wanted } from "./index.d.ts" */

/** What is so of a unit of which nothing was said. */
const UNHEARD = {
  boxes_opened: 0,
  annulled: 0,
  registered: null,
  cast: null,
  valid: null,
  invalid: null,
  unattributed: 0,
  flagged: 0,
  blank: null,
  overridden: [],
  boxes_surplus: 0,
  complete: false,
  contradictions: [],
};

/**
 * FNV-1a, 32 bits, over UTF-16 code units (all of them ASCII here).
 * @param {string} text
 * @param {number} basis
 */
function fnv(text, basis) {
  let hash = basis;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/**
 * A subscription's name: the same for every client that asks for the same, so that they share the server's bytes.
 * @param {Wanted} wanted
 */
export function subscriptionId({ contest, source, units, maxRateHz }) {
  const text = [contest, source, ...units, maxRateHz ?? ""].join(" ");
  return fnv(text, 0x811c9dc5) + fnv(text, 0x050c5d1f);
}

/**
 * Whether a pattern such as `tr/34/*` covers a unit.
 * @param {string} pattern
 * @param {string} unit
 */
export function covers(pattern, unit) {
  if (!pattern.endsWith("/*")) return pattern === unit;
  const prefix = pattern.slice(0, -1);
  return unit.startsWith(prefix) && !unit.slice(prefix.length).includes("/");
}

/**
 * What was known with what is said now; fields that are not named stay. Never changes what was.
 * @param {Entry | undefined} before
 * @param {TotalsEntry} entry
 */
function merged(before, entry) {
  const named = Object.entries(entry).filter(
    ([name, value]) => name !== "votes" && value !== null && value !== undefined,
  );
  const votes = { ...before?.votes, ...entry.votes };
  return /** @type {Entry} */ ({ ...(before ?? UNHEARD), ...Object.fromEntries(named), votes });
}

/**
 * Whether two entries (or none) show the same.
 * @param {unknown} left
 * @param {unknown} right
 * @returns {boolean}
 */
export function same(left, right) {
  if (left === right) return true;
  if (!isRecord(left) || !isRecord(right)) return false;
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => same(left[name], right[name]));
}

/**
 * @param {unknown} value
 * @returns {value is Readonly<Record<string, unknown>>}
 */
function isRecord(value) {
  return typeof value === "object" && value !== null;
}

export class Subscription {
  /** How many handles are open; with none the figures are only kept for whoever comes back. */
  handles = 0;
  /**
   * Unit → entry; null before the first snapshot.
   * @type {Map<string, Entry> | null}
   */
  table = null;
  /** @type {string | null} */
  epoch = null;
  seq = 0;
  #placed = false;

  /** @param {Wanted} wanted */
  constructor({ contest, source, units, maxRateHz }) {
    this.contest = contest;
    this.source = source;
    this.units = [...units];
    this.maxRateHz = maxRateHz;
    this.id = subscriptionId(this);
  }

  /** Where to resume from; null while a snapshot is awaited. */
  get cursor() {
    return this.#placed ? { epoch: this.epoch, seq: this.seq } : null;
  }

  /**
   * Whether it has anything to say about a unit.
   * @param {string} unit
   */
  covers(unit) {
    // an id says nothing of what a unit is in: the units of another tree are those that the table has
    return this.table?.has(unit) || this.units.some((pattern) => covers(pattern, unit));
  }

  /**
   * The message that asks for it, from the cursor on where there is one.
   * @returns {ClientMessage}
   */
  ask() {
    return {
      type: "subscribe",
      id: this.id,
      contest: this.contest,
      source: this.source,
      units: this.units,
      ...(this.maxRateHz === undefined ? {} : { max_rate_hz: this.maxRateHz }),
      ...(this.cursor ? { since: this.cursor } : {}),
    };
  }

  /**
   * Take a snapshot: it replaces everything.
   * @param {SnapshotMessage} message
   */
  snapshot(message) {
    this.table = new Map(message.totals.map((entry) => [entry.unit, merged(undefined, entry)]));
    this.epoch = message.epoch;
    this.seq = message.seq;
    this.#placed = true;
  }

  /**
   * Take a delta of the connection's epoch. Returns what it was, and the units that it names if applied.
   * @param {DeltaMessage} message
   * @param {string | null} epoch
   */
  delta(message, epoch) {
    const verdict = judge(this.cursor, epoch, message.from, message.seq);
    if (verdict !== "next") return { verdict, units: [] };
    const { table } = this;
    if (table) for (const entry of message.totals) table.set(entry.unit, merged(table.get(entry.unit), entry));
    this.seq = message.seq;
    return { verdict, units: message.totals.map((entry) => entry.unit) };
  }

  /** Forget the cursor, not what is shown: the next answer must be a snapshot. */
  forget() {
    this.#placed = false;
  }
}
