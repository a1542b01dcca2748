/**
 * The candidates' table: the first eight with bars, the rest foldable with their sum, unattributed votes as a row.
 * A new order is taken at most every two seconds, and slides into place.
 */

import { wholeOf } from "./claims.js";
import { forgetCount, showCount } from "./countup.js";
import { arrange, make, partyMark, setAttribute, setMark, setStyle, setText } from "./dom.js";
import { affiliation } from "./election.js";
import { isManual, markManual } from "./manual.js";
import { Memo } from "./memo.js";
import { shareOfOthers, sumOfOthers } from "./rank.js";
import { Order, slide, tops } from "./slide.js";

/** @import { Entry, MainView, Tools } from "./types.d.ts" */

const FIRST_ROWS = 8;

export class Candidates {
  /** @type {Memo<ReturnType<typeof newRow>>} */
  #rows = new Memo(newRow);
  #order = new Order(() => this.#settle(true));
  #place = "";
  /** @type {MainView | null} */
  #latest = null;
  #open = false;
  #hadVotes = false;

  /**
   * @param {HTMLElement} section
   * @param {Tools} tools
   */
  constructor(section, { t, format }) {
    this.section = section;
    this.t = t;
    this.format = format;
    this.origin = make("span", { class: "origin" });
    this.body = make("tbody");
    this.rest = make("tbody", { class: "rest", id: "rest", hidden: true });
    this.foot = make("tbody", { class: "foot" });
    this.toggle = make("button", { type: "button", "aria-expanded": "false", "aria-controls": "rest" });
    this.toggle.addEventListener("click", () => this.#unfold());
    this.others = newLine(this.toggle);
    this.unattributed = newLine(make("span", { text: t("unattributed") }));
    this.foot.append(this.others.row, this.unattributed.row);
    /**
     * @param {string} key
     * @param {string} kind
     */
    const head = (key, kind) => make("th", { scope: "col", class: kind, text: t(key) });
    section.append(
      make("h2", {}, t("ranking"), " ", this.origin),
      make(
        "table",
        {},
        make(
          "thead",
          {},
          make(
            "tr",
            {},
            head("rank", "rank"),
            head("candidate", "who"),
            make("td", { class: "bar" }),
            head("shareHead", "number"),
            head("votesHead", "number"),
          ),
        ),
        this.body,
        this.rest,
        this.foot,
      ),
    );
  }

  /**
   * Draw a unit's ranking.
   * @param {MainView} view
   */
  draw(view) {
    this.#latest = view;
    const place = `${view.contest.id} ${view.source.id} ${view.unit.id}`;
    if (place !== this.#place) {
      for (const { votes } of this.#rows.values()) forgetCount(votes);
      forgetCount(this.others.votes);
      this.#place = place;
      this.#settle(false);
    } else if (view.ranked.length !== this.#order.shown.length || !this.#hadVotes) {
      this.#settle(false);
    } else this.#order.want(view.ranked.map((row) => row.candidate.id));
    this.#hadVotes = Boolean(view.entry);
    this.#write(view);
  }

  #unfold() {
    this.#open = !this.#open;
    setAttribute(this.toggle, "aria-expanded", this.#open);
    this.rest.hidden = !this.#open;
    if (this.#latest) this.#write(this.#latest);
  }

  /** @param {boolean} sliding */
  #settle(sliding) {
    const view = this.#latest;
    if (!view) return;
    const before = sliding ? tops(this.body) : new Map();
    this.#order.jump(view.ranked.map((row) => row.candidate.id));
    const rows = this.#order.shown.map((id) => this.#rows.get(id).row);
    arrange(this.body, rows.slice(0, FIRST_ROWS));
    arrange(this.rest, rows.slice(FIRST_ROWS));
    slide(before);
    this.#write(view);
  }

  /** @param {MainView} view */
  #write(view) {
    const { t, format } = this;
    const scale = Math.max(1, wholeOf(view.entry));
    setText(this.origin, `${view.source.name} · ${t("ofValid")}`);
    for (const item of view.ranked) {
      const line = this.#rows.get(item.candidate.id);
      setText(line.name, item.candidate.name);
      setAttribute(line.name, "title", item.candidate.name);
      setText(line.party, affiliation(item.candidate, t));
      setMark(line.mark, item.candidate, view.hue(item.candidate));
      setStyle(line.row, "--hue", view.hue(item.candidate));
      setAttribute(line.row, "data-rank", item.rank);
      setText(line.rank, view.entry ? `${item.rank}.${item.tied ? " =" : ""}` : "");
      this.#figures(line, item.votes, item.share, scale, view.entry);
      markManual(line.votes, isManual(view.entry, `votes.${item.candidate.id}`), t);
      const called = view.call?.candidate === item.candidate.id;
      setAttribute(line.row, "data-called", called ? "" : null);
      setAttribute(line.rank, "title", called ? t("called", { name: item.candidate.name }) : null);
    }
    const shown = new Set(this.#order.shown.slice(0, FIRST_ROWS));
    const hidden = Math.max(0, view.ranked.length - FIRST_ROWS);
    setText(this.toggle, t(this.#open ? "hideOthers" : "others", { n: format.count(hidden) }));
    setAttribute(this.others.row, "hidden", hidden ? null : "");
    this.#figures(this.others, sumOfOthers(view.ranked, shown), shareOfOthers(view.ranked, shown), scale, view.entry);
    const others = view.ranked.filter(({ candidate }) => !shown.has(candidate.id));
    markManual(
      this.others.votes,
      others.some(({ candidate }) => isManual(view.entry, `votes.${candidate.id}`)),
      t,
    );
    this.#figures(this.unattributed, view.entry?.unattributed ?? 0, view.unattributedShare, scale, view.entry);
    markManual(this.unattributed.votes, isManual(view.entry, "unattributed"), t);
  }

  /**
   * @param {ReturnType<typeof newLine>} line
   * @param {number} votes
   * @param {number | null} share
   * @param {number} scale
   * @param {Entry | undefined} entry
   */
  #figures(line, votes, share, scale, entry) {
    setStyle(line.row, "--part", (votes / scale).toFixed(4));
    setText(line.percent, this.format.percentOf(share ?? NaN));
    line.percent.dataset.value = String(share ?? "");
    showCount(line.votes, entry ? votes : NaN, this.format.count);
  }
}

/** @param {string} id */
function newRow(id) {
  const mark = partyMark();
  const name = make("span", { class: "name" });
  const party = make("span", { class: "party" });
  const line = newLine(mark, make("span", { class: "names" }, name, party));
  line.row.dataset.candidate = id;
  return { mark, name, party, ...line };
}

/** @param {...Node} label */
function newLine(...label) {
  const rank = make("td", { class: "rank" });
  const fill = make("span", { class: "fill" });
  const percent = make("td", { class: "number percent" });
  const votes = make("td", { class: "number votes" });
  const row = make(
    "tr",
    {},
    rank,
    make("th", { scope: "row", class: "who" }, make("span", { class: "label" }, ...label)),
    make("td", { class: "bar", "aria-hidden": "true" }, make("span", { class: "track" }, fill)),
    percent,
    votes,
  );
  return { row, rank, fill, percent, votes };
}
