import assert from "node:assert/strict";
import { test } from "node:test";

import { feedState } from "../../../gateway/pages/feed-state.js";
import { entry } from "./election.mjs";

/** @type {Parameters<typeof feedState>[0][]} */
const STATES = ["live", "quiet", "stale", "down", "unknown", "waiting"];

test("a source that has opened every box is complete, and its silence no alarm", () => {
  assert.deepEqual(
    STATES.map((state) => feedState(state, entry({ complete: true }), true)),
    ["live", "complete", "complete", "complete", "unknown", "waiting"],
  );
  assert.equal(feedState("down", entry(), true), "down");
  assert.equal(feedState("down", undefined, true), "down");
});

test("while the gateway cannot read its log, nobody knows whether a source is silent", () => {
  assert.equal(feedState("down", entry({ complete: true }), false), "down");
});
