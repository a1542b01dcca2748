/**
 * One district's card beside the map: the same four things in small, and the first three on its own ballot.
 */

import { isManual, markManual } from "./manual.js";
import { markOdd, partOf, progressText, turnout, wholeOf } from "./claims.js";
import { dressMark, make, paint, partyMark, put, say } from "./dom.js";

/** @import { Entry, Hue, Part, Ranked, Source, Tools } from "./types.d.ts" */

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
    const { t, format } = this;
    put(this.section, "data-empty", part ? null : "");
    say(
      this.name,
      part ? `${closest ? t("closest", { place: part.unit.name }) : part.unit.name} · ${source.name}` : t("district"),
    );
    const opened = part?.entry?.boxes_opened ?? 0;
    say(
      this.boxes,
      part
        ? `${t("opened")} ${format.count(opened)} / ${format.count(part.boxesTotal)} · ${progressText(format, part.entry, part.boxesTotal)}`
        : t("chooseDistrict"),
    );
    markManual(this.boxes, isManual(part?.entry, "boxes_opened"), t);
    paint(this.fill, "--part", part ? partOf(part.entry, part.boxesTotal).toFixed(4) : "0");
    this.lines.forEach((line, index) => this.#line(line, part?.entry ? part.ranked[index] : null, part?.entry, hue));
    const lead = part?.lead;
    say(
      this.margin,
      lead
        ? `${t("margin")} ${t("votes", { n: format.count(lead.votes) })} · ${t("points", { n: format.points(lead.points ?? NaN) })}`
        : "",
    );
    const { cast, registered, share } = turnout(part?.entry);
    say(
      this.more,
      part?.entry
        ? `${t("turnout")} ${format.percentOf(share ?? NaN)} (${t("turnoutOf", { cast: format.count(cast), registered: format.count(registered) })}) · ${t("flagged")} ${format.count(part.entry.flagged)}`
        : "",
    );
    markOdd(this.name, part?.entry, t);
  }

  /**
   * @param {Card["lines"][number]} line
   * @param {Ranked | null | undefined} item
   * @param {Entry | undefined} entry
   * @param {Hue} hue
   */
  #line(line, item, entry, hue) {
    put(line.row, "data-none", item ? null : "");
    dressMark(line.mark, item?.candidate ?? null, item ? hue(item.candidate) : "transparent");
    say(line.name, item ? [item.candidate.name, item.candidate.partyName].filter(Boolean).join(" · ") : "");
    say(line.percent, item ? this.format.percentOf(item.share ?? NaN) : "");
    say(line.votes, item ? this.format.count(item.votes) : "");
    markManual(line.votes, item && isManual(entry, `votes.${item.candidate.id}`), this.t);
  }
}
