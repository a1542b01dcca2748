/**
 * A night that a WebSocket feeds: it comes back by itself, goes on where it stopped, and notices silence.
 */

import { routeUrl, streamUrl } from "./address.js";
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
  /** A connection with a newer token that takes the socket's place once it is open. */
  #successor = null;
  #retry;
  #watchdog;
  #ended = false;
  /** The token of the newest attempt. */
  #dialled = null;

  constructor({
    clock = CLOCK,
    random = Math.random,
    WebSocket = globalThis.WebSocket,
    retry,
    subscriptions = [],
    ...rest
  }) {
    super({
      send: (message) => this.#socket.send(JSON.stringify(message)),
      tell: (name, detail) => this.#tell(name, detail),
      now: () => clock.now(),
      random,
      retry,
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
    const { clock, openingMs } = this.#options;
    clock.clearTimeout(this.#retry);
    if (this.#ended || this.#socket) return;
    this.connecting();
    const socket = this.#dial();
    this.#follow(socket);
    socket.onopen = () => {
      if (this.#socket === socket) this.#begin();
    };
    this.#watch(openingMs);
  }

  /**
   * Take a new read token, or without one ask the function that gives them. The connection stays until one with the new
   * token is open and goes on from the cursors: nothing is shown as lost. Where there is none, it is tried at once.
   */
  renew(token = undefined) {
    const { clock } = this.#options;
    if (token !== undefined) this.#options.token = token;
    if (this.#ended || this.#token === this.#dialled) return;
    if (this.status === "open") this.#succeed();
    else {
      const before = this.#socket; // with the token before: it would be refused
      this.#socket = null;
      before?.close();
      clock.clearTimeout(this.#watchdog);
      this.open();
    }
  }

  /** End it: what is shown stands, and no connection is made any more. */
  close() {
    const { clock } = this.#options;
    this.#ended = true;
    clock.clearTimeout(this.#retry);
    clock.clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#socket = null;
    this.#dismiss();
    if (this.status !== "closed") this.closed();
    socket?.close();
  }

  get #token() {
    const { url, token } = this.#options;
    return (typeof token === "function" ? token() : token) ?? routeUrl("/", url).searchParams.get("token");
  }

  #dial() {
    const { WebSocket, url } = this.#options;
    this.#dialled = this.#token;
    const socket = new WebSocket(streamUrl(url, this.#dialled ?? undefined), PROTOCOL);
    socket.onerror = () => {}; // a close follows
    return socket;
  }

  /** From now on this is the connection. */
  #follow(socket) {
    const mine = (react) => (event) => {
      if (this.#socket === socket) react(event);
    };
    this.#socket = socket;
    socket.onmessage = mine(({ data }) => {
      this.#received(data);
    });
    socket.onclose = mine(({ code }) => {
      this.#lost(code);
    });
  }

  #begin() {
    this.#watch();
    this.opened();
  }

  /** Dial beside the connection that there is, which goes on if nothing comes of it. */
  #succeed() {
    const { clock, openingMs } = this.#options;
    this.#dismiss();
    const socket = this.#dial();
    const late = clock.setTimeout(() => this.#dismiss(), openingMs);
    this.#successor = { socket, late };
    socket.onclose = () => {
      if (this.#successor?.socket === socket) this.#dismiss();
    };
    socket.onopen = () => {
      if (this.#successor?.socket !== socket) return;
      this.#successor = null;
      clock.clearTimeout(late);
      clock.clearTimeout(this.#retry);
      const before = this.#socket;
      this.#follow(socket);
      this.#begin();
      before?.close();
    };
  }

  #dismiss() {
    const { clock } = this.#options;
    const successor = this.#successor;
    this.#successor = null;
    clock.clearTimeout(successor?.late);
    successor?.socket.close();
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
      } catch (error) {
        // whoever listens must not be able to end the connection
        (globalThis.reportError ?? console.error)(error);
      }
    }
  }
}
