/**
 * The connection: `sandik.v1` over a WebSocket that comes back by itself and goes on where it stopped.
 */

import { subscriptionId } from "./store.js";

export const PROTOCOL = "sandik.v1";

const RETRY_BASE_MS = 250;
const RETRY_CAP_MS = 8_000;
/** Signs of life that may be missed before a silent connection counts as lost. */
const MISSED_HEARTBEATS = 2.5;
/** As often as a viewer can take in a new number; what lies between is conflated by the server. */
const MAX_RATE_HZ = 2;

/** Full jitter: anything up to a limit that doubles with each failure, so that clients do not return in step. */
export function retryDelay(failures, random = Math.random) {
  return random() * Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** Math.min(failures, 16));
}

/** Whether a close code asks for another connection: 4500 to 4999 say that it would be no use. */
export function mayReconnect(code) {
  return !(code >= 4500 && code <= 4999);
}

/** A route's address beside the page's own, with the read token that the page was opened with, if it was. */
export function routeUrl(route, page) {
  const url = new URL(route, page);
  const token = new URL(page).searchParams.get("token");
  if (token) url.searchParams.set("token", token);
  return url;
}

/** The WebSocket's address. */
export function streamUrl(page) {
  const url = routeUrl("/v1/stream", page);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/**
 * Keeps subscriptions alive. Tells `listener` of: change(), heard(source), state(message), hello(message),
 * connection({status, since, retryAt, code}), fault(text).
 */
export class Client {
  #socket = null;
  #wanted = new Map();
  #failures = 0;
  #retry = null;
  #watchdog = null;
  #heartbeatMs = 15_000;
  #ready = false;
  #retryAfterMs = null;
  #finished = false;

  constructor({ url, store, listener, random = Math.random, Socket = globalThis.WebSocket }) {
    Object.assign(this, { url, store, listener, random, Socket });
  }

  /** Open the connection; from now on it is kept open. */
  start() {
    clearTimeout(this.#retry);
    if (this.#finished || this.#socket) return;
    this.listener.connection({ status: "connecting" });
    const socket = new this.Socket(this.url, PROTOCOL);
    this.#socket = socket;
    socket.onmessage = (event) => this.#socket === socket && this.#received(JSON.parse(event.data));
    socket.onclose = (event) => this.#socket === socket && this.#lost(event.code);
    this.#watch();
  }

  /** Want exactly these subscriptions ({contest, source, scope, units}); the rest are given up. */
  want(election, subscriptions) {
    const wanted = new Map(subscriptions.map((one) => {
      const id = subscriptionId(election, one);
      return [id, { ...one, id }];
    }));
    for (const id of this.#wanted.keys()) {
      if (!wanted.has(id)) this.#send({ type: "unsubscribe", id });
    }
    const before = this.#wanted;
    this.#wanted = wanted;
    for (const [id, subscription] of wanted) if (!before.has(id)) this.#subscribe(subscription);
  }

  #received(message) {
    this.#watch();
    switch (message.type) {
      case "hello": return this.#hello(message);
      case "snapshot": return this.#snapshot(message);
      case "delta": return this.#delta(message);
      case "state": return this.listener.state(message);
      case "error": return this.#error(message);
      case "goodbye": this.#retryAfterMs = message.retry_after_s * 1_000; return undefined;
      default: return undefined; // a newer server may say more; what we do not know we do not need
    }
  }

  #hello(message) {
    this.#failures = 0;
    this.#ready = true;
    this.#heartbeatMs = message.heartbeat_s * 1_000;
    this.listener.hello(message);
    this.listener.connection({ status: "open" });
    for (const subscription of this.#wanted.values()) this.#subscribe(subscription);
  }

  #snapshot(message) {
    const subscription = this.#wanted.get(message.id);
    if (!subscription) return;
    this.store.snapshot(subscription, message);
    this.listener.change();
  }

  #delta(message) {
    const subscription = this.#wanted.get(message.id);
    if (!subscription) return;
    if (this.store.delta(subscription, message) === "gap") {
      this.store.forget(subscription.id);
      this.#subscribe(subscription);
      return;
    }
    if (message.totals.length) this.listener.heard(subscription.source);
    this.listener.change();
  }

  #error(message) {
    if (message.code === "not_ready") {
      this.#socket.close(); // it will be asked again after the pause of a lost connection
      return;
    }
    this.listener.fault(message.message);
  }

  #subscribe({ id, contest, source, units }) {
    const message = { type: "subscribe", id, contest, source, units, max_rate_hz: MAX_RATE_HZ };
    const since = this.store.cursor(id);
    this.#send(since ? { ...message, since } : message);
  }

  #send(message) {
    if (this.#ready) this.#socket.send(JSON.stringify(message));
  }

  #lost(code) {
    clearTimeout(this.#watchdog);
    this.#socket = null;
    this.#ready = false;
    if (!mayReconnect(code)) {
      this.#finished = true;
      this.listener.connection({ status: "refused", code });
      return;
    }
    const delay = this.#retryAfterMs ?? retryDelay(this.#failures, this.random);
    this.#retryAfterMs = null;
    this.#failures += 1;
    this.listener.connection({ status: "lost", code });
    this.#retry = setTimeout(() => this.start(), delay);
  }

  /** A connection that says nothing is taken for lost, without waiting for the network to notice. */
  #watch() {
    clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#watchdog = setTimeout(() => {
      if (this.#socket !== socket || !socket) return;
      socket.onclose = null;
      socket.close();
      this.#lost(1006);
    }, this.#heartbeatMs * MISSED_HEARTBEATS);
  }
}
