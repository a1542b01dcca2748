import assert from "node:assert/strict";
import { test } from "node:test";

import { apply, begin, shown } from "../../../gateway/pages/graphics/actions.js";
import { walk } from "../../../gateway/pages/overlays/lower-third.js";
import { shownOf } from "../../../gateway/pages/overlays/on-air.js";
import { read, SELECTION } from "../../../gateway/pages/overlays/parameters.js";
import { knownBy, Playout } from "../../../gateway/pages/overlays/playout.js";
import { election } from "./election.mjs";

/** @import { Scene, Show } from "../../../gateway/pages/overlays/types.d.ts" */

const STEPS = { walks: true, cuts: false };
const OWN = [{ name: "units", title: "Units", kind: "list", most: 9 }];
const UNITS = ["kadikoy", "kagithane", "kartal", "sile", "silivri"];
const LOADED = { unit: "kadikoy", units: UNITS.join(","), contest: "mayor" };

/** What is on air: the unit, the contest, the language, and whether it is. */
function picture(/** @type {Show} */ { parameters, playing, step = 0 }) {
  const { values } = read(new URLSearchParams(parameters).toString(), /** @type {any} */ (OWN));
  const selection = { contest: parameters.contest ?? "", source: "aa", unit: parameters.unit ?? "home" };
  const scene = /** @type {Scene} */ (
    /** @type {unknown} */ ({ election: election(), selection, options: values, format: { compare: () => 0 } })
  );
  const unit = step ? (walk(scene, step).unit ?? "") : selection.unit;
  return [playing ? "on" : "off", unit, selection.contest, values.lang].join(" ");
}

/** The functions on a window, as a playout system calls them. */
function window(/** @type {{ fields: Record<string, string>, names?: string[] }} */ names) {
  const target = /** @type {any} */ ({});
  const known = knownBy(names);
  const playout = new Playout({ steps: STEPS, parameters: {}, known, show: () => {}, remove: () => {} });
  playout.control(target);
  const field = (/** @type {string} */ name) =>
    Object.keys(names.fields).find((one) => names.fields[one] === name) ?? name;
  const update = (/** @type {Record<string, unknown>} */ given) =>
    target.update(JSON.stringify(Object.fromEntries(Object.entries(given).map(([name, one]) => [field(name), one]))));
  return {
    load: update,
    update,
    play: () => target.play(),
    next: () => target.next(),
    stop: () => target.stop(),
    shown: () => shownOf(playout.state, STEPS),
  };
}

const NAMES = [...SELECTION, "units", "lang", "token", "gateway"];
const FIELDS = Object.fromEntries(NAMES.map((name, index) => [`f${index}`, name]));

/** A graphic of OGraf: it has no `next` of its own, since playAction goes on. */
function ograf() {
  const about = { ...STEPS, stepCount: -1 };
  let state = begin({});
  const act = (/** @type {string} */ type, params = {}) => {
    const { state: next, answer } = apply(state, { type, params }, about);
    assert.equal(answer.statusCode, 200, answer.statusMessage);
    state = next;
  };
  return {
    load: (/** @type {any} */ data) => {
      state = begin(data);
    },
    play: () => act("playAction", { goto: state.step }),
    next: () => act("playAction", {}),
    goto: (/** @type {number} */ step) => act("playAction", { goto: step }),
    update: (/** @type {any} */ data) => act("updateAction", { data }),
    select: (/** @type {any} */ payload) => act("customAction", { id: "select", payload }),
    stop: () => act("stopAction"),
    shown: () => shown(state, about),
  };
}

/** @type {Record<string, () => any>} */
const DOORS = {
  page: () => window({ fields: {} }),
  "CasparCG's template": () => window({ fields: FIELDS, names: NAMES }),
  "SPX-GC's template": () => window({ fields: FIELDS, names: NAMES }),
  OGraf: ograf,
};

/** @typedef {readonly [string, any?]} Told */

/** @type {Record<string, readonly Told[]>} */
const BEFORE = {
  cued: [],
  "at its first step": [["play"]],
  "a step further": [["play"], ["next"]],
  "stopped after a step": [["play"], ["next"], ["stop"]],
};

/** What is on air after a command, in each of those states. */
/** @type {readonly (readonly [Told, readonly string[]])[]} */
const TABLE = [
  [["play"], ["on kadikoy", "on kadikoy", "on kagithane", "on kadikoy"]],
  [
    ["goto", 3],
    ["on sile", "on sile", "on sile", "on sile"],
  ],
  [
    ["goto", 1e9 + 1],
    ["on kagithane", "on kagithane", "on kagithane", "on kagithane"],
  ],
  [
    ["update", { unit: "sile" }],
    ["off sile", "on sile", "on sile", "off sile"],
  ],
  [
    ["update", { unit: "kadikoy" }],
    ["off kadikoy", "on kadikoy", "on kadikoy", "off kadikoy"],
  ],
  [
    ["update", { unit: "" }],
    ["off home", "on home", "on home", "off home"],
  ],
  [
    ["update", { contest: "council" }],
    ["off kadikoy council", "on kadikoy council", "on kadikoy council", "off kadikoy council"],
  ],
  [
    ["update", { units: "kadikoy,sile" }],
    ["off kadikoy", "on kadikoy", "on kadikoy", "off kadikoy"],
  ],
  [
    ["update", { lang: "en" }],
    ["off kadikoy mayor en", "on kadikoy mayor en", "on kagithane mayor en", "off kadikoy mayor en"],
  ],
  [
    ["update", { token: "t" }],
    ["off kadikoy", "on kadikoy", "on kagithane", "off kadikoy"],
  ],
  [
    ["select", { unit: "sile", contest: "", source: null }],
    ["off sile", "on sile", "on sile", "off sile"],
  ],
  [
    ["select", { unit: "", contest: "", source: "" }],
    ["off kadikoy", "on kadikoy", "on kagithane", "off kadikoy"],
  ],
  [["stop"], ["off kadikoy", "off kadikoy", "off kadikoy", "off kadikoy"]],
  [
    ["load", { ...LOADED, unit: "kartal" }],
    ["off kartal", "on kartal", "on kartal", "off kartal"],
  ],
];

const tell = (/** @type {any} */ door, /** @type {Told} */ [command, what]) => door[command](what);

for (const [name, open] of Object.entries(DOORS)) {
  for (const [told, expected] of TABLE) {
    for (const [index, [state, before]] of Object.entries(BEFORE).entries()) {
      const door = open();
      if (!(told[0] in door)) continue; // this one has no such command
      test(`${name}: ${state}, then ${told[0]} ${JSON.stringify(told[1] ?? "")}`, () => {
        door.load(LOADED);
        for (const one of before) tell(door, one);
        tell(door, told);
        const [on, unit, contest = "mayor", lang = "tr"] = expected[index].split(" ");
        // an update is all that a template has for loading, and leaves it on air; OGraf's load takes it off
        const playing = name === "OGraf" && told[0] === "load" ? "off" : on;
        assert.equal(picture(door.shown()), [playing, unit, contest, lang].join(" "));
      });
    }
  }

  test(`${name}: the walk goes on from what was selected`, () => {
    const door = open();
    door.load(LOADED);
    const seen = [];
    for (const told of [["play"], ["next"], ["update", { unit: "sile" }], ["next"], ["next"], ["stop"], ["play"]]) {
      tell(door, /** @type {any} */ (told));
      seen.push(picture(door.shown()).split(" ").slice(0, 2).join(" "));
    }
    assert.deepEqual(seen, [
      "on kadikoy",
      "on kagithane",
      "on sile",
      "on silivri",
      "on kadikoy",
      "off sile",
      "on sile",
    ]);
  });
}

test("a form's other fields, named as they are, lead back to nothing", () => {
  const door = ograf();
  door.load({ ...LOADED, unit: "" });
  for (const told of [["play"], ["next"]]) tell(door, /** @type {any} */ (told));
  const before = picture(door.shown());
  door.update({ ...LOADED, unit: "", source: "", lang: "en" });
  assert.equal(picture(door.shown()), before.replace(" tr", " en"));
});

test("a step where there is none changes nothing, and a cut is counted", () => {
  const strap = { walks: false, cuts: true };
  const target = /** @type {any} */ ({});
  const playout = new Playout({ steps: strap, parameters: {}, show: () => {}, remove: () => {} });
  playout.control(target);
  target.next();
  target.stop();
  target.next();
  assert.deepEqual([playout.state.step, shownOf(playout.state, strap).step], [0, 2]);
  const board = new Playout({ steps: { walks: false, cuts: false }, parameters: {}, show: () => {}, remove: () => {} });
  board.next();
  assert.equal(board.state.step, 0);
});

test("what cannot be read is refused with what would be right; vendors and strange names are left alone", () => {
  const about = { walks: false, cuts: false, stepCount: 1, parameters: [] };
  const answer = (/** @type {any} */ data) =>
    apply(begin({}), { type: "updateAction", params: { data } }, about).answer;
  assert.match(answer({ theme: "pink" }).statusMessage, /theme.*dark, light/);
  assert.deepEqual(
    [answer({ theme: "pink" }), answer({ theme: "" }), answer({ v_x: { y: 1 } }), answer({ other: "x" })].map(
      ({ statusCode }) => statusCode,
    ),
    [400, 200, 200, 200],
  );
});

test("the fields that a form has of one list are told together, without those that are empty", () => {
  const names = ["unit", "candidates"];
  const known = knownBy({ fields: { f0: "unit", f1: "candidates", f7: "candidates" }, names, lists: ["candidates"] });
  const told = (/** @type {Record<string, unknown>} */ given) => {
    const target = /** @type {any} */ ({});
    const playout = new Playout({ steps: STEPS, parameters: {}, known, show: () => {}, remove: () => {} });
    playout.control(target);
    target.update(JSON.stringify({ candidates: "imamoglu" }));
    target.update(JSON.stringify(given));
    return playout.state.parameters;
  };
  assert.deepEqual(told({ f0: "sile", f1: "kurum", f7: "yavas" }), { unit: "sile", candidates: "kurum,yavas" });
  assert.deepEqual(told({ f1: "", f7: "yavas" }), { candidates: "yavas" });
  assert.deepEqual(told({ f1: "", f7: "" }), {});
  assert.deepEqual(told({ candidates: "kurum,yavas" }), { candidates: "kurum,yavas" });
});

test("a list of choices of which none is made is as if it was not there", () => {
  const state = begin({ candidates: ["", ""], units: ["kadikoy", "", "sile"] });
  assert.deepEqual(state.parameters, { units: "kadikoy,sile" });
});
