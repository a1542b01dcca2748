import assert from "node:assert/strict";
import { test } from "node:test";

import { pauseAfter } from "../../gateway/pages/client/definition.js";
import { awaitDefinition, connect, fetchDefinition, routeUrl, streamUrl } from "../../gateway/pages/client/index.js";

const WANTED = { contest: "mayor", source: "aa", units: ["tr"] };
const HELLO = {
  type: "hello",
  protocol: "sandik.v1",
  run: "night",
  mode: "test",
  epoch: "e1",
  seq: 3,
  heartbeat_s: 10,
  scope: "public",
};

/** A clock that only a test moves. */
class Clock {
  #now = 0;
  #timers = [];
  /** @type {(() => number) | undefined} the time of day, where it is another than that */
  wall;

  now() {
    return this.#now;
  }

  setTimeout(task, ms) {
    const timer = { at: this.#now + ms, task };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(timer) {
    this.#timers = this.#timers.filter((one) => one !== timer);
  }

  advance(ms) {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= until).sort((left, right) => left.at - right.at)[0];
      if (!next) break;
      this.clearTimeout(next);
      this.#now = next.at;
      next.task();
    }
    this.#now = until;
  }
}

/** A night on sockets and a clock of ours; `random` gives the whole of what may be waited for. */
function stage(options = {}) {
  /** @type {any[]} */
  const sockets = [];
  /** @type {any} as much of a WebSocket as a night uses */
  const Socket = class {
    sent = [];
    closed = false;
    onmessage = (/** @type {unknown} */ _) => {};

    constructor(url, protocol) {
      this.url = url;
      this.protocol = protocol;
      sockets.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.closed = true;
    }

    say(message) {
      this.onmessage({ data: JSON.stringify(message) });
    }
  };
  const clock = new Clock();
  const night = connect({
    url: "http://host:1/?x=1",
    subscriptions: [WANTED],
    clock,
    random: () => 1,
    WebSocket: Socket,
    ...options,
  });
  const news = [];
  night.on("connection", ({ status }) => news.push(status));
  return { night, clock, sockets, news };
}

function open(socket) {
  socket.onopen();
  socket.say(HELLO);
}

test("it subscribes at once, and comes back with its cursor", () => {
  const { night, clock, sockets, news } = stage();
  open(sockets[0]);
  const { id } = sockets[0].sent[0];
  sockets[0].say({
    type: "snapshot",
    id,
    contest: "mayor",
    source: "aa",
    epoch: "e1",
    seq: 3,
    totals: [{ unit: "tr", votes: { a: 1 } }],
  });
  sockets[0].onclose({ code: 1006 });
  assert.deepEqual(night.entry("mayor", "aa", "tr")?.votes, { a: 1 });
  clock.advance(1_999);
  assert.equal(sockets.length, 1);
  clock.advance(1);
  open(sockets[1]);
  assert.deepEqual(sockets[1].sent[0].since, { epoch: "e1", seq: 3 });
  assert.deepEqual(news, ["open", "lost", "connecting", "open"]);
});

test("it waits for as long as goodbye asks", () => {
  const { clock, sockets } = stage();
  open(sockets[0]);
  sockets[0].say({ type: "goodbye", code: 1012, retry_after_s: 7.5 });
  sockets[0].onclose({ code: 1012 });
  clock.advance(7_499);
  assert.equal(sockets.length, 1);
  clock.advance(1);
  assert.equal(sockets.length, 2);
});

test("a pause that nobody would wait is not heeded", () => {
  const { clock, sockets } = stage();
  open(sockets[0]);
  sockets[0].say({ type: "goodbye", code: 1012, retry_after_s: 1e12 });
  sockets[0].onclose({ code: 1012 });
  clock.advance(8_000);
  assert.equal(sockets.length, 2);
});

test("pauses double with each failure, to a limit, until a hello", () => {
  const { clock, sockets } = stage();
  for (const pause of [2_000, 4_000, 8_000, 8_000]) {
    const before = sockets.length;
    sockets.at(-1).onclose({ code: 1006 });
    clock.advance(pause - 1);
    assert.equal(sockets.length, before);
    clock.advance(1);
    assert.equal(sockets.length, before + 1);
  }
  open(sockets.at(-1));
  sockets.at(-1).onclose({ code: 1006 });
  clock.advance(2_000);
  assert.equal(sockets.length, 6);
});

test("a close code from 4500 on is the end", () => {
  const { night, clock, sockets, news } = stage();
  open(sockets[0]);
  sockets[0].onclose({ code: 4501 });
  clock.advance(600_000);
  assert.equal(sockets.length, 1);
  assert.deepEqual([night.status, night.code, news.at(-1)], ["refused", 4501, "refused"]);
});

test("three heartbeats of silence are a lost connection, and what the old one says late is not heard", () => {
  const { night, clock, sockets } = stage();
  open(sockets[0]);
  clock.advance(29_999);
  assert.equal(night.status, "open");
  clock.advance(1);
  assert.deepEqual([night.status, sockets[0].closed], ["lost", true]);
  sockets[0].onclose({ code: 1000 });
  sockets[0].say({ ...HELLO, epoch: "late" });
  assert.equal(night.epoch, "e1");
  clock.advance(2_000);
  assert.equal(sockets.length, 2);
});

test("an attempt that nobody answers is given up, and so is one that nobody greets", () => {
  const { clock, sockets } = stage();
  clock.advance(10_000);
  assert.equal(sockets[0].closed, true);
  clock.advance(2_000);
  sockets[1].onopen();
  clock.advance(29_999);
  assert.equal(sockets[1].closed, false);
  clock.advance(1);
  assert.equal(sockets[1].closed, true);
});

test("each connection asks for the token of the moment", () => {
  let issued = 0;
  const { clock, sockets } = stage({ token: () => `t${issued++ + 1}` });
  sockets[0].onclose({ code: 4003 });
  clock.advance(2_000);
  assert.deepEqual(
    sockets.map(({ url }) => url),
    ["ws://host:1/v1/stream?token=t1", "ws://host:1/v1/stream?token=t2"],
  );
  assert.equal(sockets[0].protocol, "sandik.v1");
});

test("closing ends it, and what is shown stands", () => {
  const { night, clock, sockets } = stage();
  open(sockets[0]);
  night.close();
  night.close();
  clock.advance(600_000);
  assert.deepEqual([night.status, sockets.length, sockets[0].closed], ["closed", 1, true]);
});

test("a listener that fails does not end the connection, nor one that has had enough hear more", (t) => {
  const complaints = t.mock.method(console, "error", () => {});
  const { night, clock, sockets } = stage();
  let heard = 0;
  night.on("connection", () => {
    throw new Error("mine");
  });
  const off = night.on("connection", () => {
    heard += 1;
  });
  sockets[0].onclose({ code: 1006 });
  off();
  clock.advance(2_000);
  assert.deepEqual([sockets.length, heard, complaints.mock.callCount() > 0], [2, 1, true]);
});

test("every address of a gateway leads to its doors, with the token and what it is a view of", () => {
  assert.equal(
    streamUrl("https://h.example/control?view=program", "t"),
    "wss://h.example/v1/stream?token=t&view=program",
  );
  assert.equal(
    routeUrl("/v1/facts", "https://h.example/overlays/swing?view=program&lang=en").href,
    "https://h.example/v1/facts?view=program",
  );
  assert.equal(streamUrl("https://night.example/?contest=x&token=abc"), "wss://night.example/v1/stream?token=abc");
  assert.equal(streamUrl("ws://night.example:8765/v1/stream"), "ws://night.example:8765/v1/stream");
  assert.equal(
    routeUrl("/v1/totals", "wss://night.example/v1/stream", "t").href,
    "https://night.example/v1/totals?token=t",
  );
});

test("the definition is asked for until there is one", async () => {
  const answers = [
    new Error("no server"),
    { ok: false, status: 503 },
    { ok: true, json: async () => ({ id: "night", contests: [] }) },
  ];
  const asked = [];
  /** @type {any} */
  const fetch = async (url) => {
    asked.push(url.href);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const waited = [];
  const onWait = (error) => waited.push(error.message);
  const definition = await awaitDefinition({
    url: "ws://host:1/v1/stream",
    token: "t",
    fetch,
    onWait,
    random: () => 0,
  });
  assert.deepEqual(definition, { id: "night", contests: [] });
  assert.deepEqual(waited, ["no server", "The definition is not there yet (503)."]);
  assert.equal(asked[0], "http://host:1/v1/definition?token=t");
});

test("what is no definition is asked for again, and a Retry-After is heeded with a bound", async () => {
  const answer = (/** @type {any} */ given) => fetchDefinition({ url: "http://h", fetch: async () => given });
  const login = { ok: true, json: async () => JSON.parse("<!doctype html>") };
  const rejected = [];
  for (const given of [login, { ok: true, json: async () => ({ login: true }) }, { ok: true, json: async () => null }])
    rejected.push(await answer(given).then(String, (error) => error.name));
  assert.deepEqual(rejected, ["SyntaxError", "TypeError", "TypeError"]);

  const pauses = [];
  for (const seconds of ["7", "3600", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", null]) {
    const error = await answer({ ok: false, status: 503, headers: { get: () => seconds } }).catch((one) => one);
    assert.equal(error.status, 503);
    pauses.push([pauseAfter(error, 0, () => 0), pauseAfter(error, 9, () => 1)]);
  }
  assert.deepEqual(pauses, [
    [7_000, 11_000],
    [60_000, 64_000],
    [0, 4_000],
    [0, 4_000],
    [0, 4_000],
  ]);
});

test("a machine that was asleep notices within two seconds that nobody speaks to it any more", () => {
  const { clock, sockets, news } = stage();
  let asleep = 0;
  clock.wall = () => clock.now() + asleep;
  open(sockets[0]);
  clock.advance(5_000);
  assert.equal(news.at(-1), "open");
  asleep = 3 * 3_600_000;
  clock.advance(2_000);
  assert.equal(news.at(-1), "lost");
  clock.advance(2_000);
  assert.equal(sockets.length, 2);
});

test("where the network is back nobody waits for the pause", () => {
  const { clock, sockets, night } = stage();
  open(sockets[0]);
  sockets[0].onclose({ code: 1006 });
  const told = new EventTarget();
  const [add, remove] = [globalThis.addEventListener, globalThis.removeEventListener];
  assert.equal(sockets.length, 1);
  Object.assign(globalThis, {
    addEventListener: told.addEventListener.bind(told),
    removeEventListener: told.removeEventListener.bind(told),
  });
  try {
    const other = stage();
    open(other.sockets[0]);
    told.dispatchEvent(new Event("online"));
    assert.equal(other.sockets.length, 1);
    other.sockets[0].onclose({ code: 1006 });
    told.dispatchEvent(new Event("online"));
    assert.equal(other.sockets.length, 2);
    other.night.close();
    told.dispatchEvent(new Event("online"));
    assert.equal(other.sockets.length, 2);
  } finally {
    Object.assign(globalThis, { addEventListener: add, removeEventListener: remove });
  }
  night.close();
  clock.advance(10_000);
  assert.equal(sockets.length, 1);
});

test("a new token takes the old one's place without anything being lost", () => {
  const { night, sockets, news } = stage({ token: "old" });
  open(sockets[0]);
  const { id } = sockets[0].sent[0];
  sockets[0].say({
    type: "snapshot",
    id,
    contest: "mayor",
    source: "aa",
    epoch: "e1",
    seq: 3,
    totals: [{ unit: "tr", votes: { a: 1 } }],
  });
  night.renew("old");
  assert.equal(sockets.length, 1);
  night.renew("new");
  assert.deepEqual([sockets.length, sockets[0].closed, sockets[1].url], [2, false, "ws://host:1/v1/stream?token=new"]);
  sockets[0].say({ type: "delta", id, from: 3, seq: 4, totals: [{ unit: "tr", votes: { a: 2 } }] });
  open(sockets[1]);
  assert.deepEqual([sockets[0].closed, sockets[1].sent[0].since], [true, { epoch: "e1", seq: 4 }]);
  sockets[0].onclose({ code: 1000 });
  sockets[1].say({ type: "delta", id, from: 4, seq: 5, totals: [{ unit: "tr", votes: { a: 3 } }] });
  assert.deepEqual(night.entry("mayor", "aa", "tr")?.votes, { a: 3 });
  assert.deepEqual([...new Set(news)], ["open"]);
  assert.equal(sockets.length, 2);
});

test("a new token that is refused ends nothing, and one that comes late is tried at once", () => {
  const { night, clock, sockets, news } = stage({ token: "old" });
  open(sockets[0]);
  night.renew("bad");
  sockets[1].onclose({ code: 1006 });
  assert.deepEqual([night.status, sockets[0].closed], ["open", false]);
  night.renew("silent");
  clock.advance(10_000);
  assert.deepEqual([night.status, sockets[2].closed], ["open", true]);
  sockets[0].onclose({ code: 4003 });
  assert.equal(night.status, "lost");
  night.renew("good");
  assert.equal(sockets[3].url, "ws://host:1/v1/stream?token=good");
  night.renew("better");
  assert.deepEqual([sockets[3].closed, sockets[4].url], [true, "ws://host:1/v1/stream?token=better"]);
  open(sockets[4]);
  clock.advance(20_000);
  assert.equal(sockets.length, 5);
  assert.equal(news.at(-1), "open");
});

test("a function is asked for the token of the moment, and after the end nothing is opened", () => {
  let current = "first";
  const { night, sockets } = stage({ token: () => current });
  open(sockets[0]);
  night.renew();
  assert.equal(sockets.length, 1);
  current = "second";
  night.renew();
  assert.equal(sockets[1].url, "ws://host:1/v1/stream?token=second");
  night.close();
  assert.deepEqual([sockets[0].closed, sockets[1].closed], [true, true]);
  sockets[1].onopen();
  current = "third";
  night.renew();
  assert.deepEqual([sockets.length, night.status], [2, "closed"]);
});
