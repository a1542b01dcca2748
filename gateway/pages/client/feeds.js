/**
 * How the feeds are, and how old: ages go on growing between the server's messages, by a clock that never steps back.
 */

/** @import { StateMessage } from "./index.d.ts" */

export class Feeds {
  /** @type {StateMessage | null} */
  #state = null;
  #at = 0;
  /** @type {number | null} */
  #currentAt = null;
  /** @type {Map<string, number>} */
  #heard = new Map();

  /**
   * `now` gives milliseconds that never step back.
   * @param {() => number} now
   */
  constructor(now) {
    this.now = now;
  }

  /**
   * Take the server's state message.
   * @param {StateMessage} state
   */
  receive(state) {
    this.#state = state;
    this.#at = this.now();
  }

  /** What the server's clock says by now, in milliseconds since 1970; null before its first state message. */
  serverTime() {
    return this.#state ? Date.parse(this.#state.at) + this.now() - this.#at : null;
  }

  /** The figures are current at this moment. */
  confirm() {
    this.#currentAt = this.serverTime();
  }

  /** When they were last, by the server's clock: milliseconds since 1970; null before. */
  get currentAt() {
    return this.#currentAt;
  }

  /**
   * A change of this source has just come in: newer than what the last state message knew.
   * @param {string} source
   */
  heard(source) {
    this.#heard.set(source, this.now());
  }

  /**
   * By source {state, last_event, age_s, set_aside, restarted, ahead, impossible}, ages as of now. Without a connection
   * nobody knows how a feed is.
   * @param {boolean} connected
   */
  read(connected) {
    const feeds = Object.entries(this.#state?.feeds ?? {});
    return Object.fromEntries(feeds.map(([source, feed]) => [source, this.#read(source, feed, connected)]));
  }

  /** Where a replay is by now: its clock has gone on since the message. */
  replay() {
    const replay = this.#state?.replay;
    if (replay?.status !== "playing") return replay ?? null;
    const clock = Date.parse(replay.clock) + (this.now() - this.#at) * replay.speed;
    return { ...replay, clock: new Date(Math.min(clock, Date.parse(replay.last))).toISOString() };
  }

  /**
   * @param {string} source
   * @param {StateMessage["feeds"][string]} feed
   * @param {boolean} connected
   */
  #read(source, feed, connected) {
    /** @param {number} moment */
    const since = (moment) => (this.now() - moment) / 1_000;
    const stated = feed.age_s === null ? Infinity : feed.age_s + since(this.#at);
    const heard = since(this.#heard.get(source) ?? -Infinity);
    const age = Math.min(stated, heard);
    const state = connected ? feed.state : /** @type {const} */ ("unknown");
    return {
      ...feed,
      state,
      age_s: Number.isFinite(age) ? age : null,
      set_aside: feed.set_aside ?? 0,
      restarted: feed.restarted ?? 0,
      ahead: feed.ahead ?? 0,
      impossible: feed.impossible ?? 0,
    };
  }
}
