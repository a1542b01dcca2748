/**
 * The election definition with its indexes: who is below whom, how many boxes, what is on which ballot.
 */

import { INDEPENDENT } from "./hue.js";

/** How many marks there are in tokens.css: a party is told by its mark where colours cannot be. */
const MARKS = 8;

export class Election {
  constructor(definition) {
    Object.assign(this, {
      name: definition.name,
      date: definition.date,
      timezone: definition.timezone,
      contests: definition.contests,
      sources: definition.sources,
      units: definition.units,
    });
    this.unitById = new Map(this.units.map((unit) => [unit.id, unit]));
    this.contestById = new Map(this.contests.map((contest) => [contest.id, contest]));
    this.sourceById = new Map(this.sources.map((source) => [source.id, source]));
    this.partyById = new Map(definition.parties.map((party, order) => [party.id, { ...party, mark: order % MARKS }]));
    this.#childrenOf = new Map(this.units.map((unit) => [unit.id, []]));
    for (const unit of this.units) if (unit.parent) this.#childrenOf.get(unit.parent).push(unit);
    for (const unit of this.units) if (unit.level === "district") this.#addUp(unit);
    this.country = this.units.find((unit) => unit.level === "country");
  }

  #childrenOf;
  #boxes = new Map();
  #registered = new Map();

  #addUp(district) {
    const boxes = (district.boxes ?? []).reduce((sum, [first, last]) => sum + last - first + 1, 0);
    for (let unit = district; unit; unit = this.unitById.get(unit.parent)) {
      this.#boxes.set(unit.id, (this.#boxes.get(unit.id) ?? 0) + boxes);
      this.#registered.set(unit.id, (this.#registered.get(unit.id) ?? 0) + (district.registered ?? NaN));
    }
  }

  /** The units directly below. */
  children(unitId) {
    return this.#childrenOf.get(unitId) ?? [];
  }

  /** How many boxes a unit has, roll-ups included. */
  boxesTotal(unitId) {
    return this.#boxes.get(unitId) ?? 0;
  }

  /** How many voters are registered in a unit; NaN where a district does not say. */
  registeredTotal(unitId) {
    return this.#registered.get(unitId) ?? NaN;
  }

  /** Where a screen starts: the only province, or the country. */
  get home() {
    const provinces = this.children(this.country.id);
    return provinces.length === 1 ? provinces[0] : this.country;
  }

  /** The unit whose parts are listed beside this one: itself, or a district's province. */
  scopeOf(unitId) {
    const unit = this.unitById.get(unitId);
    if (unit.level === "district") return this.unitById.get(unit.parent);
    return unit.level === "country" ? this.home : unit;
  }

  /** The patterns that bring a unit, its scope and the scope's parts. */
  patterns(scopeId) {
    return [scopeId, `${scopeId}/*`];
  }

  /** The names on a unit's ballot, with what is needed to draw them. */
  ballot(contestId, unitId) {
    const contest = this.contestById.get(contestId);
    return (contest.ballots?.[unitId] ?? contest.candidates).map((candidate) => this.#drawn(candidate));
  }

  /** Anyone a ballot does not name, such as an independent seen in a roll-up. */
  stranger(candidate) {
    return this.#drawn(candidate);
  }

  #drawn(candidate) {
    const party = this.partyById.get(candidate.party);
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
