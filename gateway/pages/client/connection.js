/**
 * A night that a WebSocket feeds: it comes back by itself, goes on where it stopped, and notices silence.
 */

import { streamUrl } from "./address.js";
import { Night } from "./night.js";

export const PROTOCOL = "sandik.v1";

/** How long an attempt to connect may take: the gateway's own limit for the request. */
const OPENING_MS = 10_000;

/** How long a gateway that has no run yet may be silent; it says hello once it has one. */
const HELLO_MS = 30_000;

/** What RFC 6455 section 7.4.1 calls a connection that ended without a close frame. */
const NOT_CLEAN = 1006;

const CLOCK = {
  now: () => performance.now(),
  setTimeout: (task, ms) => setTimeout(task, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

export class LiveNight extends Night {
  #options;
  #listeners = new Map();
  #socket = null;
  #retry;
  #watchdog;
  #ended = false;

  constructor({ clock = CLOCK, random = Math.random, WebSocket = globalThis.WebSocket, retry, subscriptions = [], ...rest }) {
    super({
      send: (message) => this.#socket.send(JSON.stringify(message)),
      tell: (name, detail) => this.#tell(name, detail),
      now: clock.now, random, retry,
    });
    this.#options = { openingMs: OPENING_MS, helloMs: HELLO_MS, ...rest, clock, WebSocket };
    for (const one of subscriptions) this.subscribe(one);
  }

  /** Hear of "change", "pending", "hello", "state", "event", "connection" or "fault"; returns how to stop. */
  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(listener);
    return () => this.#listeners.get(name).delete(listener);
  }

  /** Open the connection; from now on it is kept open. `connect` has done so. */
  open() {
    const { clock, WebSocket, url, token, openingMs } = this.#options;
    clock.clearTimeout(this.#retry);
    if (this.#ended || this.#socket) return;
    this.connecting();
    const socket = new WebSocket(streamUrl(url, typeof token === "function" ? token() : token), PROTOCOL);
    const mine = (react) => (event) => { if (this.#socket === socket) react(event); };
    this.#socket = socket;
    socket.onopen = mine(() => { this.#watch(); this.opened(); });
    socket.onmessage = mine(({ data }) => { this.#received(data); });
    socket.onclose = mine(({ code }) => { this.#lost(code); });
    socket.onerror = () => {}; // a close follows
    this.#watch(openingMs);
  }

  /** End it: what is shown stands, and no connection is made any more. */
  close() {
    const { clock } = this.#options;
    this.#ended = true;
    clock.clearTimeout(this.#retry);
    clock.clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#socket = null;
    if (this.status !== "closed") this.closed();
    socket?.close();
  }

  #received(data) {
    this.receive(JSON.parse(data));
    if (this.#socket) this.#watch();
  }

  #lost(code) {
    const { clock } = this.#options;
    clock.clearTimeout(this.#watchdog);
    this.#socket = null;
    const delay = this.lose(code);
    if (delay === null) this.#ended = true;
    else if (!this.#ended) this.#retry = clock.setTimeout(() => this.open(), delay);
  }

  /** A connection that says nothing is taken for lost, without waiting for the network to notice. */
  #watch(ms = this.patienceMs ?? this.#options.helloMs) {
    const { clock } = this.#options;
    clock.clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#watchdog = clock.setTimeout(() => {
      if (!socket || this.#socket !== socket) return;
      this.#lost(NOT_CLEAN);
      socket.close();
    }, ms);
  }

  #tell(name, detail) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(detail);
      } catch (error) { // whoever listens must not be able to end the connection
        (globalThis.reportError ?? console.error)(error);
      }
    }
  }
}
