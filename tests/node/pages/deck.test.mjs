import assert from "node:assert/strict";
import { test } from "node:test";

import { Deck } from "../../../gateway/pages/overlays/deck.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A deck whose frames write down what becomes of them. */
function desk() {
  /** @type {string[]} */
  const log = [];
  let count = 0;
  const deck = new Deck({
    token: "t1",
    addressOf: (overlay, token) => `${overlay}?${token}`,
    makeFrame: () => {
      count += 1;
      const name = `frame ${count}`;
      return {
        open: (address) => void log.push(`${name} opens ${address}`),
        show: async ({ parameters, playing, step, token }) => {
          log.push(`${name} ${playing ? "plays" : "goes"} ${parameters.unit ?? ""} ${step} ${token ?? ""}`.trim());
        },
        close: () => void log.push(`${name} ends`),
      };
    },
  });
  return { deck, log };
}

/** @param {string} overlay @param {Record<string, string>} [parameters] */
const graphic = (overlay, parameters = {}, step = 0) => ({ overlay, parameters, step });

test("another overlay comes while the one before goes, and nothing is left of that", async () => {
  const { deck, log } = desk();
  deck.show(graphic("duel", { unit: "tr/34" }));
  deck.show(graphic("ticker"));
  await settled();
  assert.deepEqual(log, [
    "frame 1 opens duel?t1",
    "frame 1 plays tr/34 0 t1",
    "frame 2 opens ticker?t1",
    "frame 1 goes tr/34 0",
    "frame 2 plays  0 t1",
    "frame 1 ends",
  ]);
});

test("the same overlay only changes, and what is shown already is left alone", async () => {
  const { deck, log } = desk();
  deck.show(graphic("duel", { unit: "tr/34", size: "full" }));
  deck.show(graphic("duel", { size: "full", unit: "tr/34" }));
  deck.show(graphic("duel", { unit: "tr/06", size: "full" }));
  deck.show(graphic("duel", { unit: "tr/06", size: "full" }, 1));
  assert.deepEqual(log.slice(1), ["frame 1 plays tr/34 0 t1", "frame 1 plays tr/06 0 t1", "frame 1 plays tr/06 1 t1"]);
});

test("a clear channel shows nothing, and a new token changes no picture", async () => {
  const { deck, log } = desk();
  deck.show(null);
  deck.renew("t2");
  assert.deepEqual(log, []);
  deck.show(graphic("duel"));
  deck.renew("t3");
  deck.show(null);
  await settled();
  assert.deepEqual(log, [
    "frame 1 opens duel?t2",
    "frame 1 plays  0 t2",
    "frame 1 plays  0 t3",
    "frame 1 goes  0",
    "frame 1 ends",
  ]);
});
