/**
 * What the server has said: the newest figures of every unit, and per subscription the cursor (epoch, seq).
 * Nothing here is ever emptied by a lost connection; only a snapshot replaces what was.
 */

const COUNTS = ["boxes_opened", "annulled", "registered", "cast", "valid", "invalid", "unattributed", "flagged"];

/** A subscription's name: the same for every client that asks for the same, so that they share bytes. */
export function subscriptionId(election, { contest, source, scope }) {
  const place = (list, id) => list.findIndex((item) => item.id === id);
  return [place(election.contests, contest), place(election.sources, source), place(election.units, scope)].join(".");
}

/** Whether a pattern such as `tr/34/*` covers a unit. */
export function covers(pattern, unit) {
  if (!pattern.endsWith("/*")) return pattern === unit;
  const prefix = pattern.slice(0, -1);
  return unit.startsWith(prefix) && !unit.slice(prefix.length).includes("/");
}

export class Store {
  #tables = new Map();
  #cursors = new Map();

  /** The figures of one unit, or undefined where no box is opened. */
  entry(contest, source, unit) {
    return this.#tables.get(`${contest} ${source}`)?.get(unit);
  }

  /** Where a subscription stands, or undefined before its first snapshot. */
  cursor(id) {
    return this.#cursors.get(id);
  }

  /** Take a snapshot: everything there is for the subscription. */
  snapshot(subscription, message) {
    const table = this.#table(subscription);
    for (const unit of [...table.keys()]) {
      if (subscription.units.some((pattern) => covers(pattern, unit))) table.delete(unit);
    }
    for (const entry of message.totals) table.set(entry.unit, merged(undefined, entry));
    this.#cursors.set(subscription.id, { epoch: message.epoch, seq: message.seq });
  }

  /**
   * Take a delta. Returns "gap" where it starts beyond the cursor: then the caller subscribes afresh;
   * "stale" where it was ignored, because it ends before the cursor or a snapshot is still awaited; else "applied".
   */
  delta(subscription, message) {
    const cursor = this.#cursors.get(subscription.id);
    if (!cursor || message.seq < cursor.seq) return "stale";
    if (message.from > cursor.seq) return "gap";
    const table = this.#table(subscription);
    for (const entry of message.totals) table.set(entry.unit, merged(table.get(entry.unit), entry));
    this.#cursors.set(subscription.id, { epoch: cursor.epoch, seq: message.seq });
    return "applied";
  }

  /** Forget where a subscription stands, not what it showed. */
  forget(id) {
    this.#cursors.delete(id);
  }

  #table({ contest, source }) {
    const key = `${contest} ${source}`;
    if (!this.#tables.has(key)) this.#tables.set(key, new Map());
    return this.#tables.get(key);
  }
}

/** What was known with what is said now; fields that are not named stay. */
function merged(before, entry) {
  const after = before ? { ...before } : Object.fromEntries(COUNTS.map((name) => [name, 0]));
  for (const [name, value] of Object.entries(entry)) {
    if (value !== null && value !== undefined && name !== "votes") after[name] = value;
  }
  after.votes = { ...before?.votes, ...entry.votes };
  return after;
}
