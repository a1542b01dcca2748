/**
 * A night as one client knows it, without any I/O: messages in, a local view and messages out.
 *
 * Nothing here is ever emptied by a lost connection, a restart or another epoch; only a snapshot replaces what was.
 * `sandik/client/night.py` is the same machine in Python, and tests run the same transcripts through both.
 */

import { Feeds } from "./feeds.js";
import { mayReconnect, pauseMs, retryDelay } from "./retry.js";
import { Subscription, same } from "./subscription.js";

/**
 * @import { Call, ClientMessage, DeltaMessage, Entry, Events, HelloMessage } from "./index.d.ts"
 * @import { Mode, Scope, ServerMessage, SnapshotMessage, StateMessage, Status, Wanted } from "./index.d.ts"
 */

/**
 * Subscriptions that were closed and whose figures are kept, so that coming back costs a delta: as many as are open.
 */
const MAX_RETAINED = 32;

/** Signs of life that may be missed before a silent connection counts as lost: what docs/protocol.md says. */
const MISSED_HEARTBEATS = 3;

/** @typedef {Map<string, Entry | undefined>} Figures by contest, source and unit */
/** @typedef {{ contest: string, source: string, unit: string }} Cell */

/**
 * @typedef {object} NightOptions
 * @property {(message: ClientMessage) => void} send
 * @property {(name: keyof Events, detail: any) => void} tell
 * @property {() => number} now milliseconds that never step back
 * @property {(() => number) | undefined} [random]
 * @property {{ firstMs?: number, longestMs?: number } | undefined} [retry]
 */

export class Night {
  /** @type {Map<string, Subscription>} */
  #subscriptions = new Map();
  #feeds;
  /** @type {StateMessage | null} */
  #state = null;
  /**
   * While this screen is held: what it shows.
   * @type {Figures | null}
   */
  #frozen = null;
  /** @type {readonly Call[]} */
  #frozenCalls = [];
  #failures = 0;
  /** @type {number | null} */
  #retryAfterMs = null;
  /** @type {number | null} */
  #heartbeatMs = null;
  #connected = false;
  /**
   * The subscriptions that this connection has answered: before, their figures may be older than the server's.
   * @type {Set<Subscription>}
   */
  #answered = new Set();
  #send;
  #tell;
  #random;
  #retry;

  /**
   * "connecting", "open", "lost" (it comes back by itself), "refused" (it does not) or "closed" (by us).
   * @type {Status}
   */
  status = "connecting";
  /**
   * The close code of the last connection that ended; null before.
   * @type {number | null}
   */
  code = null;
  /** @type {string | null} */
  run = null;
  /**
   * "live", "test" or "replay"; null before the first hello.
   * @type {Mode | null}
   */
  mode = null;
  /** @type {string | null} */
  epoch = null;
  /**
   * The version of the definition by which figures are summed up; null before the first hello.
   * @type {number | null}
   */
  definitionVersion = null;
  /** @type {Scope | null} */
  scope = null;
  /** Deltas that began beyond the cursor: faults of the server's, each mended by a fresh snapshot. */
  gaps = 0;

  /**
   * `send(message)` and `tell(name, detail)` carry out what follows from a message; `now` gives milliseconds.
   * @param {NightOptions} nightOptions
   */
  constructor({ send, tell, now, random, retry }) {
    this.#send = send;
    this.#tell = tell;
    this.#random = random;
    this.#retry = retry ?? {};
    this.#feeds = new Feeds(now);
  }

  // What a screen reads.

  /**
   * The figures of one unit, or undefined where nothing is known. Never changed in place.
   * @param {string} contest
   * @param {string} source
   * @param {string} unit
   */
  entry(contest, source, unit) {
    return this.#frozen ? this.#frozen.get(keyOf(contest, source, unit)) : this.newest(contest, source, unit);
  }

  /**
   * The same, also of what is held back locally: for a preview beside the program.
   * @param {string} contest
   * @param {string} source
   * @param {string} unit
   */
  newest(contest, source, unit) {
    /** @type {Subscription | null} */
    let best = null;
    for (const one of this.#subscriptions.values()) {
      if (
        one.table &&
        one.contest === contest &&
        one.source === source &&
        one.covers(unit) &&
        this.#outranks(one, best)
      )
        best = one;
    }
    return best?.table?.get(unit);
  }

  /** By source {state, last_event, age_s}; the state is "unknown" while there is no connection. */
  get feeds() {
    return this.#feeds.read(this.status === "open");
  }

  /**
   * What the gateway's clock says by now: this machine's may be wrong. Null before the gateway has said.
   */
  get serverTime() {
    return isoOf(this.#feeds.serverTime());
  }

  /**
   * By the gateway's clock, when the figures were last known to be current: it was connected, read its log, and had
   * answered everything that is followed. Null before.
   */
  get currentAt() {
    return isoOf(this.#feeds.currentAt);
  }

  /** Whether the gateway reads its log, as it last said; while it does not, every feed is down. */
  get reachable() {
    return this.#state?.reachable ?? true;
  }

  /** Whether numbers are for the control room only. */
  get embargoed() {
    return this.#state?.embargoed ?? false;
  }

  /** Until when, or null where only an operator ends it. */
  get embargo() {
    return this.#state?.embargo ?? null;
  }

  /** What operators hold back, for everyone: contests, or contest/unit. */
  get held() {
    return this.#state?.hold ?? [];
  }

  /** The units above those, of which a part is held; named alike. See `isHeld`. */
  get heldInPart() {
    return this.#state?.held_in_part ?? [];
  }

  /** Who has won, in an editor's word. */
  get calls() {
    return this.#frozen ? this.#frozenCalls : (this.#state?.calls ?? []);
  }

  /** By channel what operators have put on air: {overlay, parameters, step}; a channel that is clear is not there. */
  get graphics() {
    return this.#state?.graphics ?? {};
  }

  /** Where a replay is: {clock, speed, status, first, last}, its clock as of now; null in any other night. */
  get replay() {
    return this.#feeds.replay();
  }

  // Hold and take, for this screen alone.

  /** Whether this screen is held. */
  get holding() {
    return this.#frozen !== null;
  }

  /** How many entries have other figures by now than this screen shows; 0 unless it is held. */
  get pending() {
    return this.#changed().length;
  }

  /** From now on what screens see does not move. */
  hold() {
    if (this.#frozen) return;
    this.#frozen = this.#visible();
    this.#frozenCalls = this.#state?.calls ?? [];
    this.#tell("pending", { pending: 0 });
  }

  /** Let the newest through, all of it in one step, and stay held. */
  take() {
    if (!this.#frozen) return;
    const changed = this.#changed();
    this.#frozen = this.#visible();
    this.#frozenCalls = this.#state?.calls ?? [];
    this.#tell("pending", { pending: 0 });
    this.#tellChanges(changed);
  }

  /** Let the newest through and follow again. */
  release() {
    if (!this.#frozen) return;
    const changed = this.#changed();
    this.#frozen = null;
    this.#tell("pending", { pending: 0 });
    this.#tellChanges(changed);
  }

  // What is followed.

  /**
   * Follow {contest, source, units, maxRateHz?}; the handle's `close()` ends it. The same twice is followed once.
   * @param {Wanted} wanted
   */
  subscribe(wanted) {
    const fresh = new Subscription(wanted);
    const one = this.#subscriptions.get(fresh.id) ?? fresh;
    this.#subscriptions.delete(one.id); // the newest last, so that the oldest is the first to be let go
    this.#subscriptions.set(one.id, one);
    one.handles += 1;
    if (one.handles === 1 && this.#connected) this.#send(one.ask());
    this.#letGo();
    let open = true;
    const close = () => {
      if (open) this.#unsubscribe(one);
      open = false;
    };
    return { id: one.id, close };
  }

  // What a connection drives.

  /** A connection is being opened. */
  connecting() {
    this.#connection("connecting");
  }

  /** It is open: ask for everything, from the cursors on. What is asked before `hello` is answered after it. */
  opened() {
    this.#connected = true;
    this.#answered.clear();
    for (const one of this.#subscriptions.values()) if (one.handles) this.#send(one.ask());
  }

  /**
   * A message came in; one of a kind that is not known is ignored, for a newer server may say more.
   * @param {ServerMessage} message
   */
  receive(message) {
    switch (message.type) {
      case "hello":
        return this.#hello(message);
      case "snapshot":
        return this.#snapshot(message);
      case "delta":
        return this.#delta(message);
      case "state":
        return this.#stated(message);
      case "event":
        return this.#frozen ? undefined : this.#tell("event", message);
      case "error":
        return this.#tell("fault", message);
      case "goodbye":
        this.#retryAfterMs = pauseMs(message.retry_after_s);
        return undefined;
      default:
        return undefined;
    }
  }

  /**
   * The connection is lost. Returns the milliseconds to wait before the next; null where there must be none.
   * @param {number} code
   */
  lose(code) {
    this.#connected = false;
    this.code = code;
    if (!mayReconnect(code)) {
      this.#connection("refused");
      return null;
    }
    const { firstMs, longestMs } = this.#retry;
    const delay = this.#retryAfterMs ?? retryDelay(this.#failures, this.#random, firstMs, longestMs);
    this.#retryAfterMs = null;
    this.#failures += 1;
    this.#connection("lost");
    return delay;
  }

  /** We have ended it. */
  closed() {
    this.#connected = false;
    this.#connection("closed");
  }

  /** How long the connection may be silent before it counts as lost; null before the first hello. */
  get patienceMs() {
    return this.#heartbeatMs && this.status === "open" ? this.#heartbeatMs * MISSED_HEARTBEATS : null;
  }

  /** @param {Status} status */
  #connection(status) {
    this.status = status;
    this.#tell("connection", { status, code: this.code });
  }

  /** @param {HelloMessage} message */
  #hello(message) {
    const { run, mode, epoch, scope } = message;
    this.run = run;
    this.mode = mode;
    this.epoch = epoch;
    this.definitionVersion = message.definition_version ?? 1; // releases before amendments say none
    this.scope = scope ?? "public";
    this.#failures = 0;
    this.#heartbeatMs = pauseMs(message.heartbeat_s);
    this.#tell("hello", message);
    this.#connection("open");
  }

  /** @param {StateMessage} message */
  #stated(message) {
    this.#state = message;
    this.#feeds.receive(message);
    this.#confirm();
    this.#tell("state", message);
  }

  /** @param {SnapshotMessage} message */
  #snapshot(message) {
    const one = this.#subscriptions.get(message.id);
    if (!one) return;
    const before = this.#visible(one);
    one.snapshot(message);
    this.#confirm(one);
    this.#moved(
      one,
      this.#difference(before, this.#visible(one)).map(({ unit }) => unit),
    );
  }

  /** @param {DeltaMessage} message */
  #delta(message) {
    const one = this.#subscriptions.get(message.id);
    if (!one) return;
    const { verdict, units } = one.delta(message, this.epoch);
    if (verdict !== "gap") this.#confirm(one);
    if (verdict === "gap") {
      this.gaps += 1;
      one.forget();
      this.#answered.delete(one);
      if (one.handles) this.#send(one.ask());
    } else if (units.length) {
      this.#feeds.heard(one.source);
      this.#moved(one, units);
    }
  }

  /**
   * A message has come, perhaps this subscription's: where all that are followed are answered, the figures are current.
   * @param {Subscription} [one]
   */
  #confirm(one = undefined) {
    if (one?.handles) this.#answered.add(one);
    const followed = [...this.#subscriptions.values()].filter(({ handles }) => handles);
    if (this.reachable && followed.every((each) => this.#answered.has(each))) this.#feeds.confirm();
  }

  /**
   * @param {Subscription} subscription
   * @param {string[]} units
   */
  #moved({ contest, source }, units) {
    if (this.#frozen) this.#tell("pending", { pending: this.pending });
    else this.#tell("change", { contest, source, units });
  }

  /** Where the newest figures are others than those that are shown. */
  #changed() {
    return this.#frozen ? this.#difference(this.#frozen, this.#visible()) : [];
  }

  /**
   * The newest figures; only of the same contest and source as `like`, if it is given.
   * @param {Subscription} [like]
   */
  #visible(like = undefined) {
    /** @type {Figures} */
    const visible = new Map();
    for (const { contest, source, table } of this.#subscriptions.values()) {
      if (like && (like.contest !== contest || like.source !== source)) continue;
      for (const unit of table?.keys() ?? []) {
        const key = keyOf(contest, source, unit);
        if (!visible.has(key)) visible.set(key, this.newest(contest, source, unit));
      }
    }
    return visible;
  }

  /**
   * The places at which two such maps differ: {contest, source, unit}.
   * @param {Figures} before
   * @param {Figures} after
   */
  #difference(before, after) {
    const keys = [...new Set([...before.keys(), ...after.keys()])];
    return keys
      .filter((key) => !same(before.get(key), after.get(key)))
      .map((key) => {
        const [contest, source, unit] = key.split(" ");
        return { contest, source, unit };
      });
  }

  /** @param {Cell[]} changed */
  #tellChanges(changed) {
    const changes = new Map();
    for (const { contest, source, unit } of changed) {
      const pair = keyOf(contest, source, "");
      if (!changes.has(pair)) changes.set(pair, { contest, source, units: [] });
      changes.get(pair).units.push(unit);
    }
    for (const change of changes.values()) this.#tell("change", change);
  }

  /**
   * What is followed stands before what no longer is, this epoch before another, the later before the earlier.
   * @param {Subscription} one
   * @param {Subscription | null} other
   */
  #outranks(one, other) {
    if (!other) return true;
    /** @param {Subscription} each */
    const rank = (each) => [each.handles > 0, each.epoch === this.epoch, each.seq].map(Number);
    const [left, right] = [rank(one), rank(other)];
    const place = left.findIndex((value, index) => value !== right[index]);
    return place >= 0 && left[place] > right[place];
  }

  /** @param {Subscription} one */
  #unsubscribe(one) {
    one.handles -= 1;
    if (one.handles === 0) this.#answered.delete(one);
    if (one.handles === 0 && this.#connected) this.#send({ type: "unsubscribe", id: one.id });
    this.#letGo();
  }

  /** Forget the oldest of those that nobody follows any more. */
  #letGo() {
    const retained = [...this.#subscriptions.values()].filter((one) => !one.handles);
    for (const one of retained.slice(0, Math.max(0, retained.length - MAX_RETAINED)))
      this.#subscriptions.delete(one.id);
  }
}

/**
 * @param {string} contest
 * @param {string} source
 * @param {string} unit
 */
function keyOf(contest, source, unit) {
  return `${contest} ${source} ${unit}`;
}

/** @param {number | null} ms */
function isoOf(ms) {
  return ms === null ? null : new Date(ms).toISOString();
}
