/**
 * The election definition with its indexes: who is below whom, how many boxes, what is on which ballot.
 */

import { INDEPENDENT } from "./hue.js";

/** @import { Candidate, DefinedCandidate, Definition, ElectionDefinition, Unit, Words } from "./types.d.ts" */

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
    /** The levels that the definition names itself; none where they are the standard ones. */
    this.ownLevels = definition.levels ?? [];
    this.trees = definition.trees ?? [];
    /** The contests of which earlier results are known. */
    this.compared = new Set((definition.previous ?? []).map(({ contest }) => contest));
    this.levelById = new Map(
      [...this.ownLevels, ...this.trees.flatMap(({ levels }) => levels)].map((one) => [one.id, one]),
    );
    this.#treeOf = new Map(this.trees.flatMap(({ id, levels }) => levels.map((level) => [level.id, id])));
    this.#lowest = (this.ownLevels.at(-1) ?? { id: "district" }).id;
    this.country = found(
      this.units.find((unit) => !unit.parent),
      "country",
    );
    for (const unit of this.units) for (const parent of this.#above(unit)) this.#childrenOf.get(parent)?.push(unit);
    for (const unit of this.units) if (this.isCounting(unit)) this.#addUp(unit);
  }

  /** @type {Map<string, string>} the tree of each level that is not of the first */
  #treeOf;
  /** @type {string} the last level of the first tree */
  #lowest;

  /** @type {Map<string, Unit[]>} */
  #childrenOf;
  /** @type {Map<string, number>} */
  #boxes = new Map();
  /** @type {Map<string, number>} */
  #registered = new Map();

  /**
   * The tree of a unit; "" for the first.
   * @param {Unit} unit
   */
  treeOf(unit) {
    return this.#treeOf.get(unit.level) ?? "";
  }

  /**
   * Whether boxes are counted in the unit: it is the lowest of its branch.
   * @param {Unit} unit
   */
  isCounting(unit) {
    return unit.level === this.#lowest || (unit.boxes ?? []).length > 0;
  }

  /**
   * The units that a unit is listed below: one of each tree. The country lists those of the first tree.
   * @param {Unit} unit
   */
  #above(unit) {
    const isListed = unit.parent && !(unit.parent === this.country.id && this.treeOf(unit));
    return [...(isListed && unit.parent ? [unit.parent] : []), ...(unit.also_in ?? [])];
  }

  /** @param {Unit} district */
  #addUp(district) {
    const boxes = (district.boxes ?? []).reduce((sum, [first, last]) => sum + last - first + 1, 0);
    for (const unit of this.#path(district)) {
      this.#boxes.set(unit.id, (this.#boxes.get(unit.id) ?? 0) + boxes);
      this.#registered.set(unit.id, (this.#registered.get(unit.id) ?? 0) + (district.registered ?? NaN));
    }
  }

  /**
   * A unit and all above it, in every tree, each once.
   * @param {Unit} unit
   */
  #path(unit) {
    /** @type {Set<Unit>} */
    const path = new Set();
    for (const start of [unit.id, ...(unit.also_in ?? [])])
      for (let one = this.unitById.get(start); one; one = this.unitById.get(one.parent ?? "")) path.add(one);
    return path;
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
   * The units directly below; below the country those of the tree, "" for the first.
   * @param {string} unitId
   * @param {string} [tree]
   */
  children(unitId, tree = "") {
    if (!tree || unitId !== this.country.id) return this.#childrenOf.get(unitId) ?? [];
    return this.units.filter((unit) => unit.parent === unitId && this.treeOf(unit) === tree);
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

  /**
   * The level at which a source tells a contest, where it does not tell it of this unit: it tells of all that the unit
   * is a part of, or of parts that cross it. Null where it tells of the unit.
   * @param {string} contestId
   * @param {string} sourceId
   * @param {string} unitId
   */
  toldAbove(contestId, sourceId, unitId) {
    const level = this.source(sourceId).levels?.[contestId];
    return !level || this.#toldAt(level).has(unitId) ? null : level;
  }

  /** @type {Map<string, Set<string>>} */
  #told = new Map();

  /**
   * The units of which anything is told by who tells a contest at a level.
   * @param {string} level
   */
  #toldAt(level) {
    const known = this.#told.get(level);
    if (known) return known;
    /** @type {Map<string, string[]>} */
    const districts = new Map();
    /** @type {Map<string, string>} */
    const cells = new Map();
    const told = new Set();
    const lies = (/** @type {string} */ unit, /** @type {string} */ other) =>
      unit !== other && [...this.#path(this.unit(unit))].some(({ id }) => id === other);
    for (const district of this.units.filter((unit) => this.isCounting(unit))) {
      const path = [...this.#path(district)].map(({ id }) => id);
      cells.set(district.id, path.find((id) => this.unit(id).level === level) ?? district.id);
      for (const id of path) districts.set(id, [...(districts.get(id) ?? []), district.id]);
    }
    for (const [unit, inside] of districts) {
      const own = new Set(inside.map((district) => cells.get(district) ?? ""));
      const whole = [...own].reduce((sum, cell) => sum + (districts.get(cell)?.length ?? 0), 0);
      if (whole === inside.length && ![...own].some((cell) => lies(unit, cell))) told.add(unit);
    }
    this.#told.set(level, told);
    return told;
  }

  /** Where a screen starts: the highest unit that has more than one below it. */
  get home() {
    let one = this.country;
    while (!this.trees.length) {
      const below = this.children(one.id);
      if (below.length !== 1 || this.isCounting(below[0])) break;
      one = below[0];
    }
    return one;
  }

  /**
   * The unit whose parts are listed beside this one: itself, or what a counting unit lies in.
   * @param {string} unitId
   */
  scopeOf(unitId) {
    const unit = this.unit(unitId);
    if (this.isCounting(unit) && unit.parent) return this.unit(unit.parent);
    return unit === this.country ? this.home : unit;
  }

  /**
   * The patterns that bring a unit, its scope and the scope's parts, below the country those of the tree.
   * @param {string} scopeId
   * @param {string} [tree]
   */
  patterns(scopeId, tree = "") {
    const unit = this.unit(scopeId);
    if (!this.children(scopeId, tree).length) return [scopeId];
    return [scopeId, tree && unit === this.country ? `${scopeId}/*:${tree}` : `${scopeId}/*`];
  }

  /**
   * The names on a unit's ballot, with what is needed to draw them.
   * @param {string} contestId
   * @param {string} unitId
   */
  ballot(contestId, unitId) {
    const contest = this.contest(contestId);
    const own = contest.ballots ?? {};
    const unit = this.unitById.get(unitId);
    const holder = unit && [...this.#path(unit)].find(({ id }) => own[id]);
    return (holder ? own[holder.id] : contest.candidates).map((candidate) =>
      this.#drawn(candidate, contest.kind === "referendum"),
    );
  }

  /**
   * Anyone a unit's ballot does not name, such as an independent seen in a roll-up: as another ballot of the contest
   * names them.
   * @param {string} id
   * @param {string} contestId
   */
  stranger(id, contestId) {
    const ballots = Object.values(this.contestById.get(contestId)?.ballots ?? {});
    const named = ballots.flat().find((candidate) => candidate.id === id);
    return this.#drawn(named ?? { id, name: id });
  }

  /**
   * What a name in `held` is of, contest or contest/unit, in the election's words.
   * @param {string} held
   */
  heldName(held) {
    const [contestId, ...path] = held.split("/");
    const contest = this.contestById.get(contestId)?.name ?? contestId;
    const unit = path.join("/");
    return unit ? `${contest} · ${this.unitById.get(unit)?.name ?? unit}` : contest;
  }

  /**
   * @param {DefinedCandidate} candidate
   * @param {boolean} [isOption] an option of a referendum is no independent
   */
  #drawn(candidate, isOption = false) {
    const party = this.partyById.get(candidate.party ?? "");
    return {
      id: candidate.id,
      name: candidate.name,
      partyId: party?.id ?? null,
      party: party ? party.short_name : null,
      partyName: party && party.name !== candidate.name && party.short_name !== candidate.name ? party.short_name : "",
      color: party?.color ?? candidate.color ?? INDEPENDENT,
      mark: party?.mark ?? "none",
      independent: !party && !isOption,
      withdrawn: candidate.withdrawn ?? false,
    };
  }
}

/**
 * What stands below a candidate's name: the party, or that there is none, and that the candidate has withdrawn.
 * @param {Candidate} candidate
 * @param {Words} t
 */
export function affiliation(candidate, t) {
  const party = candidate.partyName || (candidate.independent ? t("independent") : "");
  return [party, candidate.withdrawn ? t("withdrawn") : ""].filter(Boolean).join(" · ");
}
