/**
 * Every order: who, when, what, why, and whether it counts.
 */

import { make } from "../dom.js";
import { Rows } from "./rows.js";

/** @import { AuditedOrder, PanelTools, RoomState } from "./types.d.ts" */

export class Audit {
  #rows;

  /** @param {PanelTools} tools */
  constructor({ root, room, words, format }) {
    this.room = room;
    this.t = words;
    this.format = format;
    const heads = ["when", "what", "by", "why", "verdict", "signedBy"].map((key) =>
      make("th", { scope: "col", text: words(key) }),
    );
    const body = make("tbody");
    this.#rows = new Rows(body, (verdict) => this.#row(verdict));
    const table = make(
      "table",
      {},
      make("caption", { class: "visually-hidden", text: words("audit") }),
      make("thead", {}, make("tr", {}, ...heads)),
      body,
    );
    root.append(make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": words("audit") }, table));
  }

  /**
   * Show the newest orders.
   * @param {RoomState} state
   */
  draw({ audit }) {
    this.#rows.draw(audit, ({ offset }) => offset, this.t("noAudit"));
  }

  /** @param {AuditedOrder} auditedOrder */
  #row({ type, contest, unit, district, candidate, position, at, by, reason, key, counts, kept, refusal }) {
    const { t, format } = this;
    const where = contest ? ` ${this.room.where(contest, unit ?? district ?? null)}` : "";
    const who = candidate ? ` · ${this.room.candidateName(contest ?? "", unit ?? "", candidate)}` : "";
    const what = `${t(type ?? "unreadable")}${where}${who}${position ? ` ${position}` : ""}`;
    const cells = [
      format.clock(at),
      what,
      by ?? "",
      reason ?? "",
      counts ? t("counts") : t(kept ? "kept" : "refused", { why: refusal }),
      key ?? t(kept ? "unknownKey" : "unsigned"),
    ];
    return make(
      "tr",
      { "data-counts": String(counts), "data-kept": String(kept) },
      ...cells.map((text) => make("td", { text })),
    );
  }
}
