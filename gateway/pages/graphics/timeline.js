/**
 * A night that a timeline feeds (`sandik timeline`), in place of a connection: whatever was on air at a moment of it.
 */

import { Listeners } from "../client/listeners.js";
import { Night } from "../client/night.js";
import { covers } from "../client/subscription.js";

/** @import { ClientMessage, Timeline, TotalsEntry } from "../overlays/types.d.ts" */

const FORMAT = "sandik.timeline.v1";

export class TimelineNight extends Night {
  #timeline;
  #now;
  #listeners;
  /** @type {Map<string, Map<string, TotalsEntry>>} */
  #tables = new Map();
  /** @type {Map<string, { contest: string, source: string, units: readonly string[] }>} */
  #subscribed = new Map();
  #next = 0;
  #seq = 0;

  /**
   * `now` gives the night's milliseconds since 1970.
   * @param {Timeline} timeline
   * @param {() => number} now
   */
  constructor(timeline, now) {
    const listeners = new Listeners();
    super({
      send: (message) => this.#answer(message),
      tell: (name, detail) => listeners.tell(name, detail),
      now,
      random: () => 0,
    });
    if (timeline?.format !== FORMAT)
      throw new Error(`That is no timeline of the format ${FORMAT}. sandik timeline writes one.`);
    this.#listeners = listeners;
    this.#timeline = timeline;
    this.#now = now;
    this.definition = timeline.definition;
    const { run, mode, epoch } = timeline;
    this.connecting();
    this.opened();
    this.receive({ type: "hello", protocol: "sandik.v1", run, mode, epoch, seq: 0, heartbeat_s: 10, scope: "public" });
  }

  /**
   * The night's own time: an archive has no clock to be apart from.
   * @override
   */
  get serverTime() {
    return new Date(this.#now()).toISOString();
  }

  /**
   * @param {string} name
   * @param {(detail: any) => void} listener
   */
  on(name, listener) {
    return this.#listeners.on(name, listener);
  }

  /** A timeline has no boundaries: maps are drawn as tiles. */
  async boundaries() {
    return null;
  }

  /**
   * Take everything up to this moment (milliseconds since 1970). What was long ago is no news.
   * @param {number} moment
   * @param {{news?: boolean}} [options]
   */
  until(moment, { news = true } = {}) {
    const { first, messages } = this.#timeline;
    for (; this.#next < messages.length && first + messages[this.#next][0] <= moment; this.#next += 1) {
      const message = messages[this.#next][1];
      if (message.type === "totals") this.#count(message);
      else if (message.type !== "event" || news) this.receive(message);
    }
  }

  /** @param {{contest: string, source: string, totals: TotalsEntry[]}} options */
  #count({ contest, source, totals }) {
    const table = this.#table(contest, source);
    for (const entry of totals) {
      const before = table.get(entry.unit);
      table.set(entry.unit, { ...before, ...entry, votes: { ...before?.votes, ...entry.votes } });
    }
    const from = this.#seq;
    this.#seq += 1;
    for (const [id, one] of this.#subscribed) {
      const mine =
        one.contest === contest && one.source === source ? totals.filter(({ unit }) => covered(one, unit)) : [];
      this.receive({ type: "delta", id, from, seq: this.#seq, as_of: null, totals: mine });
    }
  }

  /**
   * @param {string} contest
   * @param {string} source
   */
  #table(contest, source) {
    const key = `${contest} ${source}`;
    const table = this.#tables.get(key) ?? new Map();
    this.#tables.set(key, table);
    return table;
  }

  /** @param {ClientMessage} message */
  #answer(message) {
    const { id } = message;
    if (message.type === "unsubscribe") this.#subscribed.delete(id);
    if (message.type !== "subscribe") return;
    const { contest, source, units } = message;
    const one = { contest, source, units };
    this.#subscribed.set(id, one);
    const totals = [...this.#table(contest, source).values()].filter(({ unit }) => covered(one, unit));
    this.receive({
      type: "snapshot",
      id,
      contest,
      source,
      epoch: this.#timeline.epoch,
      seq: this.#seq,
      as_of: null,
      totals,
    });
  }
}

/**
 * @param {{units: readonly string[]}} options
 * @param {string} unit
 */
function covered({ units }, unit) {
  return units.some((pattern) => covers(pattern, unit));
}
