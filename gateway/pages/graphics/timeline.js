/**
 * A night that a timeline feeds (`sandik timeline`), in place of a connection: whatever was on air at a moment of it.
 */

import { Night } from "../client/night.js";
import { covers } from "../client/subscription.js";

const FORMAT = "sandik.timeline.v1";

export class TimelineNight extends Night {
  #timeline;
  #listeners = new Map();
  #tables = new Map();
  #subscribed = new Map();
  #next = 0;
  #seq = 0;

  /** `now` gives the night's milliseconds since 1970. */
  constructor(timeline, now) {
    super({
      send: (message) => this.#answer(message),
      tell: (name, detail) => this.#tell(name, detail),
      now,
      random: () => 0,
    });
    if (timeline?.format !== FORMAT)
      throw new Error(`That is no timeline of the format ${FORMAT}. sandik timeline writes one.`);
    this.#timeline = timeline;
    this.definition = timeline.definition;
    const { run, mode, epoch } = timeline;
    this.connecting();
    this.opened();
    this.receive({ type: "hello", protocol: "sandik.v1", run, mode, epoch, seq: 0, heartbeat_s: 10, scope: "public" });
  }

  on(name, listener) {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
  }

  /** A timeline has no boundaries: maps are drawn as tiles. */
  async boundaries() {
    return null;
  }

  /** Take everything up to this moment (milliseconds since 1970). What was long ago is no news. */
  until(moment, { news = true } = {}) {
    const { first, messages } = this.#timeline;
    for (; this.#next < messages.length && first + messages[this.#next][0] <= moment; this.#next += 1) {
      const message = messages[this.#next][1];
      if (message.type === "totals") this.#count(message);
      else if (message.type !== "event" || news) this.receive(message);
    }
  }

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

  #table(contest, source) {
    const key = `${contest} ${source}`;
    if (!this.#tables.has(key)) this.#tables.set(key, new Map());
    return this.#tables.get(key);
  }

  #answer({ type, id, contest, source, units }) {
    if (type === "unsubscribe") this.#subscribed.delete(id);
    if (type !== "subscribe") return;
    const one = { contest, source, units };
    this.#subscribed.set(id, one);
    const totals = [...this.#table(contest, source).values()].filter(({ unit }) => covered(one, unit));
    this.receive({ type: "snapshot", id, contest, source, epoch: this.epoch, seq: this.#seq, as_of: null, totals });
  }

  #tell(name, detail) {
    for (const listener of this.#listeners.get(name) ?? []) listener(detail);
  }
}

function covered({ units }, unit) {
  return units.some((pattern) => covers(pattern, unit));
}
