/**
 * Every order: who, when, what, why, and whether it counts.
 */

import { make } from "../dom.js";
import { graphicName } from "./graphic-names.js";
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

  /**
   * Where, whose, who and which figures, old and new.
   * @param {AuditedOrder} auditedOrder
   */
  #about({ contest, unit, district, candidate, source, figures, instead_of: insteadOf, until, ...graphic }) {
    const where = unit ?? district ?? null;
    const until_ = until ? ` · ${this.t("embargoUntil", { time: this.format.clock(until) })}` : "";
    if (!contest) return `${until_}${this.#graphic(graphic)}`;
    const named = Object.entries(figures ?? {}).map(([name, value]) =>
      this.t("change", {
        figure: this.room.figureName(contest, where ?? "", name),
        before: insteadOf?.[name] === undefined ? this.t("nothingYet") : this.format.count(insteadOf[name]),
        after: this.format.count(value),
      }),
    );
    const who = candidate ? this.room.candidateName(contest, unit ?? "", candidate) : null;
    const from = source ? (this.room.election.sourceById.get(source)?.name ?? source) : null;
    return ` ${[this.room.where(contest, where), from, who, ...named].filter(Boolean).join(" · ")}`;
  }

  /**
   * Which graphic, and on which channel.
   * @param {Pick<AuditedOrder, "channel" | "overlay" | "parameters">} graphic
   */
  #graphic({ channel, overlay, parameters = {} }) {
    const name = overlay && graphicName(this.t, this.room.election, { overlay, parameters });
    return [channel && `(${channel})`, name]
      .filter(Boolean)
      .map((text) => ` ${text}`)
      .join("");
  }

  /** @param {AuditedOrder} order */
  #row(order) {
    const { type, position, at, by, reason, key, counts, kept, refusal } = order;
    const { t, format } = this;
    const what = [`${t(type ?? "unreadable")}${this.#about(order)}`, position].filter(Boolean).join(" ");
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
