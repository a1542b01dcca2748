import assert from "node:assert/strict";
import { test } from "node:test";

import { inverseOf, outcomeOf } from "../../../gateway/pages/control/outcome.js";

const WHERE = { contest: "mayor", unit: "tr/34" };
const CELL = { ...WHERE, source: "aa" };
const CALL = { ...WHERE, candidate: "a", by: "Ayşe" };
const BY_HAND = { contest: "mayor", source: "aa", district: "tr/34", override: 1, figures: { "votes.a": 5 } };

/** @param {object} [changes] */
const state = (changes = {}) =>
  /** @type {any} */ ({
    hold: {},
    embargoed: false,
    embargo: null,
    calls: [],
    overrides: [],
    audit: [{ id: "1", counts: true, kept: false, refusal: null }],
    ...changes,
  });

/**
 * @param {any} fields
 * @param {any} seen
 */
const stage = (fields, seen, isSeen = false) => outcomeOf({ id: "1", fields, isSeen }, seen).stage;

test("an order is on its way until the gateway has read it", () => {
  assert.equal(stage({ type: "held", ...WHERE }, state({ audit: [] })), "way");
});

test("what does not count says why", () => {
  const refused = state({ audit: [{ id: "1", counts: false, kept: false, refusal: "too late" }] });
  const given = { id: "1", fields: { type: "held", ...WHERE }, isSeen: false };
  assert.deepEqual(outcomeOf(given, refused), { stage: "without", why: "too late" });
});

test("it is in force once what it orders can be seen, and not before", () => {
  /** @type {[any, any, any][]} */
  const kinds = [
    [{ type: "held", ...WHERE }, {}, { hold: { "mayor/tr/34": 0 } }],
    [{ type: "held", contest: "mayor", unit: "tr/34/x" }, {}, { hold: { "mayor/tr/34": 0 } }],
    [{ type: "held", contest: "mayor", unit: null }, {}, { hold: { "mayor/tr": 0 } }],
    [{ type: "released", ...WHERE }, { hold: { "mayor/tr/34": 2 } }, {}],
    [{ type: "embargo_set", until: null }, {}, { embargoed: true }],
    [{ type: "embargo_lifted" }, { embargoed: true }, {}],
    [{ type: "called", ...WHERE, candidate: "a" }, {}, { calls: [CALL] }],
    [{ type: "call_withdrawn", ...WHERE }, { calls: [CALL] }, {}],
    [{ type: "figure_overridden", ...CELL, figures: { "votes.a": 5 } }, {}, { overrides: [BY_HAND] }],
    [{ type: "override_withdrawn", ...CELL }, { overrides: [BY_HAND] }, {}],
  ];
  for (const [fields, before, after] of kinds) {
    assert.deepEqual([stage(fields, state(before)), stage(fields, state(after))], ["read", "force"], fields.type);
  }
});

test("what cannot be seen in the state is in force once it is read", () => {
  for (const type of ["taken", "quarantine_rejected"]) assert.equal(stage({ type, ...WHERE }, state()), "force");
});

test("what was in force stays so when somebody else orders the opposite", () => {
  assert.equal(stage({ type: "held", ...WHERE }, state(), true), "force");
});

test("an order is undone by the one that brings back what stood before it", () => {
  const inverse = (/** @type {any} */ fields, before = {}) => inverseOf(fields, state(before));
  assert.deepEqual(inverse({ type: "held", ...WHERE }), { type: "released", ...WHERE });
  assert.deepEqual(inverse({ type: "released", ...WHERE }), { type: "held", ...WHERE });
  assert.deepEqual(inverse({ type: "embargo_set", until: null }), { type: "embargo_lifted" });
  const until = { embargoed: true, embargo: "2024-03-31T19:20:00+03:00" };
  assert.deepEqual(inverse({ type: "embargo_lifted" }, until), { type: "embargo_set", until: until.embargo });
  assert.deepEqual(inverse({ type: "embargo_set", until: null }, until), { type: "embargo_set", until: until.embargo });
  assert.deepEqual(inverse({ type: "called", ...WHERE, candidate: "b" }), { type: "call_withdrawn", ...WHERE });
  assert.deepEqual(inverse({ type: "called", ...WHERE, candidate: "b" }, { calls: [CALL] }), {
    type: "called",
    ...WHERE,
    candidate: "a",
  });
  const set = { type: "figure_overridden", ...CELL, figures: { "votes.a": 9 } };
  assert.deepEqual(inverse(set), { type: "override_withdrawn", ...CELL });
  const again = { type: "figure_overridden", ...CELL, figures: { "votes.a": 5 } };
  assert.deepEqual(inverse(set, { overrides: [BY_HAND] }), again);
  assert.deepEqual(inverse({ type: "override_withdrawn", ...CELL }, { overrides: [BY_HAND] }), again);
});

test("what everybody has seen, or is settled, has nothing that undoes it", () => {
  for (const type of ["taken", "quarantine_rejected", "quarantine_released"])
    assert.equal(inverseOf({ type, ...WHERE }, state()), null);
});
