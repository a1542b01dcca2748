import assert from "node:assert/strict";
import { test } from "node:test";

import { Night } from "../../../gateway/pages/client/night.js";
import { takeFirst } from "../../../gateway/pages/first-figures.js";

const WHERE = { contest: "mayor", source: "aa", unit: "tr" };
const ENTRY = { unit: "tr", level: "country", boxes_opened: 1, boxes_total: 9, votes: { kurum: 5 } };

function begun() {
  const sent = [];
  const told = [];
  const night = new Night({
    send: (message) => sent.push(message),
    tell: (name, detail) => told.push([name, detail]),
    now: () => 0,
  });
  takeFirst(night, { ...WHERE, epoch: "9f2c", seq: 7, as_of: null, totals: [ENTRY] });
  return { night, sent, told };
}

const votes = (night) => night.entry("mayor", "aa", "tr")?.votes.kurum;

test("figures that came over HTTP are shown before the stream is open, and told as a change", () => {
  const { night, sent, told } = begun();
  assert.equal(votes(night), 5);
  assert.deepEqual(sent, []);
  assert.deepEqual(told, [["change", { contest: "mayor", source: "aa", units: ["tr"] }]]);
});

test("what the stream says of the same unit stands before them, however it counts", () => {
  const { night } = begun();
  const { id } = night.subscribe({ contest: "mayor", source: "aa", units: ["tr", "tr/*"] });
  night.opened();
  assert.equal(votes(night), 5);
  const totals = [{ ...ENTRY, votes: { kurum: 4 } }];
  night.receive({ type: "snapshot", id, contest: "mayor", source: "aa", epoch: "9f2c", seq: 8, as_of: null, totals });
  assert.equal(votes(night), 4);
});
