/**
 * The seats of a house by the votes counted so far: as the gateway divides them by the definition (/v1/seats), or by
 * the members that the address says.
 */

import { wholeOf } from "../claims.js";
import { allocate, membersFor } from "./seats.js";

/** @import { Options, Scene, UnitSeats } from "./types.d.ts" */

const MOST_SEATS = 2_000;

/**
 * Seats of each constituency: a Map from district to members; null where the parameters do not say.
 * @param {Pick<Scene, "election" | "selection" | "options">} options
 */
function constituencies({ election, selection, options }) {
  const unit = election.unit(selection.unit);
  if (election.isCounting(unit)) {
    const members =
      options.seats.length === 1 ? Number(options.seats[0]) : options.population ? membersFor(options.population) : NaN;
    return Number.isInteger(members) && members > 0 && members <= MOST_SEATS ? new Map([[unit.id, members]]) : null;
  }
  const pairs = options.seats.map((pair) => pair.split(":"));
  const known =
    pairs.length > 0 &&
    pairs.every(([slug, members]) => election.unitById.has(`${unit.id}/${slug}`) && /^\d{1,3}$/.test(members ?? ""));
  return known ? new Map(pairs.map(([slug, members]) => [`${unit.id}/${slug}`, Number(members)])) : null;
}

/**
 * The constituencies that the definition declares in the unit, with their seats; null where it declares none there.
 * @param {Pick<Scene, "election" | "selection">} options
 */
function declared({ election, selection }) {
  const plan = election.contestById.get(selection.contest)?.seats;
  const inside = Object.entries(plan?.seats ?? {}).filter(([unit]) =>
    selection.unit === election.country.id ? true : `${unit}/`.startsWith(`${selection.unit}/`),
  );
  return plan && inside.length > 0 ? { method: plan.method, seats: new Map(inside) } : null;
}

/** @param {Pick<Options, "seats" | "population">} options */
const isSaid = (options) => options.seats.length > 0 || options.population > 0;

/**
 * Seats must be said, by the address or by the definition; the address goes first.
 * @param {Scene} scene
 */
export function check(scene) {
  const known = isSaid(scene.options) ? constituencies(scene) : declared(scene);
  return known ? [] : [{ name: "seats", key: "badSeats", values: {} }];
}

/**
 * Seats that are more than half of a house.
 * @param {number} total
 */
export const majorityOf = (total) => Math.floor(total / 2) + 1;

/**
 * The seats of the selected unit. `seats` and `decided` are Maps from a candidate's id to seats, `decided` those of
 * constituencies in which every box is opened. `open` seats are nobody's by these votes, `lots` of them for a tie;
 * `counting` are the constituencies where a box is still to be opened, and of `parts` constituencies in all is the
 * `total`. `isTold` is false while nobody has divided anything.
 * @param {Scene} scene
 */
export function houseOf(scene) {
  return isSaid(scene.options) ? projected(scene) : told(scene);
}

/**
 * The seats of the unit by the definition: the gateway has worked them out.
 * @param {Scene} scene
 */
function told(scene) {
  const { night, selection } = scene;
  const plan = declared(scene);
  const total = [...(plan?.seats.values() ?? [])].reduce((sum, many) => sum + many, 0);
  const entry = night.seats({ contest: selection.contest, source: selection.source, unit: selection.unit });
  const ties = (entry?.undecided ?? []).filter(({ reason }) => reason === "tie");
  return {
    seats: new Map((entry?.seats ?? []).map(({ candidate, seats }) => [candidate, seats])),
    decided: new Map((entry?.seats ?? []).map(({ candidate, decided }) => [candidate, decided])),
    counting: entry?.counting ?? [],
    open: entry ? entry.open : total,
    lots: ties.reduce((sum, one) => sum + one.seats, 0),
    total,
    parts: plan?.seats.size ?? 0,
    isTold: Boolean(entry),
    law: scene.t(`method_${plan?.method}`),
    title: "houseOf",
    sumOf: "constituenciesOf",
  };
}

/**
 * The seats of the unit by the members that the address says. Each district is a constituency of its own (Law 2972,
 * article 3); a province is their sum.
 * @param {Scene} scene
 * @returns {ReturnType<typeof told>}
 */
function projected(scene) {
  const { options } = scene;
  const districts = constituencies(scene) ?? new Map(); // where nobody says how many, `check` has said so
  /** @type {Map<string, number>} */
  const seats = new Map();
  /** @type {Map<string, number>} */
  const decided = new Map();
  /** @type {UnitSeats[]} */
  const counting = [];
  let open = 0;
  for (const [id, members] of districts) {
    const part = scene.unit(id);
    const alone = part.ranked.filter((item) => item.candidate.independent).map((item) => item.candidate.id);
    const result = allocate(part.entry?.votes ?? {}, {
      members,
      quota: options.quota,
      valid: wholeOf(part.entry),
      alone,
    });
    if (!part.entry?.complete) counting.push({ unit: id, seats: members });
    for (const sums of part.entry?.complete ? [seats, decided] : [seats])
      for (const [party, many] of result.seats) sums.set(party, (sums.get(party) ?? 0) + many);
    open += result.open;
  }
  const law = [scene.t("lawNote"), options.quota ? scene.t("quotaNote", { n: scene.format.count(options.quota) }) : ""];
  return {
    seats,
    decided,
    counting,
    open,
    lots: open,
    total: [...districts.values()].reduce((sum, members) => sum + members, 0),
    parts: districts.size,
    isTold: true,
    law: law.filter(Boolean).join(" · "),
    title: "councilOf",
    sumOf: "seatsOf",
  };
}
