/**
 * Why two sources differ, below the sources side by side: the gap in the lead split into coverage and disagreement, the
 * result where both have counted, and the boxes behind it. Always as tall, so that an answer moves nothing.
 */

import { wholeOf } from "./claims.js";
import { make, setAttribute, setText } from "./dom.js";
import { hundredths, notesOf } from "./explanation.js";

/** @import { Comparison, Election, Gap, Side, SideNames, Source, Sums, Tools } from "./types.d.ts" */

/** @type {readonly (keyof Gap)[]} */
const ROWS = ["gap", "coverage", "disagreement"];

export class Why {
  /**
   * @param {HTMLElement} section
   * @param {Tools} tools
   */
  constructor(section, { t, format }) {
    this.t = t;
    this.format = format;
    this.rows = ROWS.map((name) => {
      const [title, text, votes, points] = [
        make("span", { class: "name" }),
        make("span", { class: "small" }),
        make("td", { class: "number" }),
        make("td", { class: "number" }),
      ];
      return {
        title,
        text,
        votes,
        points,
        row: make("tr", { "data-part": name }, make("th", { scope: "row" }, title, text), votes, points),
      };
    });
    this.manual = make("p", { class: "note manual", hidden: true });
    this.like = make("p", { class: "note like" });
    this.list = make("ol", { class: "boxes" });
    this.summary = make("summary");
    this.boxes = make("details", {}, this.summary, this.list);
    const head = make(
      "tr",
      {},
      make("td"),
      make("th", { scope: "col", class: "number", text: t("votesHead") }),
      make("th", { scope: "col", class: "number", text: t("pointsHead") }),
    );
    this.panel = make(
      "div",
      { class: "why" },
      make("h3", { text: t("whyTitle") }),
      make("table", {}, make("thead", {}, head), make("tbody", {}, ...this.rows.map(({ row }) => row))),
      this.manual,
      this.like,
      this.boxes,
    );
    section.append(this.panel);
  }

  /**
   * Draw an answer of /v1/compare, or dashes while there is none. `pair` names its sources, `reason` says what is
   * missing.
   * @param {{answer: Comparison | null, pair: readonly Source[] | null, election: Election, reason: string}} options
   */
  draw({ answer, pair, election, reason }) {
    const { t } = this;
    const names = pair ? { a: pair[0].name, b: pair[1].name } : { a: "", b: "" };
    const why = answer?.why ?? null;
    const leaders = answer ? answer.leaders.map((id) => this.#name(election, answer, id)) : [];
    const [gap, coverage, disagreement] = this.rows;
    setText(gap.title, t("whyGap", names));
    setText(gap.text, leaders.length > 1 ? t("whyMargin", { first: leaders[0], second: leaders[1] }) : "");
    setText(coverage.title, t("coverage"));
    setText(
      coverage.text,
      why ? t("whyCoverage", { ...names, n: this.#count(why.only_a), m: this.#count(why.only_b) }) : "",
    );
    setText(disagreement.title, t("disagreement"));
    setText(
      disagreement.text,
      why ? t("whyDisagreement", { n: this.#count(why.both), m: this.#count(why.differing) }) : "",
    );
    this.#numbers(answer?.lead ?? null);
    setText(this.like, answer?.why ? this.#like(answer, answer.why, names, leaders) : reason);
    this.#notes(answer, names, leaders[0] ?? "");
    this.#listBoxes(answer, names, leaders, election);
  }

  /**
   * What is to be known beside the gap: a split gap is that of what the sources themselves say, for one.
   * @param {Comparison | null} answer
   * @param {SideNames} names
   * @param {string} leader
   */
  #notes(answer, names, leader) {
    const notes = notesOf(answer, { names, leader, t: this.t, format: this.format });
    setAttribute(this.manual, "hidden", notes.length ? null : "");
    setText(this.manual, notes.join(" "));
  }

  /** @param {number} number */
  #count(number) {
    return this.format.count(number);
  }

  /**
   * @param {Election} election
   * @param {Comparison} answer
   * @param {string} id
   */
  #name(election, answer, id) {
    const ballot = election.ballot(answer.contest, answer.unit);
    return (ballot.find((candidate) => candidate.id === id) ?? election.stranger(id, answer.contest)).name;
  }

  /** @param {Comparison["lead"]} lead */
  #numbers(lead) {
    const shown = lead?.points ? hundredths(lead.points) : null;
    for (const [index, part] of ROWS.entries()) {
      setText(
        this.rows[index].votes,
        this.#signed(lead?.votes[part], (n) => this.#count(n)),
      );
      setText(
        this.rows[index].points,
        this.#signed(shown?.[part], (n) => this.format.points(n / 100)),
      );
    }
  }

  /**
   * @param {number | null | undefined} number
   * @param {(value: number) => string} text
   */
  #signed(number, text) {
    if (number === null || number === undefined) return this.format.nothing;
    return number > 0 ? `+${text(number)}` : text(number);
  }

  /**
   * @param {Comparison} answer
   * @param {NonNullable<Comparison["why"]>} why
   * @param {SideNames} names
   * @param {readonly string[]} leaders
   */
  #like({ leaders: ids }, { like_for_like: like, both }, names, leaders) {
    if (!like || !ids.length) return this.t("whyNothingShared");
    /** @param {Side} side */
    const share = (side) => this.format.percent(like[side].votes[ids[0]] ?? 0, wholeOf(like[side]));
    return this.t("whyLike", { ...names, n: this.#count(both), name: leaders[0], x: share("a"), y: share("b") });
  }

  /**
   * @param {Comparison | null} answer
   * @param {SideNames} names
   * @param {readonly string[]} leaders
   * @param {Election} election
   */
  #listBoxes(answer, names, leaders, election) {
    const boxes = answer?.why?.explaining ?? [];
    setText(this.summary, this.t("whyBoxesTitle", { n: this.#count(boxes.length) }));
    setAttribute(this.boxes, "data-empty", boxes.length ? null : "");
    const items = boxes.map((box) => {
      const inBox = (/** @type {Sums | null} */ sums) =>
        sums
          ? (answer?.leaders ?? [])
              .map((id, index) => `${leaders[index]} ${this.#count(sums.votes[id] ?? 0)}`)
              .join(", ")
          : this.t("notOpened");
      const place = `${election.unitById.get(box.district)?.name ?? box.district} ${box.box}`;
      return {
        place,
        text: `${names.a}: ${inBox(box.a)} · ${names.b}: ${inBox(box.b)}`,
        part: this.#signed(box.lead, (n) => this.#count(n)),
      };
    });
    const key = JSON.stringify(items);
    if (this.list.dataset.key === key) return;
    this.list.dataset.key = key;
    this.list.replaceChildren(
      ...items.map(({ place, text, part }) =>
        make(
          "li",
          {},
          make("b", { text: place }),
          make("span", { class: "small", text }),
          make("span", { class: "number", text: part }),
        ),
      ),
    );
  }
}
