/**
 * One subscription: what it covers, the figures it has brought, and its cursor (epoch, seq).
 */

import { judge } from "./cursor.js";

const COUNTS = ["boxes_opened", "annulled", "registered", "cast", "valid", "invalid", "unattributed", "flagged"];
/** What is so of a unit of which nothing else was said. */
const UNCLAIMED = { overridden: [], boxes_surplus: 0, complete: false, contradictions: [] };

/** FNV-1a, 32 bits, over UTF-16 code units (all of them ASCII here). */
function fnv(text, basis) {
  let hash = basis;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** A subscription's name: the same for every client that asks for the same, so that they share the server's bytes. */
export function subscriptionId({ contest, source, units, maxRateHz }) {
  const text = [contest, source, ...units, maxRateHz ?? ""].join(" ");
  return fnv(text, 0x811c9dc5) + fnv(text, 0x050c5d1f);
}

/** Whether a pattern such as `tr/34/*` covers a unit. */
export function covers(pattern, unit) {
  if (!pattern.endsWith("/*")) return pattern === unit;
  const prefix = pattern.slice(0, -1);
  return unit.startsWith(prefix) && !unit.slice(prefix.length).includes("/");
}

/** What was known with what is said now; fields that are not named stay. Never changes what was. */
function merged(before, entry) {
  const after = before ? { ...before } : { ...Object.fromEntries(COUNTS.map((name) => [name, 0])), ...UNCLAIMED };
  for (const [name, value] of Object.entries(entry)) {
    if (value !== null && value !== undefined && name !== "votes") after[name] = value;
  }
  after.votes = { ...before?.votes, ...entry.votes };
  return after;
}

/** Whether two entries (or none) show the same. */
export function same(left, right) {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || !left || !right) return false;
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => same(left[name], right[name]));
}

export class Subscription {
  /** How many handles are open; with none the figures are only kept for whoever comes back. */
  handles = 0;
  /** Unit → entry; null before the first snapshot. */
  table = null;
  epoch = null;
  seq = 0;
  #placed = false;

  constructor({ contest, source, units, maxRateHz }) {
    Object.assign(this, { contest, source, units: [...units], maxRateHz });
    this.id = subscriptionId(this);
  }

  /** Where to resume from; null while a snapshot is awaited. */
  get cursor() {
    return this.#placed ? { epoch: this.epoch, seq: this.seq } : null;
  }

  /** Whether it has anything to say about a unit. */
  covers(unit) {
    return this.units.some((pattern) => covers(pattern, unit));
  }

  /** The message that asks for it, from the cursor on where there is one. */
  ask() {
    const message = { type: "subscribe", id: this.id, contest: this.contest, source: this.source, units: this.units };
    if (this.maxRateHz !== undefined) message.max_rate_hz = this.maxRateHz;
    if (this.cursor) message.since = this.cursor;
    return message;
  }

  /** Take a snapshot: it replaces everything. */
  snapshot(message) {
    this.table = new Map(message.totals.map((entry) => [entry.unit, merged(undefined, entry)]));
    Object.assign(this, { epoch: message.epoch, seq: message.seq });
    this.#placed = true;
  }

  /** Take a delta of the connection's epoch. Returns what it was, and the units that it names if applied. */
  delta(message, epoch) {
    const verdict = judge(this.cursor, epoch, message.from, message.seq);
    if (verdict !== "next") return { verdict, units: [] };
    for (const entry of message.totals) this.table.set(entry.unit, merged(this.table.get(entry.unit), entry));
    this.seq = message.seq;
    return { verdict, units: message.totals.map((entry) => entry.unit) };
  }

  /** Forget the cursor, not what is shown: the next answer must be a snapshot. */
  forget() {
    this.#placed = false;
  }
}
