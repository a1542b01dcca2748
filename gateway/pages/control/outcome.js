/**
 * What has come of an order, and which order undoes it. Pure.
 *
 * An order is *on its way* until the gateway has read it from the log, *read* until what it orders can be seen, and
 * then *in force*; once it is so no longer, since another order has taken its place or its time has passed, it is
 * *over*, and there is nothing to undo. One that does not count is *without effect*; the audit says why.
 */

/** @import { OrderFields, RoomState, RundownState } from "./types.d.ts" */

/** @typedef {"way" | "read" | "force" | "over" | "without"} Stage */

/**
 * What the order says of this state once it is in force. Those that are not here are in force once they are read.
 * @type {Readonly<Record<string, (fields: OrderFields, state: RoomState) => boolean>>}
 */
const SEEN = {
  held: (fields, { hold }) => covers(fields, hold),
  released: (fields, { hold }) => !(nameOf(fields) in hold),
  embargo_set: (_, { embargoed }) => embargoed,
  embargo_lifted: (_, { embargoed }) => !embargoed,
  called: ({ contest, unit, candidate }, { calls }) =>
    calls.some((call) => call.contest === contest && call.unit === unit && call.candidate === candidate),
  call_withdrawn: ({ contest, unit }, { calls }) =>
    !calls.some((call) => call.contest === contest && call.unit === unit),
  figure_overridden: (fields, state) => {
    const standing = handOf(fields, state);
    const set = /** @type {Readonly<Record<string, number>>} */ (fields.figures);
    return standing !== undefined && Object.entries(set).every(([name, count]) => standing.figures[name] === count);
  },
  override_withdrawn: (fields, state) => handOf(fields, state) === undefined,
  graphic_listed: ({ item, place, overlay, parameters }, { rundown }) =>
    rundown.items.some((one) => one.item === item && one.place === place && isSame(one, { overlay, parameters })),
  graphic_unlisted: ({ item }, { rundown }) => !rundown.items.some((one) => one.item === item),
  graphic_cued: ({ channel, item }, { rundown }) => rundown.cued[String(channel)] === item,
  graphic_taken: ({ channel, overlay, parameters, step = 0 }, { rundown }) => {
    const shown = rundown.on_air[String(channel)];
    return shown !== undefined && shown.step === step && isSame(shown, { overlay, parameters });
  },
  graphic_cleared: ({ channel }, { rundown }) => !(String(channel) in rundown.on_air),
};

/**
 * Where an order is, by the newest state, and why it has no effect where it has none.
 * @param {{ id: string, fields: OrderFields, isSeen: boolean, isOver?: boolean }} given `isSeen`: it was seen in force
 * before; `isOver`: and since then it was seen not to be
 * @param {RoomState} state
 * @returns {{ stage: Stage, why: string | null }}
 */
export function outcomeOf({ id, fields, isSeen, isOver = false }, state) {
  const entry = state.audit.find((one) => one.id === id);
  if (entry && !entry.counts && !entry.kept) return { stage: "without", why: entry.refusal };
  if (isOver) return { stage: "over", why: null };
  if (!entry && !isSeen) return { stage: "way", why: null };
  const isThere = SEEN[fields.type]?.(fields, state) ?? true;
  if (isThere) return { stage: "force", why: null };
  return { stage: isSeen ? "over" : "read", why: null };
}

/**
 * The order that undoes another one, by what stood before it; null where there is none.
 * @param {OrderFields} fields
 * @param {RoomState} before
 * @returns {OrderFields | null}
 */
export function inverseOf(fields, before) {
  const { type, contest, source, unit } = fields;
  if (type === "held") return { type: "released", contest, unit };
  if (type === "released") return { type: "held", contest, unit };
  if (type === "embargo_lifted") return { type: "embargo_set", until: before.embargo };
  if (type === "embargo_set")
    return before.embargoed ? { type: "embargo_set", until: before.embargo } : { type: "embargo_lifted" };
  if (type === "called" || type === "call_withdrawn") {
    const call = before.calls.find((one) => one.contest === contest && one.unit === unit);
    return call
      ? { type: "called", contest, unit, candidate: call.candidate }
      : { type: "call_withdrawn", contest, unit };
  }
  if (type.startsWith("graphic_")) return inverseOfGraphic(fields, before.rundown);
  const standing = handOf(fields, before);
  if (type === "figure_overridden" && !standing) return { type: "override_withdrawn", contest, source, unit };
  if ((type === "override_withdrawn" || type === "figure_overridden") && standing)
    return { type: "figure_overridden", contest, source, unit, figures: standing.figures };
  return null;
}

/**
 * @param {OrderFields} fields
 * @param {RundownState} before
 * @returns {OrderFields | null}
 */
function inverseOfGraphic({ type, channel, item }, before) {
  const listed = before.items.find((one) => one.item === item);
  if (type === "graphic_listed") return listed ? { type, ...listed } : { type: "graphic_unlisted", item };
  if (type === "graphic_unlisted") return listed ? { type: "graphic_listed", ...listed } : null;
  const on = String(channel);
  if (type === "graphic_cued") return on in before.cued ? { type, channel, item: before.cued[on] } : null;
  const shown = before.on_air[on];
  if (!shown) return type === "graphic_taken" ? { type: "graphic_cleared", channel } : null;
  const { overlay, parameters, step } = shown;
  return { type: "graphic_taken", channel, item: shown.item, overlay, parameters, step };
}

/**
 * Whether two graphics are the same, whatever the order of what they are told.
 * @param {{ readonly overlay: unknown, readonly parameters: unknown }} one
 * @param {{ readonly overlay: unknown, readonly parameters: unknown }} other
 */
function isSame(one, other) {
  const [own, others] = [one, other].map(({ overlay, parameters = {} }) =>
    JSON.stringify([overlay, Object.entries(/** @type {object} */ (parameters)).sort()]),
  );
  return own === others;
}

/**
 * @param {OrderFields} fields
 * @param {RoomState} state
 */
function handOf({ contest, source, unit }, { overrides }) {
  return overrides.find((one) => one.contest === contest && one.source === source && one.district === unit);
}

/** @param {OrderFields} fields */
function nameOf({ contest, unit }) {
  return unit ? `${contest}/${unit}` : String(contest);
}

/**
 * Whether what is to be held is named among what is held, or is within it.
 * @param {OrderFields} fields
 * @param {RoomState["hold"]} hold
 */
function covers(fields, hold) {
  const name = nameOf(fields);
  const wider = Object.keys(hold).some((held) => name === held || name.startsWith(`${held}/`));
  return wider || (!fields.unit && Object.keys(hold).some((held) => held.startsWith(`${name}/`)));
}
