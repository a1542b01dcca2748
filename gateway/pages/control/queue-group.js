/**
 * One group of the quarantine: its line, and a page of its records once it is opened.
 */

import { make, setAttribute, setText } from "../dom.js";
import { PAGE, pageOf } from "./queue-filter.js";
import { Rows } from "./rows.js";
import { isBusyAt, steady } from "./steady.js";

/** @import { RecordRows } from "./queue-records.js" */
/** @import { Formats, QuarantineGroup, QuarantinePage, QuarantinedRecord, Words } from "./types.d.ts" */

/**
 * @typedef {object} GroupOptions
 * @property {QuarantineGroup} group
 * @property {string} label
 * @property {Words} words
 * @property {Formats} format
 * @property {RecordRows} records
 * @property {(offset: number, limit: number) => Promise<QuarantinePage>} ask
 * @property {readonly HTMLButtonElement[]} buttons to reject and to let out all of it
 */

export class QueueGroup {
  #page = 0;
  #changes = 0;
  /** @type {readonly QuarantinedRecord[]} */
  #shown = [];
  /** What was drawn last: another count or page is asked for anew. */
  #asked = "";
  #toggle;
  #inside;
  #rows;
  #list;
  #place;
  #buttons;
  #turns;

  /** @param {GroupOptions} options */
  constructor({ group, label, words, format, records, ask, buttons }) {
    this.group = group;
    this.t = words;
    this.format = format;
    this.ask = ask;
    this.#buttons = buttons;
    this.#toggle = make("button", { type: "button", class: "toggle", "aria-expanded": "false" }, label);
    this.count = make("span", { class: "number" });
    this.#toggle.addEventListener("click", () => this.open(!this.isOpen));
    this.#list = make("ul", { class: "queue" });
    this.#rows = new Rows(this.#list, (/** @type {QuarantinedRecord} */ record) => records.row(record));
    this.#place = make("span", { class: "soft" });
    this.#turns = [
      { by: -1, button: make("button", { type: "button", text: words("pageBefore") }) },
      { by: 1, button: make("button", { type: "button", text: words("pageNext") }) },
    ];
    for (const { by, button } of this.#turns) button.addEventListener("click", () => this.#turn(by));
    const paging = make("p", { class: "choices" }, this.#turns[0].button, this.#place, this.#turns[1].button);
    this.#inside = make("div", { hidden: "" }, this.#list, paging);
    const line = make("p", { class: "choices group-line" }, this.#toggle, this.count, ...buttons);
    this.node = make("li", { class: "group" }, line, this.#inside);
  }

  get isOpen() {
    return !this.#inside.hidden;
  }

  /**
   * Show how many there are by now; `isGone`: none, and the line stays only because somebody is at the list.
   * @param {QuarantineGroup} group
   * @param {number} changes another number where a record may have changed
   * @param {boolean} isGone
   */
  draw(group, changes, isGone) {
    this.group = group;
    this.#changes = changes;
    const { count, releasable } = isGone ? { count: 0, releasable: 0 } : group;
    setText(this.count, isGone ? this.t("settled") : this.format.count(count));
    setAttribute(this.node, "data-gone", isGone ? "true" : null);
    for (const [index, [key, many]] of /** @type {[string, number][]} */ ([
      ["rejectGroup", count],
      ["releaseGroup", releasable],
    ]).entries()) {
      setText(this.#buttons[index], this.t(key, { n: this.format.count(many) }));
      setAttribute(this.#buttons[index], "data-idle", many ? null : "true");
    }
    if (this.isOpen) this.#load(false);
  }

  /**
   * Open or close it.
   * @param {boolean} isOpen
   */
  open(isOpen) {
    this.#inside.hidden = !isOpen;
    setAttribute(this.#toggle, "aria-expanded", String(isOpen));
    if (isOpen) this.#load(true);
  }

  /** @param {number} by */
  #turn(by) {
    this.#page += by;
    this.#load(true);
  }

  /** @param {boolean} isFree whether the rows may move though somebody is at them */
  async #load(isFree) {
    const { page } = pageOf(this.#page, this.group.count);
    const asked = `${page} ${this.#changes} ${this.group.count}`;
    if (!isFree && asked === this.#asked) return;
    const { records, total } = await this.ask(page * PAGE, PAGE);
    const { shown, gone, fresh } = steady(
      this.#shown,
      records,
      ({ position, verdict }) => `${position} ${verdict}`,
      !isFree && isBusyAt(this.#list),
    );
    this.#asked = gone.size || fresh ? "" : asked; // what was kept back is looked for again
    this.#page = page;
    this.#shown = shown;
    this.#rows.draw(shown, ({ position, verdict }) => `${position} ${verdict}`, this.t("noQuarantine"));
    shown.forEach(({ position, verdict }, index) =>
      setAttribute(this.#list.children[index], "data-gone", gone.has(`${position} ${verdict}`) ? "true" : null),
    );
    const { first, last, isLast } = pageOf(page, total);
    const { format } = this;
    setText(
      this.#place,
      this.t("pagePlace", { first: format.count(first), last: format.count(last), total: format.count(total) }),
    );
    this.#turns[0].button.disabled = page === 0;
    this.#turns[1].button.disabled = isLast;
  }
}
