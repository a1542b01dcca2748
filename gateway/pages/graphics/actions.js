/**
 * What OGraf's actions do to a graphic: each is a command of on-air.js, or is refused. Pure: a state and an action in,
 * another state and the answer out.
 */

import { after, offAir, shownOf } from "../overlays/on-air.js";
import { read, SELECTION } from "../overlays/parameters.js";
import { words } from "../strings.js";

/** @import { Action, ActionAnswer, Command, GraphicAbout } from "../overlays/types.d.ts" */
/** @import { GraphicData, GraphicState, ScheduledAction } from "../overlays/types.d.ts" */

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
  return { ...offAir(ours(data)), skip: false };
}

/**
 * Why data cannot be used; null where it can. Names that are not the overlay's are left alone.
 * @param {unknown} data
 * @param {GraphicAbout} about
 */
export function faultIn(data, { parameters: own }) {
  if (data === undefined || data === null) return null;
  if (typeof data !== "object" || Array.isArray(data)) return 'Give the data as an object, such as {"unit": "tr/34"}.';
  const wrong = Object.entries(ours(data)).find(
    ([, value]) => value !== null && typeof value === "object" && !Array.isArray(value),
  );
  if (wrong) return `${wrong[0]} must be a text, a number, true or false, or a list of texts.`;
  const given = Object.entries(offAir(ours(data)).parameters).filter(([name]) => !ORIGINS.includes(name));
  const { faults } = read(new URLSearchParams(given).toString(), own);
  const fault = faults.find(({ key }) => key !== "unknownParameter");
  return fault ? words("en")(fault.key, fault.values) : null;
}

/**
 * Apply an action: {state, answer}. An action that cannot be done changes nothing.
 * @param {GraphicState} state
 * @param {Action} action
 * @param {GraphicAbout} about
 * @returns {{ state: GraphicState, answer: ActionAnswer }}
 */
export function apply(state, { type, params = {} }, about) {
  const command = commandOf(state, { type, params }, about);
  if (typeof command === "string") return { state, answer: bad(command) };
  const next = { ...after(state, command, about), skip: params.skipAnimation === true };
  return { state: next, answer: type === "playAction" ? ok({ currentStep: stepOf(next) }) : ok() };
}

/**
 * The step that is shown; before the first play and after the end there is none.
 * @param {GraphicState} state
 */
function stepOf({ playing, step }) {
  return playing ? step : undefined;
}

/**
 * What an action tells the overlay, or why it cannot be done.
 * @param {GraphicState} state
 * @param {Required<Action>} action
 * @param {GraphicAbout} about
 * @returns {Command | string}
 */
function commandOf(state, { type, params }, about) {
  switch (type) {
    case "playAction":
      return played(state, params, about);
    case "stopAction":
      return { type: "stop" };
    case "updateAction":
      return faultIn(params.data, about) ?? { type: "update", parameters: ours(params.data) };
    case "customAction":
      return custom(params, about);
    default:
      return `There is no action ${type}. There are: ${TYPES.join(", ")}.`;
  }
}

/**
 * The specification's target step; at or beyond the last it ends.
 * @param {GraphicState} state
 * @param {Readonly<Record<string, any>>} params
 * @param {GraphicAbout} about
 * @returns {Command | string}
 */
function played(state, params, { stepCount }) {
  const step = params.goto ?? (stepOf(state) ?? -1) + (params.delta ?? 1);
  if (!Number.isSafeInteger(step) || step < 0)
    return "There is no such step. Give goto or delta a whole number that leads to 0 or more.";
  return stepCount >= 0 && step >= stepCount ? { type: "stop" } : { type: "goto", step };
}

/**
 * @param {Readonly<Record<string, any>>} params
 * @param {GraphicAbout} about
 * @returns {Command | string}
 */
function custom({ id, payload }, about) {
  const { cuts } = about;
  if (id === "cut" && cuts) return { type: "next" };
  if (id !== "select") return `There is no action ${id}. There is: select${cuts ? ", cut" : ""}.`;
  return faultIn(payload, about) ?? unselectable(payload) ?? { type: "select", parameters: ours(payload) };
}

/** @param {GraphicData | null | undefined} payload */
function unselectable(payload) {
  const name = Object.keys(ours(payload)).find((one) => !SELECTION.includes(one));
  return name ? `${name} cannot be selected. Name ${SELECTION.join(", ")}.` : null;
}

/**
 * Data without what is a vendor's: the specification keeps names that begin so for them.
 * @param {GraphicData | null | undefined} data
 */
function ours(data) {
  return Object.fromEntries(Object.entries(data ?? {}).filter(([name]) => !name.startsWith("v_")));
}

/**
 * What a frame is told of a state: of the parameters those that are the overlay's.
 * @param {GraphicState} state
 * @param {GraphicAbout} about
 */
export function shown(state, about) {
  const { parameters, ...how } = shownOf(state, about);
  const own = Object.entries(parameters).filter(([name]) => !ORIGINS.includes(name));
  return { ...how, parameters: Object.fromEntries(own), skip: state.skip };
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
export function statesUntil(data, schedule, until, about) {
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
