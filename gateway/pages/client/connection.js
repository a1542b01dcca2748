/**
 * A night that a WebSocket feeds: it comes back by itself, goes on where it stopped, and notices silence.
 */

import { routeUrl, streamUrl } from "./address.js";
import { Listeners } from "./listeners.js";
import { Night } from "./night.js";

/** @import { Clock, ConnectOptions, Events, Socket } from "./index.d.ts" */

const PROTOCOL = "sandik.v1";

/** How long an attempt to connect may take: the gateway's own limit for the request. */
const OPENING_MS = 10_000;

/** How long a gateway that has no run yet may be silent; it says hello once it has one. */
const HELLO_MS = 30_000;

/**
 * How often silence is looked for: a machine that was asleep for hours notices so soon that its connection is gone. A
 * browser's timers stand still meanwhile, and so may the clock that never steps back.
 */
const LOOK_MS = 2_000;

/** What RFC 6455 section 7.4.1 calls a connection that ended without a close frame. */
const NOT_CLEAN = 1006;

/** @type {Clock} */
const CLOCK = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimeout: (task, ms) => setTimeout(task, ms),
  clearTimeout: (timer) => clearTimeout(/** @type {number | undefined} */ (timer)),
};

export class LiveNight extends Night {
  #options;
  #listeners;
  /** @type {Socket | null} */
  #socket = null;
  /**
   * A connection with a newer token that takes the socket's place once it is open.
   * @type {{ socket: Socket, late: unknown } | null}
   */
  #successor = null;
  /** @type {unknown} */
  #retry;
  /** @type {unknown} */
  #watchdog;
  #ended = false;
  /** The network is back: nobody waits for the pause any more. */
  #online = () => {
    if (this.status === "lost") this.open();
  };
  /**
   * The token of the newest attempt.
   * @type {string | null}
   */
  #dialled = null;

  /** @param {ConnectOptions & {url: string}} connectOptions */
  constructor({
    clock = CLOCK,
    random = Math.random,
    WebSocket = /** @type {NonNullable<ConnectOptions["WebSocket"]>} */ (/** @type {unknown} */ (globalThis.WebSocket)),
    retry,
    subscriptions = [],
    ...rest
  }) {
    const listeners = new Listeners();
    super({
      send: (message) => this.#socket?.send(JSON.stringify(message)),
      tell: (name, detail) => listeners.tell(name, detail),
      now: () => clock.now(),
      random,
      retry,
    });
    this.#listeners = listeners;
    this.#options = { openingMs: OPENING_MS, helloMs: HELLO_MS, ...rest, clock, WebSocket };
    for (const one of subscriptions) this.subscribe(one);
    globalThis.addEventListener?.("online", this.#online);
  }

  /**
   * Hear of "change", "pending", "hello", "state", "event", "connection" or "fault"; returns how to stop.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(detail: Events[Name]) => void} listener
   */
  on(name, listener) {
    return this.#listeners.on(name, listener);
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
    globalThis.removeEventListener?.("online", this.#online);
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

  /**
   * From now on this is the connection.
   * @param {Socket} socket
   */
  #follow(socket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket) this.#received(data);
    };
    socket.onclose = ({ code }) => {
      if (this.#socket === socket) this.#lost(code);
    };
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

  /** @param {string} data */
  #received(data) {
    this.receive(JSON.parse(data));
    if (this.#socket) this.#watch();
  }

  /** @param {number} code */
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
    const wall = () => clock.wall?.() ?? clock.now();
    const since = wall();
    const look = (/** @type {number} */ left) => {
      const pause = Math.min(left, LOOK_MS);
      this.#watchdog = clock.setTimeout(() => {
        if (!socket || this.#socket !== socket) return;
        if (left > pause && wall() - since < ms) {
          look(left - pause);
          return;
        }
        this.#lost(NOT_CLEAN);
        socket.close();
      }, pause);
    };
    look(ms);
  }
}
