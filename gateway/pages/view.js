/**
 * From the night's counts to what the panes draw: one unit's ranking and lead, and the same for each part of a scope.
 */

import { credited, isOdd, wholeOf } from "./claims.js";
import { legible } from "./hue.js";
import { isThin, lead, ranking } from "./rank.js";
import { layoutOf } from "./tiles.js";

export class View {
  #layouts = new Map();

  constructor({ election, night, words, format, href }) {
    Object.assign(this, { election, night, t: words, format, href });
    this.grounds = { panel: "#1b222c", track: "#2a3440" };
  }

  /** A candidate's hue as it shows on the present theme's bars, whose track is nearer to it than the panel. */
  hue = (candidate) => legible(candidate.color, this.grounds.track, 3);

  /** One unit's figures with all that is derived from them. */
  unit(selection, unitId = selection.unit, sourceId = selection.source) {
    const { election } = this;
    const entry = this.night.entry(selection.contest, sourceId, unitId);
    const unit = election.unitById.get(unitId);
    const ranked = ranking(election.ballot(selection.contest, unitId), entry?.votes).map((row) =>
      row.candidate.color ? row : { ...row, candidate: election.stranger(row.candidate) },
    );
    const boxesTotal = election.boxesTotal(unitId);
    return {
      unit,
      entry,
      ranked,
      boxesTotal,
      contest: election.contestById.get(selection.contest),
      source: election.sourceById.get(sourceId),
      registeredTotal: election.registeredTotal(unitId),
      lead: lead(ranked, wholeOf(entry)),
      thin: isThin(credited(entry), boxesTotal),
      hue: this.hue,
    };
  }

  /** The unit above the selected one, to go back to; null at the top. */
  above(selection) {
    const parent = this.election.unitById.get(this.election.unitById.get(selection.unit).parent);
    if (!parent || selection.unit === this.election.home.id) return null;
    return { id: parent.id, name: parent.name, href: this.href({ ...selection, unit: parent.id }) };
  }

  /** The parts of the selection's scope, with links and sentences for those who do not see colours. */
  parts(selection) {
    const scope = this.election.scopeOf(selection.unit);
    return this.election.children(scope.id).map((child) => {
      const part = this.unit(selection, child.id);
      return {
        ...part,
        ground: this.grounds.panel,
        href: this.href({ ...selection, unit: child.id }),
        sentence: this.#sentence(part),
      };
    });
  }

  /** The tiles of the selection's scope, or null. */
  layout(selection) {
    const scope = this.election.scopeOf(selection.unit);
    if (!this.#layouts.has(scope.id)) this.#layouts.set(scope.id, layoutOf(scope.id, this.election.children(scope.id)));
    return this.#layouts.get(scope.id);
  }

  /** The part with the smallest margin among those that say something already; null while none does. */
  closest(parts) {
    const races = parts.filter((part) => part.lead && !part.thin);
    return races.reduce((best, part) => (!best || part.lead.points < best.lead.points ? part : best), null);
  }

  /** How many parts each party leads in, most first. */
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

  #sentence({ unit, entry, lead: ahead, boxesTotal }) {
    const { t, format } = this;
    const boxes = `${t("opened")} ${format.count(entry?.boxes_opened ?? 0)} / ${format.count(boxesTotal)}`;
    const odd = isOdd(entry) ? `, ${t("oddHead")}` : "";
    if (!ahead) return `${unit.name}: ${t("noBoxes")}${odd}`;
    const names = ahead.leaders.map((row) => row.candidate.name).join(" – ");
    const word = t(ahead.leaders.length > 1 ? "tie" : "leads");
    return `${unit.name}: ${names} ${word}, ${t("margin")} ${t("points", { n: format.points(ahead.points ?? NaN) })}, ${boxes}${odd}`;
  }
}
