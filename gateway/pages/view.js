/**
 * From the night's counts to what the panes draw: one unit's ranking and lead, and the same for each part of a scope.
 */

import { credited, isOdd, wholeOf } from "./claims.js";
import { legible } from "./hue.js";
import { levelWords } from "./levels.js";
import { isThin, lead, ranking, withShares } from "./rank.js";
import { layoutOf } from "./tiles.js";

/** @import { Candidate, Election, Entry, Formats, Lead, Selection, UnitView, Words } from "./types.d.ts" */

/**
 * @typedef {object} ViewOptions
 * @property {Election} election
 * @property {{ entry(contest: string, source: string, unit: string): Entry | undefined }} night
 * @property {Words} words
 * @property {Formats} format
 * @property {(selection: Selection) => string} href a selection's address
 */

/** The colours of the present theme that a party's hue must stand out from. */
export function groundsNow() {
  const style = getComputedStyle(document.documentElement);
  return { panel: style.getPropertyValue("--panel").trim(), track: style.getPropertyValue("--track").trim() };
}

export class View {
  #layouts = new Map();

  /** @param {ViewOptions} viewOptions */
  constructor({ election, night, words, format, href }) {
    this.election = election;
    this.night = night;
    this.t = words;
    this.format = format;
    this.href = href;
    this.grounds = { panel: "#1b222c", track: "#2a3440" };
  }

  /** A candidate's hue as it shows on the present theme's bars, whose track is nearer to it than the panel. */
  hue = (/** @type {Candidate} */ candidate) => legible(candidate.color, this.grounds.track, 3);

  /**
   * One unit's figures with all that is derived from them.
   * @param {Selection} selection
   * @param {string} [unitId]
   * @param {string} [sourceId]
   */
  unit(selection, unitId = selection.unit, sourceId = selection.source) {
    const { election } = this;
    const entry = this.night.entry(selection.contest, sourceId, unitId);
    const unit = election.unit(unitId);
    const ballot = election.ballot(selection.contest, unitId);
    const whole = wholeOf(entry);
    const places = ranking(ballot, entry?.votes, (id) => election.stranger(id, selection.contest));
    const { ranked, unattributedShare } = withShares(places, whole, entry?.unattributed);
    const boxesTotal = entry?.boxes_total ?? election.boxesTotal(unitId);
    const level = election.toldAbove(selection.contest, sourceId, unitId);
    return {
      unit,
      /** What to say where the source does not tell the contest of this unit; empty where it does. */
      notTold: level
        ? this.t("notTold", { source: election.source(sourceId).name, level: levelWords(this.t, election, level).one })
        : "",
      entry,
      ranked,
      unattributedShare,
      boxesTotal,
      contest: election.contest(selection.contest),
      source: election.source(sourceId),
      registeredTotal: election.registeredTotal(unitId),
      lead: lead(ranked, whole),
      thin: isThin(credited(entry), boxesTotal),
      hue: this.hue,
    };
  }

  /**
   * The unit above the selected one, to go back to; null at the top.
   * @param {Selection} selection
   */
  above(selection) {
    const parent = this.election.unitById.get(this.election.unit(selection.unit).parent ?? "");
    if (!parent || selection.unit === this.election.home.id) return null;
    return { id: parent.id, name: parent.name, href: this.href({ ...selection, unit: parent.id }) };
  }

  /**
   * The parts of the selection's scope, with links and sentences for those who do not see colours.
   * @param {Selection} selection
   */
  parts(selection) {
    const scope = this.election.scopeOf(selection.unit);
    return this.election.children(scope.id, selection.tree).map((child) => {
      const part = this.unit(selection, child.id);
      return {
        ...part,
        ground: this.grounds.panel,
        href: this.href({ ...selection, unit: child.id }),
        sentence: this.#sentence(part),
      };
    });
  }

  /**
   * The tiles of the selection's scope, or null.
   * @param {Selection} selection
   */
  layout(selection) {
    const scope = this.election.scopeOf(selection.unit);
    if (selection.tree && scope === this.election.country) return null;
    if (!this.#layouts.has(scope.id)) this.#layouts.set(scope.id, layoutOf(scope.id, this.election.children(scope.id)));
    return this.#layouts.get(scope.id);
  }

  /**
   * The part with the smallest margin among those that say something already; null while none does.
   * @template {UnitView} P
   * @param {readonly P[]} parts
   * @returns {P | null}
   */
  closest(parts) {
    const marginOf = (/** @type {P} */ part) => (part.thin ? Infinity : (part.lead?.points ?? Infinity));
    const closest = parts.reduce(
      (best, part) => (!best || marginOf(part) < marginOf(best) ? part : best),
      /** @type {P | null} */ (null),
    );
    return closest && marginOf(closest) < Infinity ? closest : null;
  }

  /**
   * How many parts each party leads in, most first.
   * @param {readonly {lead: Lead | null}[]} parts
   */
  leading(parts) {
    const groups = new Map();
    for (const { lead: ahead } of parts) {
      if (ahead?.leaders.length !== 1) continue;
      const { candidate } = ahead.leaders[0];
      const label = candidate.party ?? this.t("independent");
      const group = groups.get(label) ?? { label, count: 0, mark: candidate.mark, hue: this.hue(candidate) };
      groups.set(label, { ...group, count: group.count + 1 });
    }
    return [...groups.values()].sort(
      (left, right) => right.count - left.count || this.format.compare(left.label, right.label),
    );
  }

  /** @param {Pick<UnitView, "unit" | "entry" | "lead" | "boxesTotal" | "notTold">} options */
  #sentence({ unit, entry, lead: ahead, boxesTotal, notTold }) {
    const { t, format } = this;
    if (notTold) return `${unit.name}: ${notTold}`;
    const boxes = `${t("opened")} ${format.count(entry?.boxes_opened ?? 0)} / ${format.count(boxesTotal)}`;
    const odd = isOdd(entry) ? `, ${t("oddHead")}` : "";
    if (!ahead) return `${unit.name}: ${t("noBoxes")}${odd}`;
    const names = ahead.leaders.map((row) => row.candidate.name).join(" – ");
    const word = t(ahead.leaders.length > 1 ? "tie" : "leads");
    const margin = `${t("margin")} ${t("points", { n: format.points(ahead.points ?? NaN) })}`;
    return `${unit.name}: ${names} ${word}, ${margin}, ${boxes}${odd}`;
  }
}
