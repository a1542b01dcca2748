import assert from "node:assert/strict";
import { test } from "node:test";

import { Night } from "../../../gateway/pages/client/night.js";

const WANTED = { contest: "mayor", source: "aa", units: ["tr"] };

/** @type {import("../../../gateway/pages/client/index.js").HelloMessage} */
const HELLO = {
  type: "hello",
  protocol: "sandik.v1",
  run: "n",
  mode: "live",
  epoch: "e",
  seq: 1,
  heartbeat_s: 10,
  scope: "public",
};

function night() {
  const clock = { ms: 5_000 };
  const one = new Night({ send: () => {}, tell: () => {}, now: () => clock.ms });
  const { id } = one.subscribe(WANTED);
  const connect = () => {
    one.connecting();
    one.opened();
    one.receive(HELLO);
  };
  const state = (at, more = {}) => one.receive({ type: "state", seq: 1, at, feeds: {}, ...more });
  const snapshot = () => one.receive({ type: "snapshot", id, ...WANTED, epoch: "e", seq: 1, as_of: null, totals: [] });
  const delta = (from, seq) => one.receive({ type: "delta", id, from, seq, as_of: null, totals: [] });
  return { one, clock, connect, state, snapshot, delta };
}

test("the gateway's clock goes on between its messages", () => {
  const { one, clock, connect, state } = night();
  assert.equal(one.serverTime, null);
  connect();
  state("2024-03-31T20:00:00+03:00");
  clock.ms += 2_500;
  assert.equal(one.serverTime, "2024-03-31T17:00:02.500Z");
});

test("figures are current when everything that is followed is answered, and with every message after that", () => {
  const { one, clock, connect, state, snapshot, delta } = night();
  connect();
  state("2024-03-31T20:00:00+03:00");
  assert.equal(one.currentAt, null);
  clock.ms += 1_000;
  snapshot();
  assert.equal(one.currentAt, "2024-03-31T17:00:01.000Z");
  clock.ms += 1_000;
  delta(1, 2);
  assert.equal(one.currentAt, "2024-03-31T17:00:02.000Z");
  clock.ms += 600_000;
  assert.equal(one.currentAt, "2024-03-31T17:00:02.000Z");
  state("2024-03-31T20:10:03+03:00");
  assert.equal(one.currentAt, "2024-03-31T17:10:03.000Z");
});

test("another connection, or a gateway that cannot read its log, makes them no newer before it has answered", () => {
  const { one, clock, connect, state, snapshot, delta } = night();
  connect();
  state("2024-03-31T20:00:00+03:00");
  snapshot();
  one.lose(1006);
  clock.ms += 60_000;
  connect();
  state("2024-03-31T20:01:00+03:00");
  assert.equal(one.currentAt, "2024-03-31T17:00:00.000Z");
  delta(1, 1);
  assert.equal(one.currentAt, "2024-03-31T17:01:00.000Z");
  clock.ms += 60_000;
  state("2024-03-31T20:02:00+03:00", { reachable: false });
  assert.equal(one.currentAt, "2024-03-31T17:01:00.000Z");
});
