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
    rundown: { items: [], cued: {}, on_air: {} },
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

test("what was in force is over once something else stands, and stays over", () => {
  const [held, hold] = [{ type: "held", ...WHERE }, { "mayor/tr/34": 0 }];
  assert.equal(stage(held, state({ hold }), true), "force");
  assert.equal(stage(held, state({ hold, audit: [] }), true), "force"); // the audit goes back so far and no further
  assert.equal(stage(held, state(), true), "over");
  assert.equal(outcomeOf({ id: "1", fields: held, isSeen: true, isOver: true }, state({ hold })).stage, "over");
});

const DUEL = { overlay: "duel", parameters: { unit: "tr/34", size: "full" } };
const LISTED = { item: "p", place: 7, ...DUEL };
const SHOWN = { item: "p", step: 1, by: "Ayşe", at: "", ...DUEL };

test("an order of the rundown is in force once the rundown is so", () => {
  const turned = { overlay: "duel", parameters: { size: "full", unit: "tr/34" } };
  /** @type {[any, object, object][]} */
  const kinds = [
    [{ type: "graphic_listed", item: "p", place: 7, ...turned }, {}, { items: [LISTED] }],
    [{ type: "graphic_unlisted", item: "p" }, { items: [LISTED] }, {}],
    [{ type: "graphic_cued", channel: "a", item: "p" }, { cued: { a: "q" } }, { cued: { a: "p" } }],
    [{ type: "graphic_taken", channel: "a", step: 1, ...turned }, {}, { on_air: { a: SHOWN } }],
    [
      { type: "graphic_taken", channel: "a", ...DUEL },
      { on_air: { a: SHOWN } },
      { on_air: { a: { ...SHOWN, step: 0 } } },
    ],
    [{ type: "graphic_cleared", channel: "a" }, { on_air: { a: SHOWN } }, {}],
  ];
  const rundown = (/** @type {object} */ changes) =>
    state({ rundown: { items: [], cued: {}, on_air: {}, ...changes } });
  for (const [fields, before, after] of kinds)
    assert.deepEqual([stage(fields, rundown(before)), stage(fields, rundown(after))], ["read", "force"], fields.type);
});

test("an order of the rundown is undone by what brings back the list, the cue or the graphic before", () => {
  const rundown = { items: [LISTED], cued: { a: "p" }, on_air: { a: SHOWN } };
  const inverse = (/** @type {any} */ fields, before = {}) =>
    inverseOf(fields, state({ rundown: { ...rundown, ...before } }));
  const listed = { type: "graphic_listed", ...LISTED };
  assert.deepEqual(inverse({ ...listed, place: 9 }), listed);
  assert.deepEqual(inverse(listed, { items: [] }), { type: "graphic_unlisted", item: "p" });
  assert.deepEqual(inverse({ type: "graphic_unlisted", item: "p" }), listed);
  assert.equal(inverse({ type: "graphic_unlisted", item: "q" }), null);
  const cued = { type: "graphic_cued", channel: "a", item: "p" };
  assert.deepEqual(inverse({ ...cued, item: "q" }), cued);
  assert.equal(inverse({ ...cued, channel: "b" }), null);
  const taken = { type: "graphic_taken", channel: "a", item: "p", step: 1, ...DUEL };
  assert.deepEqual(inverse({ ...taken, overlay: "ticker" }), taken);
  assert.deepEqual(inverse({ type: "graphic_cleared", channel: "a" }), taken);
  assert.deepEqual(inverse({ ...taken, channel: "b" }), { type: "graphic_cleared", channel: "b" });
  assert.equal(inverse({ type: "graphic_cleared", channel: "b" }), null);
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
