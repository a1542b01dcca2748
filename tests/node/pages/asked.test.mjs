import assert from "node:assert/strict";
import { test } from "node:test";

import { Asked } from "../../../gateway/pages/asked.js";

const WHERE = { contest: "parliament", source: "aa", unit: "tr" };

/** A gateway that answers when it is told to, and a clock. */
function night() {
  /** @type {{ now: number, told: number, asked: any[] }} */
  const found = { now: 0, told: 0, asked: [] };
  const seats = new Asked(
    (where) => new Promise((resolve, reject) => found.asked.push({ where, resolve, reject })),
    () => {
      found.told += 1;
    },
    () => found.now,
  );
  return { found, seats };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("what the gateway said is shown, and asked for again a second later", async () => {
  const { found, seats } = night();
  assert.equal(seats.of(WHERE), undefined);
  assert.equal(seats.of(WHERE), undefined);
  assert.equal(found.asked.length, 1);
  found.asked[0].resolve({ house: 3 });
  await settled();
  assert.deepEqual([seats.of(WHERE), found.told, found.asked.length], [{ house: 3 }, 1, 1]);
  found.now = 1_000;
  seats.of(WHERE);
  found.asked[1].resolve({ house: 3 });
  await settled();
  assert.equal(found.told, 1, "the same again is nothing new");
});

test("the last answer stands while the gateway cannot be reached", async () => {
  const { found, seats } = night();
  seats.of(WHERE);
  found.asked[0].resolve({ house: 3 });
  await settled();
  found.now = 1_000;
  seats.of(WHERE);
  found.asked[1].reject(new Error("gone"));
  await settled();
  assert.deepEqual(seats.of(WHERE), { house: 3 });
  found.now = 2_000;
  seats.of(WHERE);
  assert.equal(found.asked.length, 3);
});

test("an answer about another unit is never shown", async () => {
  const { found, seats } = night();
  seats.of(WHERE);
  assert.equal(seats.of({ ...WHERE, unit: "tr/34" }), undefined);
  found.asked[0].resolve({ house: 3 });
  await settled();
  assert.equal(found.told, 1, "so that it is drawn, and asked, once more");
  assert.equal(seats.of({ ...WHERE, unit: "tr/34" }), undefined);
  assert.equal(found.asked[1].where.unit, "tr/34");
});
