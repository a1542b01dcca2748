/**
 * Preview beside program: the same candidates in the same order, and what would change marked. The program's side shows
 * what the public's stream says, and so never moves by itself while it is held.
 */

import { markOdd, wholeOf } from "../claims.js";
import { make, order, partyMark, dressMark, say, put } from "../dom.js";
import { ranking } from "../rank.js";

const MOST_ROWS = 12;

export class Figures {
  #rows = new Map();
  #body;
  #head;
  #foot = {};

  constructor({ root, words, format }) {
    Object.assign(this, { t: words, format });
    this.#body = make("tbody");
    this.#head = { preview: make("td", { class: "number" }), program: make("td", { class: "number" }) };
    const columns = make(
      "tr",
      {},
      make("th", { scope: "col", text: words("candidate") }),
      make("th", { scope: "col", class: "number", colspan: 2, text: words("preview") }),
      make("th", { scope: "col", class: "number", colspan: 2, text: words("program") }),
    );
    const foot = make("tfoot");
    for (const name of ["boxes_opened", "valid", "unattributed", "as_of"]) {
      this.#foot[name] = {
        preview: make("td", { class: "number", colspan: 2 }),
        program: make("td", { class: "number", colspan: 2 }),
      };
      foot.append(
        make(
          "tr",
          {},
          make("th", { scope: "row", text: words(name) }),
          this.#foot[name].preview,
          this.#foot[name].program,
        ),
      );
    }
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

  /** Show one unit's figures as the room and as everyone sees them; either may be undefined. */
  draw({ ballot, preview, program, boxesTotal, embargoed }) {
    const ranked = ranking(ballot, preview?.votes).slice(0, MOST_ROWS);
    order(
      this.#body,
      ranked.map((row) => this.#row(row, preview, program)),
    );
    for (const [side, entry] of [
      ["preview", preview],
      ["program", program],
    ]) {
      const { t, format } = this;
      const said = entry
        ? {
            boxes_opened: `${format.count(entry.boxes_opened)} / ${format.count(boxesTotal)}`,
            valid: format.count(entry.valid),
            unattributed: format.count(entry.unattributed),
            as_of: format.clock(entry.as_of),
          }
        : {};
      for (const [name, cells] of Object.entries(this.#foot)) {
        say(cells[side], said[name] ?? (side === "program" && embargoed ? t("embargoWord") : format.nothing));
        this.#mark(cells[side], entry, name);
      }
      markOdd(this.#foot.boxes_opened[side], entry, t);
    }
  }

  #row({ candidate, votes }, preview, program) {
    let row = this.#rows.get(candidate.id);
    if (!row) {
      row = { mark: partyMark(), name: make("span"), cells: {} };
      for (const name of ["previewShare", "previewVotes", "programShare", "programVotes"])
        row.cells[name] = make("td", { class: "number" });
      row.node = make("tr", {}, make("th", { scope: "row" }, row.mark, row.name), ...Object.values(row.cells));
      this.#rows.set(candidate.id, row);
    }
    dressMark(row.mark, candidate, candidate.color);
    say(row.name, candidate.party ? `${candidate.name} (${candidate.party})` : candidate.name);
    const shown = program?.votes?.[candidate.id];
    this.#say(row.cells.previewShare, row.cells.previewVotes, preview, votes, candidate.id);
    this.#say(row.cells.programShare, row.cells.programVotes, program, shown, candidate.id);
    put(row.node, "class", preview && program && votes !== (shown ?? 0) ? "differs" : null);
    return row.node;
  }

  #say(share, votes, entry, count, id) {
    say(share, entry ? this.format.percent(count ?? 0, wholeOf(entry)) : this.format.nothing);
    say(votes, entry ? this.format.count(count ?? 0) : this.format.nothing);
    this.#mark(votes, entry, `votes.${id}`);
  }

  #mark(cell, entry, name) {
    const byHand = entry?.overridden?.includes(name);
    put(cell, "data-hand", byHand ? "true" : null);
    put(cell, "title", byHand ? this.t("byHand") : null);
  }
}
