/**
 * An editorial call: an editor's word on who has won in a unit. It is never computed, and leaves without a trace when
 * it is withdrawn.
 */

/** @import { Call, LiveNight, Ranked, Tools } from "./types.d.ts" */

/**
 * The call that stands for this contest and unit, if an editor has made one.
 * @param {Pick<LiveNight, "calls">} night
 * @param {string} contest
 * @param {string} unit
 */
export function callOf(night, contest, unit) {
  return night.calls.find((call) => call.contest === contest && call.unit === unit);
}

/**
 * What a call says, and who says it since when: `{text, by}`; `ranked` knows the names.
 * @param {Call} call
 * @param {readonly Ranked[]} ranked
 * @param {Tools} tools
 */
export function wordsOf(call, ranked, { t, format }) {
  const winner = ranked.find(({ candidate }) => candidate.id === call.candidate);
  return {
    text: t("called", { name: winner?.candidate.name ?? call.candidate }),
    by: t("calledBy", { by: call.by, time: format.clock(call.at), zone: format.zone() }),
  };
}
