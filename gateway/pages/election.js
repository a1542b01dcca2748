/**
 * The election definition with its indexes: who is below whom, how many boxes, what is on which ballot.
 */

import { INDEPENDENT } from "./hue.js";

/** @import { DefinedCandidate, Definition, ElectionDefinition, Unit } from "./types.d.ts" */

/** How many marks there are in tokens.css: a party is told by its mark where colours cannot be. */
const MARKS = 8;

/**
 * @template T
 * @param {T | undefined} one
 * @param {string} id
 */
function found(one, id) {
  if (one === undefined) throw new Error(`The election has no ${id}.`);
  return one;
}

export class Election {
  /** @param {ElectionDefinition | Definition} given what the gateway has checked */
  constructor(given) {
    const definition = /** @type {ElectionDefinition} */ (/** @type {unknown} */ (given));
    /** @type {string} */
    this.name = definition.name;
    this.date = definition.date;
    this.timezone = definition.timezone;
    this.contests = definition.contests;
    this.sources = definition.sources;
    this.units = definition.units;
    this.unitById = new Map(this.units.map((unit) => [unit.id, unit]));
    this.contestById = new Map(this.contests.map((contest) => [contest.id, contest]));
    this.sourceById = new Map(this.sources.map((source) => [source.id, source]));
    this.partyById = new Map(definition.parties.map((party, order) => [party.id, { ...party, mark: order % MARKS }]));
    this.#childrenOf = new Map(this.units.map((unit) => [unit.id, []]));
    for (const unit of this.units) if (unit.parent) this.#childrenOf.get(unit.parent)?.push(unit);
    for (const unit of this.units) if (unit.level === "district") this.#addUp(unit);
    this.country = found(
      this.units.find((unit) => unit.level === "country"),
      "country",
    );
  }

  /** @type {Map<string, Unit[]>} */
  #childrenOf;
  /** @type {Map<string, number>} */
  #boxes = new Map();
  /** @type {Map<string, number>} */
  #registered = new Map();

  /** @param {Unit} district */
  #addUp(district) {
    const boxes = (district.boxes ?? []).reduce((sum, [first, last]) => sum + last - first + 1, 0);
    for (const unit of this.#path(district)) {
      this.#boxes.set(unit.id, (this.#boxes.get(unit.id) ?? 0) + boxes);
      this.#registered.set(unit.id, (this.#registered.get(unit.id) ?? 0) + (district.registered ?? NaN));
    }
  }

  /** @param {Unit} unit */
  *#path(unit) {
    for (let one = /** @type {Unit | undefined} */ (unit); one; one = this.unitById.get(one.parent ?? "")) yield one;
  }

  /**
   * The unit of this id, which the election has; `unitById` says whether.
   * @param {string} id
   */
  unit(id) {
    return found(this.unitById.get(id), id);
  }

  /**
   * The contest of this id, which the election has.
   * @param {string} id
   */
  contest(id) {
    return found(this.contestById.get(id), id);
  }

  /**
   * The source of this id, which the election has.
   * @param {string} id
   */
  source(id) {
    return found(this.sourceById.get(id), id);
  }

  /**
   * The units directly below.
   * @param {string} unitId
   */
  children(unitId) {
    return this.#childrenOf.get(unitId) ?? [];
  }

  /**
   * How many boxes a unit has, roll-ups included.
   * @param {string} unitId
   */
  boxesTotal(unitId) {
    return this.#boxes.get(unitId) ?? 0;
  }

  /**
   * How many voters are registered in a unit; NaN where a district does not say.
   * @param {string} unitId
   */
  registeredTotal(unitId) {
    return this.#registered.get(unitId) ?? NaN;
  }

  /** Where a screen starts: the only province, or the country. */
  get home() {
    const provinces = this.children(this.country.id);
    return provinces.length === 1 ? provinces[0] : this.country;
  }

  /**
   * The unit whose parts are listed beside this one: itself, or a district's province.
   * @param {string} unitId
   */
  scopeOf(unitId) {
    const unit = this.unit(unitId);
    if (unit.level === "district" && unit.parent) return this.unit(unit.parent);
    return unit.level === "country" ? this.home : unit;
  }

  /**
   * The patterns that bring a unit, its scope and the scope's parts.
   * @param {string} scopeId
   */
  patterns(scopeId) {
    return [scopeId, `${scopeId}/*`];
  }

  /**
   * The names on a unit's ballot, with what is needed to draw them.
   * @param {string} contestId
   * @param {string} unitId
   */
  ballot(contestId, unitId) {
    const contest = this.contest(contestId);
    return (contest.ballots?.[unitId] ?? contest.candidates).map((candidate) => this.#drawn(candidate));
  }

  /**
   * Anyone a ballot does not name, such as an independent seen in a roll-up.
   * @param {string} id
   */
  stranger(id) {
    return this.#drawn({ id, name: id });
  }

  /** @param {DefinedCandidate} candidate */
  #drawn(candidate) {
    const party = this.partyById.get(candidate.party ?? "");
    return {
      id: candidate.id,
      name: candidate.name,
      party: party ? party.short_name : null,
      partyName: party && party.name !== candidate.name && party.short_name !== candidate.name ? party.short_name : "",
      color: party?.color ?? INDEPENDENT,
      mark: party?.mark ?? "none",
      independent: !party,
    };
  }
}
