/**
 * How old the figures are: a feed's age goes on growing between the server's messages.
 */

export class Feeds {
  #state = null;
  #receivedAt = 0;
  #heard = new Map();

  /** `now` gives milliseconds that never step back. */
  constructor(now = () => performance.now()) {
    this.now = now;
  }

  /** Take the server's state message. */
  receive(message) {
    this.#state = message;
    this.#receivedAt = this.now();
  }

  /** A change of this source has just come in: newer than what the last state message knew. */
  heard(source) {
    this.#heard.set(source, this.now());
  }

  /** One source's {state, last_event, age_s}, its age as of now; state "waiting" before anything is known. */
  of(source) {
    const feed = this.#state?.feeds[source];
    if (!feed) return { state: "waiting", last_event: null, age_s: null };
    const since = (moment) => (this.now() - moment) / 1_000;
    const stated = Number.isFinite(feed.age_s) ? feed.age_s + since(this.#receivedAt) : Infinity;
    const heard = this.#heard.has(source) ? since(this.#heard.get(source)) : Infinity;
    const age = Math.min(stated, heard);
    return { ...feed, age_s: Number.isFinite(age) ? age : null };
  }

  /** Until when publishing is forbidden, or null. */
  get embargo() {
    return this.#state?.embargo ?? null;
  }

  /** What an operator holds back. */
  get hold() {
    return this.#state?.hold ?? [];
  }
}
