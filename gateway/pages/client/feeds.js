/**
 * How the feeds are, and how old: ages go on growing between the server's messages, by a clock that never steps back.
 */

export class Feeds {
  #state = null;
  #at = 0;
  #heard = new Map();

  /** `now` gives milliseconds that never step back. */
  constructor(now) {
    this.now = now;
  }

  /** Take the server's state message. */
  receive(state) {
    this.#state = state;
    this.#at = this.now();
  }

  /** A change of this source has just come in: newer than what the last state message knew. */
  heard(source) {
    this.#heard.set(source, this.now());
  }

  /** By source {state, last_event, age_s, set_aside, restarted, ahead, impossible}, ages as of now. Without a connection nobody knows how a feed is. */
  read(connected) {
    const feeds = Object.entries(this.#state?.feeds ?? {});
    return Object.fromEntries(feeds.map(([source, feed]) => [source, this.#read(source, feed, connected)]));
  }

  /** Where a replay is by now: its clock has gone on since the message. */
  replay() {
    const replay = this.#state?.replay;
    if (!replay || replay.status !== "playing") return replay ?? null;
    const clock = Date.parse(replay.clock) + (this.now() - this.#at) * replay.speed;
    return { ...replay, clock: new Date(Math.min(clock, Date.parse(replay.last))).toISOString() };
  }

  #read(source, feed, connected) {
    const since = (moment) => (this.now() - moment) / 1_000;
    const stated = Number.isFinite(feed.age_s) ? feed.age_s + since(this.#at) : Infinity;
    const heard = this.#heard.has(source) ? since(this.#heard.get(source)) : Infinity;
    const age = Math.min(stated, heard);
    const state = connected ? feed.state : "unknown";
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
