/**
 * Preview beside program: the same candidates in the same order, and what would change marked. The program's side shows
 * what the public's stream says, and so never moves by itself while it is held.
 */

import { markOdd, wholeOf } from "../claims.js";
import { arrange, make, partyMark, setAttribute, setMark, setText } from "../dom.js";
import { isManual, markManual } from "../manual.js";
import { Memo } from "../memo.js";
import { ranking, withShares } from "../rank.js";

/** @import { Candidate, Entry, Formats, Ranked, Words } from "./types.d.ts" */

const MOST_ROWS = 12;

/**
 * @typedef {object} Drawn
 * @property {readonly Candidate[]} ballot
 * @property {(id: string) => Candidate} stranger what stands for an id that the ballot does not name
 * @property {Entry | undefined} preview
 * @property {Entry | undefined} program
 * @property {number} boxesTotal
 * @property {boolean} embargoed
 */

export class Figures {
  #rows = new Memo(newRow);
  #body = make("tbody");
  #foot = { boxes_opened: newFootCells(), valid: newFootCells(), unattributed: newFootCells(), as_of: newFootCells() };

  /** @param {{ root: HTMLElement, words: Words, format: Formats }} options */
  constructor({ root, words, format }) {
    this.t = words;
    this.format = format;
    const columns = make(
      "tr",
      {},
      make("th", { scope: "col", text: words("candidate") }),
      make("th", { scope: "col", class: "number", colspan: 2, text: words("preview") }),
      make("th", { scope: "col", class: "number", colspan: 2, text: words("program") }),
    );
    const foot = make("tfoot");
    for (const [name, { preview, program }] of Object.entries(this.#foot))
      foot.append(make("tr", {}, make("th", { scope: "row", text: words(name) }), preview, program));
    root.append(
      make(
        "table",
        { class: "figures" },
        make("caption", { class: "visually-hidden", text: words("figuresCaption") }),
        make("thead", {}, columns),
        this.#body,
        foot,
      ),
    );
  }

  /**
   * Show one unit's figures as the room and as everyone sees them; either may be undefined.
   * @param {Drawn} drawn
   */
  draw({ ballot, stranger, preview, program, boxesTotal, embargoed }) {
    const [before, onAir] = [preview, program].map((entry) => {
      const places = ranking(ballot, entry?.votes, stranger);
      return withShares(places, wholeOf(entry), entry?.unattributed).ranked;
    });
    const shares = new Map(onAir.map(({ candidate, share }) => [candidate.id, share]));
    arrange(
      this.#body,
      before.slice(0, MOST_ROWS).map((row) => this.#row(row, preview, program, shares.get(row.candidate.id) ?? null)),
    );
    this.#sums("preview", preview, boxesTotal, this.format.nothing);
    this.#sums("program", program, boxesTotal, embargoed ? this.t("embargoWord") : this.format.nothing);
  }

  /**
   * @param {"preview" | "program"} side
   * @param {Entry | undefined} entry
   * @param {number} boxesTotal
   * @param {string} nothing what stands where there are no figures
   */
  #sums(side, entry, boxesTotal, nothing) {
    const { format } = this;
    const texts = {
      boxes_opened: entry && `${format.count(entry.boxes_opened)} / ${format.count(boxesTotal)}`,
      valid: entry && format.count(entry.valid ?? NaN),
      unattributed: entry && format.count(entry.unattributed),
      as_of: entry && format.clock(entry.as_of),
    };
    for (const name of /** @type {(keyof typeof texts)[]} */ (Object.keys(texts))) {
      const cell = this.#foot[name][side];
      setText(cell, texts[name] ?? nothing);
      markManual(cell, isManual(entry, name), this.t);
    }
    markOdd(this.#foot.boxes_opened[side], entry, this.t);
  }

  /**
   * @param {Ranked} ranked
   * @param {Entry | undefined} preview
   * @param {Entry | undefined} program
   * @param {number | null} onAir the candidate's share on air
   */
  #row({ candidate, votes, share }, preview, program, onAir) {
    const row = this.#rows.get(candidate.id);
    setMark(row.mark, candidate, candidate.color);
    setText(row.name, candidate.party ? `${candidate.name} (${candidate.party})` : candidate.name);
    const shown = program?.votes?.[candidate.id];
    setText(row.cells.previewShare, this.format.percentOf(share ?? NaN));
    setText(row.cells.programShare, this.format.percentOf(onAir ?? NaN));
    this.#say(row.cells.previewVotes, preview, votes, candidate.id);
    this.#say(row.cells.programVotes, program, shown, candidate.id);
    setAttribute(row.node, "class", preview && program && votes !== (shown ?? 0) ? "differs" : null);
    return row.node;
  }

  /**
   * @param {HTMLElement} votes
   * @param {Entry | undefined} entry
   * @param {number | undefined} count
   * @param {string} id
   */
  #say(votes, entry, count, id) {
    setText(votes, entry ? this.format.count(count ?? 0) : this.format.nothing);
    markManual(votes, isManual(entry, `votes.${id}`), this.t);
  }
}

function newRow() {
  const [mark, name] = [partyMark(), make("span")];
  const cell = () => make("td", { class: "number" });
  const cells = { previewShare: cell(), previewVotes: cell(), programShare: cell(), programVotes: cell() };
  const node = make("tr", {}, make("th", { scope: "row" }, mark, name), ...Object.values(cells));
  return { mark, name, cells, node };
}

function newFootCells() {
  const cell = () => make("td", { class: "number", colspan: 2 });
  return { preview: cell(), program: cell() };
}
