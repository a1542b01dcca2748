/**
 * The sources side by side on one scale, and what lies between them written out in votes, points and boxes.
 */

import { isManual, markManual } from "./byhand.js";
import { markOdd, partOf, progressText, wholeOf } from "./claims.js";
import { dressMark, make, paint, partyMark, put, say } from "./dom.js";
import { points, spread } from "./rank.js";

const COMPARED = 3;

export class Compare {
  #columns = "";

  constructor(section, { t, format }) {
    Object.assign(this, { section, t, format });
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

  /** Draw one unit of every source. `columns`: {source, entry, ranked, feed, stateWord, last}; `ranked` gives the rows. */
  draw({ columns, ranked, hue }) {
    const { t, format } = this;
    put(this.section, "hidden", columns.length > 1 ? null : "");
    if (columns.length < 2) return;
    const key = columns.map(({ source }) => source.id).join();
    if (key !== this.#columns) this.#lay(key, columns);
    columns.forEach(({ feed, stateWord }, index) => {
      say(this.states[index], stateWord);
      put(this.states[index], "data-state", feed.state);
    });
    this.#line(
      this.lines[0],
      columns,
      (column) => column.entry?.boxes_opened,
      (n) => format.count(n),
    );
    ranked
      .slice(0, COMPARED)
      .forEach((item, index) => this.#candidate(this.lines[index + 1], item.candidate, columns, hue));
    this.lines.slice(1).forEach((line, index) => put(line.row, "hidden", index < ranked.length ? null : ""));
  }

  #lay(key, columns) {
    this.#columns = key;
    this.states = columns.map(() => make("span", { class: "feed" }));
    this.head.replaceChildren(
      make(
        "tr",
        {},
        make("td"),
        ...columns.map(({ source }, index) =>
          make("th", { scope: "col", class: "number" }, `${source.name} `, this.states[index]),
        ),
        make("th", { scope: "col", class: "gap", text: this.t("gap") }),
      ),
    );
    this.lines = Array.from({ length: COMPARED + 1 }, () => this.#row(columns));
    say(this.lines[0].name, this.t("opened"));
    this.lines[0].mark.remove();
    this.body.replaceChildren(...this.lines.map((line) => line.row));
  }

  #row(columns) {
    const [mark, name, gap] = [partyMark(), make("span", { class: "name" }), make("td", { class: "gap" })];
    const cells = columns.map(() => {
      const [main, small, fill] = [make("b"), make("span", { class: "small" }), make("span", { class: "fill" })];
      return {
        main,
        small,
        fill,
        cell: make(
          "td",
          { class: "number" },
          main,
          small,
          make("span", { class: "track", "aria-hidden": "true" }, fill),
        ),
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

  #line(line, columns, value, text) {
    const { t, format } = this;
    columns.forEach((column, index) => {
      const number = value(column);
      const { main, small, fill } = line.cells[index];
      say(main, number === undefined ? t("noData") : text(number));
      say(small, number === undefined ? "" : progressText(format, column.entry, column.boxesTotal));
      markManual(main, isManual(column.entry, "boxes_opened"), t);
      markOdd(small, column.entry, t);
      paint(fill, "--part", partOf(column.entry, column.boxesTotal).toFixed(4));
    });
    const gap = spread(columns.map((column) => ({ source: column.source, value: value(column) })));
    say(
      line.gap,
      !gap
        ? this.format.nothing
        : gap.gap === 0
          ? t("same")
          : t("ahead", { source: gap.highest.name, n: format.count(gap.gap) }),
    );
  }

  #candidate(line, candidate, columns, hue) {
    const { t, format } = this;
    say(line.name, candidate.name);
    dressMark(line.mark, candidate, hue(candidate));
    paint(line.row, "--hue", hue(candidate));
    const votesOf = ({ entry }) => (entry ? (entry.votes[candidate.id] ?? 0) : undefined);
    columns.forEach((column, index) => {
      const { main, small, fill } = line.cells[index];
      const votes = votesOf(column);
      say(main, votes === undefined ? t("noData") : format.percent(votes, wholeOf(column.entry)));
      say(small, votes === undefined ? "" : t("votes", { n: format.count(votes) }));
      markManual(small, isManual(column.entry, `votes.${candidate.id}`), t);
      paint(fill, "--part", wholeOf(column.entry) ? (votes / wholeOf(column.entry)).toFixed(4) : "0");
    });
    const shares = spread(
      columns.map((column) => ({
        source: column.source,
        value: points(votesOf(column), wholeOf(column.entry)) ?? NaN,
      })),
    );
    const votes = spread(columns.map((column) => ({ source: column.source, value: votesOf(column) })));
    say(line.gap, shares && votes ? this.#gap(shares, votes) : format.nothing);
  }

  #gap(shares, votes) {
    const { t, format } = this;
    const more = (gap, text) => (gap.gap === 0 ? text : `+${text}`);
    const inPoints = more(shares, t("points", { n: format.points(shares.gap) }));
    const inVotes = more(votes, t("votes", { n: format.count(votes.gap) }));
    return `${shares.highest.name} ${inPoints}\n${votes.highest.name} ${inVotes}`;
  }
}
