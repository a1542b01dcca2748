/**
 * The sources side by side on one scale, and what lies between them written out in votes, points and boxes.
 */

import { markOdd, partOf, progressText, wholeOf } from "./claims.js";
import { make, partyMark, setAttribute, setMark, setStyle, setText } from "./dom.js";
import { isManual, markManual } from "./manual.js";
import { points, spread } from "./rank.js";

/** @import { Candidate, Column, Hue, Ranked, Source, Tools } from "./types.d.ts" */

const COMPARED = 3;

/** @typedef {ReturnType<typeof newLine>} Line */
/** @typedef {{ highest: Source, lowest: Source, gap: number }} Spread */

export class Compare {
  #columns = "";
  /** How each source's feed is. @type {HTMLElement[]} */
  #states = [];
  /** The first line is of boxes, the others of candidates. @type {Line[]} */
  #lines = [];

  /**
   * @param {HTMLElement} section
   * @param {Tools} tools
   */
  constructor(section, { t, format }) {
    this.section = section;
    this.t = t;
    this.format = format;
    this.head = make("thead");
    this.body = make("tbody");
    section.append(
      make("h2", { text: t("sideBySide") }),
      make(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": t("sideBySide") },
        make("table", {}, this.head, this.body),
      ),
    );
  }

  /**
   * Draw one unit of every source; `ranked` gives the rows.
   * @param {{columns: Column[], ranked: Ranked[], hue: Hue}} options
   */
  draw({ columns, ranked, hue }) {
    const { format } = this;
    setAttribute(this.section, "hidden", columns.length > 1 ? null : "");
    if (columns.length < 2) return;
    const key = columns.map(({ source }) => source.id).join();
    if (key !== this.#columns) this.#lay(key, columns);
    columns.forEach(({ feed, stateWord }, index) => {
      setText(this.#states[index], stateWord);
      setAttribute(this.#states[index], "data-state", feed.state);
    });
    this.#line(
      this.#lines[0],
      columns,
      (column) => column.entry?.boxes_opened,
      (n) => format.count(n),
    );
    ranked
      .slice(0, COMPARED)
      .forEach((item, index) => this.#candidate(this.#lines[index + 1], item.candidate, columns, hue));
    this.#lines.slice(1).forEach((line, index) => setAttribute(line.row, "hidden", index < ranked.length ? null : ""));
  }

  /**
   * @param {string} key
   * @param {Column[]} columns
   */
  #lay(key, columns) {
    this.#columns = key;
    this.#states = columns.map(() => make("span", { class: "feed" }));
    this.head.replaceChildren(
      make(
        "tr",
        {},
        make("td"),
        ...columns.map(({ source }, index) =>
          make("th", { scope: "col", class: "number" }, `${source.name} `, this.#states[index]),
        ),
        make("th", { scope: "col", class: "gap", text: this.t("gap") }),
      ),
    );
    this.#lines = Array.from({ length: COMPARED + 1 }, () => newLine(columns.length));
    setText(this.#lines[0].name, this.t("opened"));
    this.#lines[0].mark.remove();
    this.body.replaceChildren(...this.#lines.map((line) => line.row));
  }

  /**
   * @param {Line} line
   * @param {Column[]} columns
   * @param {(column: Column) => number | undefined} value
   * @param {(value: number) => string} text
   */
  #line(line, columns, value, text) {
    const { t, format } = this;
    columns.forEach((column, index) => {
      const number = value(column);
      const { main, small, fill } = line.cells[index];
      setText(main, number === undefined ? t("noData") : text(number));
      setText(small, number === undefined ? "" : progressText(format, column.entry, column.boxesTotal));
      markManual(main, isManual(column.entry, "boxes_opened"), t);
      markOdd(small, column.entry, t);
      setStyle(fill, "--part", partOf(column.entry, column.boxesTotal).toFixed(4));
    });
    const gap = spread(columns.map((column) => ({ source: column.source, value: value(column) })));
    setText(
      line.gap,
      !gap
        ? this.format.nothing
        : gap.gap === 0
          ? t("same")
          : t("ahead", { source: gap.highest.name, n: format.count(gap.gap) }),
    );
  }

  /**
   * @param {Line} line
   * @param {Candidate} candidate
   * @param {Column[]} columns
   * @param {Hue} hue
   */
  #candidate(line, candidate, columns, hue) {
    const { t, format } = this;
    setText(line.name, candidate.name);
    setMark(line.mark, candidate, hue(candidate));
    setStyle(line.row, "--hue", hue(candidate));
    /** @param {Column} column */
    const votesOf = ({ entry }) => (entry ? (entry.votes[candidate.id] ?? 0) : NaN);
    /** @param {Column} column */
    const shareOf = ({ ranked }) => ranked.find((row) => row.candidate.id === candidate.id)?.share ?? NaN;
    columns.forEach((column, index) => {
      const { main, small, fill } = line.cells[index];
      const votes = votesOf(column);
      setText(main, column.entry ? format.percentOf(shareOf(column)) : t("noData"));
      setText(small, column.entry ? t("votes", { n: format.count(votes) }) : "");
      markManual(small, isManual(column.entry, `votes.${candidate.id}`), t);
      setStyle(fill, "--part", wholeOf(column.entry) ? (votes / wholeOf(column.entry)).toFixed(4) : "0");
    });
    const shares = spread(
      columns.map((column) => ({
        source: column.source,
        value: points(votesOf(column), wholeOf(column.entry)) ?? NaN,
      })),
    );
    const votes = spread(columns.map((column) => ({ source: column.source, value: votesOf(column) })));
    setText(line.gap, shares && votes ? this.#gap(shares, votes) : format.nothing);
  }

  /**
   * @param {Spread} shares
   * @param {Spread} votes
   */
  #gap(shares, votes) {
    const { t, format } = this;
    /**
     * @param {Spread} gap
     * @param {string} text
     */
    const more = (gap, text) => (gap.gap === 0 ? text : `+${text}`);
    const inPoints = more(shares, t("points", { n: format.points(shares.gap) }));
    const inVotes = more(votes, t("votes", { n: format.count(votes.gap) }));
    return `${shares.highest.name} ${inPoints}\n${votes.highest.name} ${inVotes}`;
  }
}

/** @param {number} columns how many there are beside the name and the gap */
function newLine(columns) {
  const [mark, name, gap] = [partyMark(), make("span", { class: "name" }), make("td", { class: "gap" })];
  const cells = Array.from({ length: columns }, () => {
    const [main, small, fill] = [make("b"), make("span", { class: "small" }), make("span", { class: "fill" })];
    return {
      main,
      small,
      fill,
      cell: make("td", { class: "number" }, main, small, make("span", { class: "track", "aria-hidden": "true" }, fill)),
    };
  });
  const row = make(
    "tr",
    {},
    make("th", { scope: "row" }, make("span", { class: "label" }, mark, name)),
    ...cells.map(({ cell }) => cell),
    gap,
  );
  return { row, mark, name, gap, cells };
}
