/**
 * What the levels of an election's units are called. Pure.
 *
 * A definition that names its levels brings their names, in its own language. Without them they are country, province
 * and district, and each page has words for these in its reader's language.
 */

/** @import { Election, Words } from "./types.d.ts" */

/** Texts that name a district or a province. Each has a general one, `units_…`, that takes `{unit}` and `{units}`. */
const NAMING = new Set([
  "district",
  "districts",
  "districtOnly",
  "chooseDistrict",
  "noMap",
  "odd_boxes_over_total",
  "odd_cast_over_roll",
  "odd_no_boxes_known",
  "odd_registered_over_roll",
  "reason_unknown_district",
  "seatsOf",
  "whyDistricts",
  "whyPart",
  "whyShared",
]);

/**
 * The page's words for this election: where it names its levels, no text speaks of districts.
 * @param {Words} t
 * @param {Election} election
 * @returns {Words}
 */
export function wordsOf(t, election) {
  const lowest = election.ownLevels.at(-1);
  if (!lowest) return t;
  const names = { unit: lowest.name, units: lowest.plural ?? lowest.name };
  return (key, values = {}) => t(NAMING.has(key) ? `units_${key}` : key, { ...names, ...values });
}

/**
 * What one unit of a level is called, several, and all of them.
 * @param {Words} t
 * @param {Election} election
 * @param {string} level
 */
export function levelWords(t, election, level) {
  const own = election.levelById.get(level);
  if (own) {
    const many = own.plural ?? own.name;
    return { one: own.name, many, all: t("allUnits", { units: many }) };
  }
  return level === "province"
    ? { one: t("province"), many: t("provinces"), all: t("allProvinces") }
    : { one: t("district"), many: t("districts"), all: t("allDistricts") };
}

/**
 * The level that most of these units are of: branches may differ in depth.
 * @param {readonly {level: string}[]} units
 */
export function commonLevel(units) {
  /** @type {Map<string, number>} */
  const times = new Map();
  for (const { level } of units) times.set(level, (times.get(level) ?? 0) + 1);
  return [...times].reduce((most, one) => (one[1] > most[1] ? one : most), ["", 0])[0];
}
