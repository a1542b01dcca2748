import assert from "node:assert/strict";
import { test } from "node:test";

import { whoElse } from "../../../gateway/pages/control/who-else.js";

const OWN = /** @type {const} */ ({ name: "A. Kaya", subject: "desk", scope: "operator" });
/** @param {string} by @param {string} at */
const order = (by, at, counts = true) => /** @type {any} */ ({ by, at, counts });

/** @param {object} changes */
const state = (changes) =>
  /** @type {any} */ ({
    subject: "desk",
    scope: "operator",
    at: "2024-03-31T22:00:00Z",
    here: [OWN],
    audit: [],
    ...changes,
  });

test("who looks at the same gateway is told by name, or by what their token says", () => {
  const here = [OWN, { ...OWN, name: "B. Demir" }, { name: "", subject: "trainee", scope: "control_room" }];
  assert.deepEqual(whoElse(state({ here }), "A. Kaya"), { here: ["B. Demir", "trainee"], gave: [] });
  assert.deepEqual(whoElse(state({}), "A. Kaya"), { here: [], gave: [] });
});

test("who looks at another one is told by the orders that they gave of late", () => {
  const audit = [
    order("C. Ak", "2024-03-31T21:50:00Z"),
    order("C. Ak", "2024-03-31T21:49:00Z"),
    order("A. Kaya", "2024-03-31T21:48:00Z"),
    order("B. Demir", "2024-03-31T21:47:00Z"),
    order("forged", "2024-03-31T21:46:00Z", false),
    order("gone", "2024-03-31T21:30:00Z"),
  ];
  const here = [OWN, { ...OWN, name: "B. Demir" }];
  assert.deepEqual(whoElse(state({ here, audit }), "A. Kaya"), { here: ["B. Demir"], gave: ["C. Ak"] });
});
