/**
 * What is on air after each thing that an overlay is told, whoever tells it: its own page, CasparCG, SPX-GC, OGraf.
 * Pure: a state and a command in, the next state out. No imports: `sandik graphics` also writes this text into
 * single-file templates.
 *
 * The rules, which every door has: an update keeps what it does not name, and gives what it names as empty its standard
 * value. Of a selection an empty field stays. Whatever unit is named is on air afterwards, and a new selection begins
 * at its first step. `stop` leads back to the first step. A token changes no picture.
 */

/** @import { Command, OnAir, Steps } from "./types.d.ts" */

/** What says which figures are shown: where one of these changes, the walk begins anew. */
const FIGURES = ["contest", "unit", "source", "units"];

/**
 * Before anything is told: off air, at the first step, with these parameters.
 * @param {Readonly<Record<string, unknown>>} [parameters]
 * @returns {OnAir}
 */
export function offAir(parameters = {}) {
  return { parameters: named({}, parameters), playing: false, step: 0, cuts: 0 };
}

/** @type {{ readonly [Type in Command["type"]]: (state: OnAir, command: any, steps: Steps) => OnAir }} */
const COMMANDS = {
  load: (_, { parameters }) => offAir(parameters),
  play: (state) => ({ ...state, playing: true }),
  next: (state, _, { walks, cuts }) => ({
    ...state,
    step: state.step + (walks ? 1 : 0),
    cuts: state.cuts + (cuts ? 1 : 0),
  }),
  goto: (state, { step }) => ({ ...state, playing: true, step }),
  update: (state, { parameters }) => changed(state, parameters),
  select: (state, { parameters }) => changed(state, withoutEmpty(parameters)),
  stop: (state) => ({ ...state, playing: false, step: 0 }),
};

/**
 * The state after a command. `steps` says whether the overlay has steps, and whether what it shows can be cut short.
 * @param {OnAir} state
 * @param {Command} command
 * @param {Steps} steps
 */
export function after(state, command, steps) {
  return COMMANDS[command.type](state, command, steps);
}

/**
 * How the overlay's page should be: `step` counts what it counts, steps or cuts.
 * @param {OnAir} state
 * @param {Steps} steps
 */
export function shownOf({ parameters, playing, step, cuts }, steps) {
  return { parameters, playing, step: steps.cuts ? cuts : step };
}

/**
 * @param {OnAir} state
 * @param {Readonly<Record<string, unknown>>} changes
 */
function changed(state, changes) {
  const parameters = named(state.parameters, changes);
  const begins =
    FIGURES.some((name) => parameters[name] !== state.parameters[name]) ||
    "unit" in withoutEmpty({ unit: changes.unit });
  return { ...state, parameters, step: begins ? 0 : state.step };
}

/**
 * Parameters with these changes: texts; what is empty is not there.
 * @param {Readonly<Record<string, string>>} parameters
 * @param {Readonly<Record<string, unknown>>} changes
 */
function named(parameters, changes) {
  const kept = Object.entries(parameters).filter(([name]) => changes[name] === undefined);
  return Object.fromEntries([...kept, ...Object.entries(withoutEmpty(changes))]);
}

/**
 * What is not empty, as texts.
 * @param {Readonly<Record<string, unknown>>} given
 */
function withoutEmpty(given) {
  return Object.fromEntries(
    Object.entries(given)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name, textOf(value)])
      .filter(([, text]) => text !== ""),
  );
}

/** @param {unknown} value */
function textOf(value) {
  if (typeof value === "boolean") return value ? "1" : "0";
  return Array.isArray(value) ? value.filter((one) => one !== "").join(",") : String(value);
}
