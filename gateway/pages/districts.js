/**
 * The parts of a scope as a table that sorts by any column.
 */

import { markOdd, partOf, progressText, turnout } from "./claims.js";
import { fillSwitch, updateSwitch } from "./controls.js";
import { arrange, make, partyMark, setAttribute, setMark, setStyle, setText } from "./dom.js";
import { commonLevel, levelWords } from "./levels.js";
import { isManual, markManual } from "./manual.js";
import { Memo } from "./memo.js";

/** @import { Election, Hue, Part, Source, Tools, Words } from "./types.d.ts" */

/** Rows change places at most this often while counting: a table that is being read must hold still. */
const ORDER_PAUSE_MS = 2_000;

/** @type {readonly (readonly [id: string, words: string | null])[]} */
const COLUMNS = [
  ["name", null],
  ["leader", "leader"],
  ["votes", "marginVotes"],
  ["points", "marginPoints"],
  ["boxes", "boxes"],
  ["share", "boxShare"],
  ["turnout", "turnout"],
  ["flagged", "flaggedShort"],
];

/**
 * @typedef {object} Drawn
 * @property {Part[]} parts
 * @property {Source} source
 * @property {string} selected
 * @property {Hue} hue
 * @property {string} [tree]
 * @property {((tree: string) => string) | null} [treeHref]
 */

export class Districts {
  #rows;
  #sort = { column: "name", falling: false };
  #key = "";
  /** @type {number | undefined} */
  #pending = undefined;
  /** @type {Drawn | null} */
  #latest = null;

  /**
   * @param {HTMLElement} section
   * @param {Tools & {election: Election}} tools
   */
  constructor(section, { t, format, election }) {
    this.election = election;
    this.section = section;
    this.#rows = new Memo((id) => newRow(id, t));
    this.t = t;
    this.format = format;
    this.title = make("span");
    this.origin = make("span", { class: "origin" });
    this.body = make("tbody");
    this.heads = COLUMNS.map(([id, key]) => {
      const button = make("button", { type: "button", text: key ? t(key) : "" });
      button.addEventListener("click", () => this.#resort(id));
      return {
        id,
        button,
        cell: make("th", { scope: "col", class: id === "name" || id === "leader" ? "" : "number" }, button),
      };
    });
    this.trees = make("nav", { class: "switch", hidden: "" });
    fillSwitch(this.trees, t("trees"), [{ id: "", name: "" }, ...election.trees]);
    section.append(
      make("h2", {}, this.title, " ", this.origin),
      this.trees,
      make(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": t("districts") },
        make("table", {}, make("thead", {}, make("tr", {}, ...this.heads.map(({ cell }) => cell))), this.body),
      ),
    );
  }

  /**
   * Draw the parts of a scope.
   * @param {Drawn} drawn
   */
  draw({ parts, source, selected, hue, tree = "", treeHref = null }) {
    const { t, format } = this;
    this.#latest = { parts, source, selected, hue };
    setAttribute(this.section, "hidden", parts.length ? null : "");
    if (!parts.length) return;
    const words = levelWords(t, this.election, commonLevel(parts.map(({ unit }) => unit)));
    setText(this.title, `${words.many} (${format.count(parts.length)})`);
    setAttribute(this.trees, "hidden", treeHref ? null : "");
    if (treeHref) this.#offerTrees(tree, treeHref);
    setText(this.origin, source.name);
    setText(this.heads[0].button, words.one);
    for (const part of parts) this.#write(part, part.unit.id === selected, hue);
    const key = parts.map(({ unit }) => unit.id).join();
    if (key !== this.#key) this.#settle();
    else this.#pending ??= setTimeout(() => this.#settle(), ORDER_PAUSE_MS);
    this.#key = key;
  }

  /**
   * @param {string} tree
   * @param {(tree: string) => string} href
   */
  #offerTrees(tree, href) {
    const { election, t } = this;
    updateSwitch(this.trees, tree, href);
    const first = this.trees.querySelector("a");
    if (first) setText(first, levelWords(t, election, commonLevel(election.children(election.country.id))).many);
  }

  /** @param {string} column */
  #resort(column) {
    const falling = this.#sort.column === column ? !this.#sort.falling : column !== "name" && column !== "leader";
    this.#sort = { column, falling };
    this.#settle();
  }

  #settle() {
    clearTimeout(this.#pending);
    this.#pending = undefined;
    if (!this.#latest) return;
    const { column, falling } = this.#sort;
    for (const { id, cell } of this.heads)
      setAttribute(cell, "aria-sort", id !== column ? null : falling ? "descending" : "ascending");
    const sorted = this.#latest.parts
      .map((part) => ({ part, value: this.#value(part, column) }))
      .sort(
        (left, right) =>
          (falling ? -1 : 1) * this.#compare(left.value, right.value) ||
          this.format.compare(left.part.unit.name, right.part.unit.name),
      );
    arrange(
      this.body,
      sorted.map(({ part }) => this.#rows.get(part.unit.id).row),
    );
  }

  /**
   * @param {string | number} left
   * @param {string | number} right
   */
  #compare(left, right) {
    return typeof left === "number" && typeof right === "number"
      ? left - right
      : this.format.compare(String(left), String(right));
  }

  /**
   * @param {Part} part
   * @param {string} column
   */
  #value({ unit, entry, lead, boxesTotal }, column) {
    switch (column) {
      case "leader":
        return lead?.leaders[0].candidate.name ?? "";
      case "votes":
        return lead?.votes ?? -1;
      case "points":
        return lead?.points ?? -1;
      case "boxes":
        return entry?.boxes_opened ?? 0;
      case "share":
        return boxesTotal ? partOf(entry, boxesTotal) : -1;
      case "turnout":
        return turnout(entry).share ?? -1;
      case "flagged":
        return entry?.flagged ?? 0;
      default:
        return unit.name;
    }
  }

  /**
   * @param {Part} part
   * @param {boolean} selected
   * @param {Hue} hue
   */
  #write(part, selected, hue) {
    const { t, format } = this;
    const line = this.#rows.get(part.unit.id);
    const { entry, lead, ranked, boxesTotal, call } = part;
    const first = lead?.leaders[0].candidate;
    const tie = lead && lead.leaders.length > 1;
    setText(line.link, part.unit.name);
    setAttribute(line.link, "href", part.href);
    setAttribute(line.row, "aria-current", selected ? "true" : null);
    setAttribute(line.row, "data-thin", part.thin ? "" : null);
    setMark(line.mark, tie ? null : (first ?? null), first ? hue(first) : "transparent");
    setText(
      line.leader,
      !first
        ? part.notTold || format.nothing
        : tie
          ? `${t("tie")}: ${lead.leaders.map((row) => row.candidate.name).join(" – ")}`
          : [first.name, first.partyName].filter(Boolean).join(" · "),
    );
    setText(line.marginVotes, format.count(lead?.votes ?? NaN));
    setText(line.marginPoints, format.points(lead?.points ?? NaN));
    const opened = part.notTold ? NaN : (entry?.boxes_opened ?? 0);
    setText(line.boxes, `${format.count(opened)} / ${format.count(boxesTotal)}`);
    setText(line.share, part.notTold ? "" : progressText(format, entry, boxesTotal));
    setStyle(line.row, "--part", partOf(entry, boxesTotal).toFixed(4));
    setText(line.turnout, format.percentOf(turnout(entry).share ?? NaN));
    setText(line.flagged, format.count(part.notTold ? NaN : (entry?.flagged ?? 0)));
    markOdd(line.flagged, entry, t);
    const votes = (lead ? [...lead.leaders, ...(lead.second ? [lead.second] : [])] : []).map(
      ({ candidate }) => `votes.${candidate.id}`,
    );
    markManual(line.marginVotes, votes.length > 0 && isManual(entry, ...votes), t);
    markManual(line.boxes, isManual(entry, "boxes_opened"), t);
    markManual(line.turnout, isManual(entry, "cast", "registered"), t);
    const won = call && ranked.find(({ candidate }) => candidate.id === call.candidate);
    setAttribute(line.leader, "data-called", call ? "" : null);
    setAttribute(line.leader, "title", call ? t("called", { name: won?.candidate.name ?? call.candidate }) : null);
  }
}

/**
 * @param {string} id
 * @param {Words} t
 */
function newRow(id, t) {
  /**
   * A cell that names its column where a narrow screen has none.
   * @param {string} name
   */
  const cell = (name) =>
    make("td", { class: `number ${name}`, "data-label": t(COLUMNS.find(([column]) => column === name)?.[1] ?? "") });
  const [link, mark, leader] = [make("a", { "data-unit": id }), partyMark(), make("span", { class: "name" })];
  const cells = {
    marginVotes: cell("votes"),
    marginPoints: cell("points"),
    boxes: cell("boxes"),
    share: cell("share"),
    turnout: cell("turnout"),
    flagged: cell("flagged"),
  };
  const row = make(
    "tr",
    { "data-row": id },
    make("th", { scope: "row" }, link),
    make("td", { class: "ahead" }, make("span", { class: "label" }, mark, leader)),
    ...Object.values(cells),
  );
  return { row, link, mark, leader, ...cells };
}
