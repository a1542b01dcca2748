/**
 * What OGraf's actions do to a graphic. Pure: a state and an action in, another state and the answer out.
 *
 * A state is `{data, step, cuts, skip}`: `step` is undefined before the first play and after the end, `skip` says that
 * the last action was to be without animation.
 */

import { SELECTION } from "../overlays/parameters.js";

/** @import { Action, GraphicAbout, GraphicData, GraphicState, ScheduledAction } from "../overlays/types.d.ts" */

/** Steps are walked one by one: no list is longer than this. */
const MOST_STEPS = 1_000;

/** Parts of the data that say where figures come from; everything else is the overlay's. */
const ORIGINS = ["gateway", "token", "timeline", "from", "speed"];

const TYPES = ["playAction", "updateAction", "stopAction", "customAction"];

export const ok = (more = {}) => ({ statusCode: 200, statusMessage: "OK", ...more });
/** @param {string} statusMessage */
export const bad = (statusMessage) => ({ statusCode: 400, statusMessage });

/**
 * The state after load().
 * @param {GraphicData} data
 */
export function begin(data) {
  return { data: { ...data }, step: undefined, cuts: 0, skip: false };
}

/**
 * Why data cannot be used; null where it can.
 * @param {unknown} data
 */
export function faultIn(data) {
  if (data === undefined || data === null) return null;
  if (typeof data !== "object" || Array.isArray(data)) return 'Give the data as an object, such as {"unit": "tr/34"}.';
  const wrong = Object.entries(data).find(
    ([, value]) => value !== null && typeof value === "object" && !Array.isArray(value),
  );
  return wrong ? `${wrong[0]} must be a text, a number, true or false, or a list of texts.` : null;
}

/**
 * Apply an action: {state, answer}. An action that cannot be done changes nothing. `about` is {stepCount, cuts}.
 * @param {GraphicState} state
 * @param {Action} action
 * @param {GraphicAbout} about
 */
export function apply(state, { type, params = {} }, about) {
  /** @param {string} why */
  const refuse = (why) => ({ state, answer: bad(why) });
  const skip = params.skipAnimation === true;
  switch (type) {
    case "playAction":
      return (
        play(state, params, about, skip) ??
        refuse("There is no such step. Give goto or delta a whole number that leads to 0 or more.")
      );
    case "stopAction":
      return { state: { ...state, step: undefined, cuts: 0, skip }, answer: ok() };
    case "updateAction":
      return update(state, params.data, skip);
    case "customAction":
      return custom(state, params, about, skip);
    default:
      return refuse(`There is no action ${type}. There are: ${TYPES.join(", ")}.`);
  }
}

/**
 * The specification's target step; at or beyond the last it ends, and there is no step any more.
 * @param {GraphicState} state
 * @param {Readonly<Record<string, any>>} params
 * @param {GraphicAbout} graphicAbout
 * @param {boolean} skip
 */
function play(state, params, { stepCount }, skip) {
  const target = params.goto ?? (state.step ?? -1) + (params.delta ?? 1);
  if (!Number.isInteger(target) || target < 0 || target > MOST_STEPS) return null;
  const step = stepCount >= 0 && target >= stepCount ? undefined : target;
  return {
    state: { ...state, step, cuts: step === undefined ? 0 : state.cuts, skip },
    answer: ok({ currentStep: step }),
  };
}

/**
 * @param {GraphicState} state
 * @param {Readonly<Record<string, any>>} readonly
 * @param {GraphicAbout} graphicAbout
 * @param {boolean} skip
 */
function custom(state, { id, payload }, { cuts }, skip) {
  if (id === "cut" && cuts) return { state: { ...state, cuts: state.cuts + 1, skip }, answer: ok() };
  if (id !== "select")
    return { state, answer: bad(`There is no action ${id}. There is: select${cuts ? ", cut" : ""}.`) };
  const wrong = faultIn(payload) ?? unselectable(payload);
  return wrong ? { state, answer: bad(wrong) } : { state: merged(state, payload, skip), answer: ok() };
}

/**
 * @param {GraphicState} state
 * @param {GraphicData | null | undefined} data
 * @param {boolean} skip
 */
function update(state, data, skip) {
  const fault = faultIn(data);
  return fault ? { state, answer: bad(fault) } : { state: merged(state, data, skip), answer: ok() };
}

/** @param {GraphicData | null | undefined} payload */
function unselectable(payload) {
  const name = Object.keys(payload ?? {}).find((one) => !SELECTION.includes(one));
  return name ? `${name} cannot be selected. Name ${SELECTION.join(", ")}.` : null;
}

/**
 * @param {GraphicState} state
 * @param {GraphicData | null | undefined} data
 * @param {boolean} skip
 */
function merged(state, data, skip) {
  return { ...state, data: { ...state.data, ...data }, skip };
}

/**
 * The overlay's parameters in a graphic's data, as in an address; what is empty has its standard value.
 * @param {GraphicData} data
 */
function parametersOf(data) {
  const given = Object.entries(data).filter(
    ([name, value]) => !ORIGINS.includes(name) && value !== null && value !== undefined && value !== "",
  );
  /** @param {unknown} value */
  const text = (value) =>
    typeof value === "boolean" ? String(Number(value)) : Array.isArray(value) ? value.join(",") : String(value);
  return Object.fromEntries(
    given.map(([name, value]) => [name, text(value)]).filter(([name]) => !name.startsWith("v_")),
  );
}

/**
 * What a frame is told of a state.
 * @param {GraphicState} graphicState
 * @param {GraphicAbout} about
 */
export function shown({ data, step, cuts, skip }, about) {
  return { parameters: parametersOf(data), playing: step !== undefined, step: about.cuts ? cuts : (step ?? 0), skip };
}

/**
 * Why a schedule cannot be used; null where it can.
 * @param {unknown} schedule
 */
export function faultInSchedule(schedule) {
  if (!Array.isArray(schedule)) return "Give a schedule: a list of {timestamp, action}.";
  const wrong = schedule.findIndex(
    (one) => !Number.isFinite(one?.timestamp) || one.timestamp < 0 || !TYPES.includes(one.action?.type),
  );
  return wrong < 0
    ? null
    : `Entry ${wrong} of the schedule needs a timestamp of 0 or more and an action of type ${TYPES.join(", ")}.`;
}

/**
 * How the graphic should be from when on: the schedule's actions up to a time, in order, each applied to what was.
 * @param {GraphicData} data
 * @param {readonly ScheduledAction[]} schedule
 * @param {number} until
 * @param {GraphicAbout} about
 */
export function played(data, schedule, until, about) {
  let state = begin(data);
  const shows = [{ at: 0, ...shown(state, about) }];
  const due = schedule
    .filter(({ timestamp }) => timestamp <= until)
    .sort((left, right) => left.timestamp - right.timestamp);
  for (const { timestamp, action } of due) {
    state = apply(state, action, about).state;
    shows.push({ at: timestamp, ...shown(state, about) });
  }
  return { state, shows };
}
