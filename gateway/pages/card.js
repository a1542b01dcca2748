/**
 * One district's card beside the map: the same four things in small, and the first three on its own ballot.
 */

import { markOdd, partOf, progressText, turnout } from "./claims.js";
import { make, partyMark, setAttribute, setMark, setStyle, setText } from "./dom.js";
import { isManual, markManual } from "./manual.js";

/** @import { Entry, Hue, Lead, Part, Ranked, Source, Tools } from "./types.d.ts" */

const CARD_ROWS = 3;

export class Card {
  /**
   * @param {HTMLElement} section
   * @param {Tools} tools
   */
  constructor(section, { t, format }) {
    this.section = section;
    this.t = t;
    this.format = format;
    this.name = make("h2");
    this.boxes = make("p", { class: "boxes" });
    this.fill = make("span", { class: "fill" });
    this.lines = Array.from({ length: CARD_ROWS }, () => {
      const parts = {
        mark: partyMark(),
        name: make("span", { class: "name" }),
        percent: make("span", { class: "number" }),
        votes: make("span", { class: "number votes" }),
      };
      return { ...parts, row: make("li", {}, parts.mark, parts.name, parts.percent, parts.votes) };
    });
    this.list = make("ol", {}, ...this.lines.map((line) => line.row));
    this.margin = make("p", { class: "gap" });
    this.more = make("p", { class: "note" });
    section.append(
      make("div", { class: "card-head" }, this.name, this.boxes),
      make("div", { class: "track", "aria-hidden": "true" }, this.fill),
      this.list,
      make("div", { class: "card-foot" }, this.margin, this.more),
    );
  }

  /**
   * Draw a district; without one, say how to choose.
   * @param {Part | null | undefined} part
   * @param {Source} source
   * @param {Hue} hue
   * @param {boolean} [closest]
   */
  draw(part, source, hue, closest = false) {
    const { t } = this;
    setAttribute(this.section, "data-empty", part ? null : "");
    setText(
      this.name,
      part ? `${closest ? t("closest", { place: part.unit.name }) : part.unit.name} · ${source.name}` : t("district"),
    );
    setText(this.boxes, part ? this.#boxes(part) : t("chooseDistrict"));
    markManual(this.boxes, isManual(part?.entry, "boxes_opened"), t);
    setStyle(this.fill, "--part", part ? partOf(part.entry, part.boxesTotal).toFixed(4) : "0");
    this.lines.forEach((line, index) => this.#line(line, part?.entry ? part.ranked[index] : null, part?.entry, hue));
    setText(this.margin, part?.lead ? this.#margin(part.lead) : "");
    setText(this.more, part?.entry ? this.#turnout(part.entry) : "");
    markOdd(this.name, part?.entry, t);
  }

  /** @param {Part} part */
  #boxes({ entry, boxesTotal, notTold }) {
    const { t, format } = this;
    if (notTold) return notTold;
    const both = `${format.count(entry?.boxes_opened ?? 0)} / ${format.count(boxesTotal)}`;
    return `${t("opened")} ${both} · ${progressText(format, entry, boxesTotal)}`;
  }

  /** @param {Lead} lead */
  #margin({ votes, points }) {
    const { t, format } = this;
    const inPoints = t("points", { n: format.points(points ?? NaN) });
    return `${t("margin")} ${t("votes", { n: format.count(votes) })} · ${inPoints}`;
  }

  /** @param {Entry} entry */
  #turnout(entry) {
    const { t, format } = this;
    const { cast, registered, share, isGiven } = turnout(entry);
    const of = isGiven
      ? t("turnoutOf", { cast: format.count(cast), registered: format.count(registered) })
      : t("notGiven");
    const flagged = `${t("flagged")} ${format.count(entry.flagged)}`;
    return `${t("turnout")} ${format.percentOf(share ?? NaN)} (${of}) · ${flagged}`;
  }

  /**
   * @param {Card["lines"][number]} line
   * @param {Ranked | null | undefined} item
   * @param {Entry | undefined} entry
   * @param {Hue} hue
   */
  #line(line, item, entry, hue) {
    setAttribute(line.row, "data-none", item ? null : "");
    setMark(line.mark, item?.candidate ?? null, item ? hue(item.candidate) : "transparent");
    setText(line.name, item ? [item.candidate.name, item.candidate.partyName].filter(Boolean).join(" · ") : "");
    setText(line.percent, item ? this.format.percentOf(item.share ?? NaN) : "");
    setText(line.votes, item ? this.format.count(item.votes) : "");
    markManual(line.votes, item && isManual(entry, `votes.${item.candidate.id}`), this.t);
  }
}
