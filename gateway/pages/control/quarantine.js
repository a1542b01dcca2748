/**
 * Records that were set aside: in groups of one reason, source and unit, each opened by page, and settled one by one or
 * all at once. While somebody is at the list, nothing in it moves.
 */

import { make, setAttribute, setText } from "../dom.js";
import { keyOf, matching, sumOf } from "./queue-filter.js";
import { QueueGroup } from "./queue-group.js";
import { RecordRows } from "./queue-records.js";
import { Rows } from "./rows.js";
import { isBusyAt, steady } from "./steady.js";

/** @import { OrderFields, PanelTools, QuarantineGroup, QuarantinedRecord, RoomState } from "./types.d.ts" */

const SHOWN_AGAIN = 20;

/** So few records are shown at once: there is nothing to group. */
const SHORT = 5;

export class QuarantineQueue {
  /** @type {readonly QuarantineGroup[]} */
  #groups = [];
  #changes = 0;
  #isShort = false;
  /** @type {readonly QuarantineGroup[]} */
  #shown = [];
  /** @type {Map<string, QueueGroup>} */
  #open = new Map();
  #list;
  #rows;
  #filter;
  #refresh;
  #sum;
  #rejectAll;
  #releaseAll;
  #again;
  #uncounted;

  /** @param {PanelTools} tools */
  constructor(tools) {
    const { root, room, words, format, election } = tools;
    this.room = room;
    this.t = words;
    this.format = format;
    this.election = election;
    this.records = new RecordRows(tools);
    this.#filter = make("input", { id: "queue-filter", type: "search", autocomplete: "off" });
    this.#filter.addEventListener("input", () => this.#look(true));
    this.#refresh = make("button", { type: "button", id: "queue-refresh", text: "" });
    this.#refresh.addEventListener("click", () => this.#look(true));
    this.#sum = make("span", { class: "soft", role: "status" });
    this.#rejectAll = this.#bulk("rejectAll", "quarantine_rejected", () => this.#shown);
    this.#releaseAll = this.#bulk("releaseAll", "quarantine_released", () => this.#shown);
    const [list, again] = [make("ul", { class: "groups" }), make("ul", { class: "queue again" })];
    this.#list = list;
    this.#rows = new Rows(list, (/** @type {QuarantineGroup} */ group) => this.#group(group).node);
    this.#again = new Rows(again, (/** @type {QuarantinedRecord} */ record) => this.records.row(record, true));
    this.#uncounted = make("div", { hidden: "" }, make("h3", { text: words("uncounted") }), again);
    root.append(
      make(
        "p",
        { class: "choices" },
        make("label", { for: "queue-filter", text: words("filter") }),
        this.#filter,
        this.#sum,
        this.#rejectAll,
        this.#releaseAll,
      ),
      make("p", { class: "queue-fresh" }, this.#refresh),
      make(
        "div",
        { class: "queue-scroll", tabindex: 0, role: "region", "aria-label": words("quarantine") },
        list,
        this.#uncounted,
      ),
    );
  }

  /**
   * Show what waits, and what was let out and is not counted yet.
   * @param {RoomState} state
   */
  draw({ quarantine }) {
    this.#groups = quarantine.groups;
    this.#changes = quarantine.changes;
    this.#isShort = quarantine.waiting <= SHORT;
    this.#look(false);
    setAttribute(this.#uncounted, "hidden", quarantine.uncounted.length ? null : "");
    this.#again.draw(
      quarantine.uncounted.slice(0, SHOWN_AGAIN),
      ({ position, verdict }) => `${position} ${verdict}`,
      "",
    );
  }

  /** @param {boolean} isFree whether the list may move though somebody is at it */
  #look(isFree) {
    const found = matching(this.#groups, this.#filter.value, (group) => this.labelOf(group));
    const { shown, gone, fresh } = steady(this.#shown, found, keyOf, !isFree && isBusyAt(this.#list));
    this.#shown = shown;
    this.#rows.draw(shown, keyOf, this.t(this.#filter.value ? "noMatch" : "noQuarantine"));
    const open = new Map(shown.map((group) => [keyOf(group), this.#group(group)]));
    this.#open = open;
    for (const group of shown) open.get(keyOf(group))?.draw(group, this.#changes, gone.has(keyOf(group)));
    const changed = gone.size + fresh;
    setText(this.#refresh, changed ? this.t("queueChanged", { n: this.format.count(changed) }) : this.t("queueSteady"));
    setAttribute(this.#refresh, "disabled", changed ? null : "");
    const { count, releasable } = sumOf(shown.filter((group) => !gone.has(keyOf(group))));
    setText(this.#sum, this.t("queueSum", { n: this.format.count(count), groups: this.format.count(shown.length) }));
    this.#offer(this.#rejectAll, "rejectAll", count);
    this.#offer(this.#releaseAll, "releaseAll", releasable);
  }

  /** @param {QuarantineGroup} group */
  #group(group) {
    const key = keyOf(group);
    const known = this.#open.get(key);
    if (known) return known;
    const made = new QueueGroup({
      group,
      label: this.labelOf(group),
      words: this.t,
      format: this.format,
      records: this.records,
      ask: (offset, limit) => this.room.recordsOf(group, offset, limit),
      buttons: [
        this.#bulk("rejectGroup", "quarantine_rejected", () => [group]),
        this.#bulk("releaseGroup", "quarantine_released", () => [group]),
      ],
    });
    this.#open.set(key, made);
    if (this.#isShort) made.open(true);
    return made;
  }

  /**
   * What a group has in common, in words.
   * @param {QuarantineGroup} group
   */
  labelOf({ reason, source, unit }) {
    const from = source ? (this.election.sourceById.get(source)?.name ?? source) : this.t("noSource");
    const where = unit ? (this.election.unitById.get(unit)?.name ?? unit) : this.t("noUnit");
    return `${this.t(`reason_${reason}`)} · ${from} · ${where}`;
  }

  /**
   * A button that settles every record of some groups.
   * @param {string} key
   * @param {"quarantine_rejected" | "quarantine_released"} type
   * @param {() => readonly QuarantineGroup[]} groupsOf
   */
  #bulk(key, type, groupsOf) {
    const button = make("button", {
      type: "button",
      "data-orders": true,
      "data-bulk": type,
      text: this.t(key, { n: 0 }),
    });
    button.addEventListener("click", async () => {
      const groups = groupsOf();
      const answers = await Promise.all(groups.map((group) => this.room.recordsOf(group, 0, 0)));
      const positions = answers.flatMap((one) => (type === "quarantine_rejected" ? one.positions : one.releasable));
      if (!positions.length) return;
      /** @type {OrderFields[]} */
      const many = positions.map((position) => ({ type, position }));
      const names = groups.map((group) => this.labelOf(group));
      const what = this.t(`${type}Many`, {
        n: this.format.count(many.length),
        what: names.length > 3 ? `${names.slice(0, 3).join("; ")}; …` : names.join("; "),
      });
      this.room.ask({ fields: many[0], what, many, grave: this.t("manySure", { n: this.format.count(many.length) }) });
    });
    return button;
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {string} key
   * @param {number} count
   */
  #offer(button, key, count) {
    setText(button, this.t(key, { n: this.format.count(count) }));
    setAttribute(button, "data-idle", count ? null : "true");
    button.disabled = !count || !this.room.mayOrder;
  }
}
