/**
 * How a part of a map is shaded: the leader's hue, as strong as the margin; hatched below a tenth of boxes; a tie and
 * an empty part have no hue at all. Pure.
 */

import { paleOn, tileColors } from "./hue.js";

/** @import { Part, Words } from "./types.d.ts" */

/**
 * `{state, mark, winner, fill, ink, hue, pale}`; the colours only where somebody leads.
 * @param {Pick<Part, "lead" | "thin" | "ground">} options
 * @param {Words} t
 */
export function shadeOf({ lead, thin, ground }, t) {
  const leader = lead?.leaders.length === 1 ? lead.leaders[0].candidate : null;
  if (!lead || !leader) return { state: lead ? "tie" : "empty", mark: "empty", winner: lead ? t("tie") : "" };
  const { fill, full, ink } = tileColors(leader.color, lead.points ?? 0, ground);
  return {
    state: thin ? "thin" : "solid",
    mark: leader.mark,
    winner: leader.party ?? t("independent"),
    fill,
    ink,
    hue: full,
    pale: paleOn(full, ground),
  };
}
