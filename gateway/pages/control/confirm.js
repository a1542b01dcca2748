/**
 * The second step of every order: a dialog that says in words what is about to happen, and asks why.
 *
 * The gateway says which figures the order changes, and what has to be confirmed by what stands at that moment. What is
 * confirmed is what was read: where the answer is another one by the time that the order is given, it is asked anew.
 */

import { make, setAttribute, setText } from "../dom.js";
import { focusedPanel, settleFocus } from "./focus.js";

/** @import { Considered, FigureChange, OrderFields, Standing, Words } from "./types.d.ts" */

/** @typedef {(done: number) => void} Progress */

/**
 * @typedef {object} ConfirmationOptions
 * @property {Words} words
 * @property {(fields: OrderFields) => Promise<Considered>} consider asks what an order would do
 * @property {(fields: OrderFields, reason: string, confirm: string | null, what: string) => Promise<Considered | null>}
 * order gives it
 * @property {(many: readonly OrderFields[], reason: string, confirm: string | null, what: string, progress: Progress)
 *   => Promise<{ rest: readonly OrderFields[], answer: Considered | null }>} orderMany gives many
 * @property {(change: FigureChange, fields: OrderFields) => string} changed says a figure before and after
 * @property {(standing: Standing, fields: OrderFields) => string} stands says how a race stands
 */

/**
 * The reasons that are given most, by the kind of order.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const PRESETS = {
  held: ["because_jump", "because_asked", "because_differs"],
  released: ["because_corrected", "because_confirmed", "because_slip"],
  taken: ["because_confirmed", "because_corrected"],
  embargo_set: ["because_ban"],
  embargo_lifted: ["because_banOver"],
  called: ["because_desk"],
  call_withdrawn: ["because_early", "because_slip"],
  figure_overridden: ["because_digit", "because_phone"],
  override_withdrawn: ["because_corrected", "because_slip"],
  quarantine_released: ["because_confirmed"],
  quarantine_rejected: ["because_broken", "because_duplicate", "because_old"],
};

export class Confirmation {
  #dialog;
  #form;
  #what;
  #changes;
  #questions;
  #reason;
  #presets;
  #sure;
  #sureText;
  #problem;
  #give;
  /** @type {OrderFields} */
  #pending = { type: "" };
  /** @type {string | null} */
  #grave = null;
  /** @type {readonly OrderFields[]} */
  #many = [];
  #considered = Promise.resolve();
  /** @type {string | null} */
  #confirm = null;
  /** @type {Readonly<Record<string, unknown>>} */
  #adds = {};
  /** @type {Element | null} */
  #panel = null;

  /**
   * `consider` and `order` are those of `Ordering`.
   * @param {ConfirmationOptions} options
   */
  constructor({ words, consider, order, orderMany, changed, stands }) {
    this.t = words;
    this.consider = consider;
    this.order = order;
    this.orderMany = orderMany;
    this.changed = changed;
    this.stands = stands;
    this.#what = make("p", { class: "what", id: "what" });
    this.#changes = make("ul", { class: "changes", id: "changes" });
    this.#questions = make("ul", { class: "questions", id: "questions" });
    this.#reason = make("input", { id: "reason", required: true, maxlength: 500, autocomplete: "off" });
    this.#sure = make("input", { type: "checkbox", id: "sure" });
    this.#sureText = make("span", { id: "sure-text" });
    this.sureLine = make("label", { class: "sure", for: "sure" }, this.#sure, this.#sureText);
    this.#problem = make("p", { class: "problem", role: "alert" });
    this.#presets = make("p", { class: "presets choices", role: "group", "aria-label": words("presets") });
    this.#give = make("button", { type: "submit", class: "give", text: words("give") });
    const cancel = make("button", { type: "button", text: words("cancel") });
    cancel.addEventListener("click", () => this.#dialog.close());
    this.#form = make(
      "form",
      { method: "dialog" },
      make("h2", { id: "confirm-title", text: words("confirmTitle") }),
      this.#what,
      this.#changes,
      this.#questions,
      make("label", { for: "reason", text: words("reason") }),
      this.#reason,
      this.#presets,
      this.sureLine,
      this.#problem,
      make("p", { class: "choices" }, cancel, this.#give),
    );
    this.#form.addEventListener("keydown", (event) => {
      const preset = event.altKey && /^Digit[1-9]$/.test(event.code) ? event.code.slice(-1) : null;
      const button = preset && this.#presets.querySelector(`[data-preset="${preset}"]`);
      if (!(button instanceof HTMLElement)) return;
      event.preventDefault();
      button.click();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#dialog = make(
      "dialog",
      { "aria-labelledby": "confirm-title", "aria-describedby": "what changes questions" },
      this.#form,
    );
    this.#dialog.addEventListener("close", () => settleFocus(this.#panel)); // what asked may be gone by now
    document.body.append(this.#dialog);
  }

  /**
   * Ask. `grave` orders want a second yes in every run, in words of their own. `many` are orders like this one, which
   * are given with it, for one reason; it is among them.
   * @param {{fields: OrderFields, what: string, grave?: string | null, many?: readonly OrderFields[]}} options
   */
  ask({ fields, what, grave = null, many = [] }) {
    this.#pending = fields;
    this.#many = many;
    this.#grave = grave;
    this.#panel = focusedPanel();
    setText(this.#what, what);
    this.#reason.value = "";
    this.#offer(fields.type);
    this.#show({ questions: [], changes: [], confirm: null });
    setAttribute(this.#dialog, "data-considered", "false");
    this.#dialog.showModal();
    this.#reason.focus();
    this.#considered = this.#consider(fields);
  }

  /**
   * Offer the reasons that are given most for such an order: Alt and its number writes one.
   * @param {string} type
   */
  #offer(type) {
    this.#presets.replaceChildren(
      ...(PRESETS[type] ?? []).map((key, index) => {
        const button = make("button", { type: "button", "data-preset": index + 1 });
        button.append(make("kbd", { text: `Alt ${index + 1}` }), ` ${this.t(key)}`);
        button.addEventListener("click", () => {
          this.#reason.value = this.t(key);
          this.#reason.focus();
        });
        return button;
      }),
    );
  }

  /** @param {OrderFields} fields */
  async #consider(fields) {
    const answer = await this.consider(fields);
    if (this.#pending !== fields) return;
    this.#show(answer);
    setAttribute(this.#dialog, "data-considered", "true");
  }

  /** @param {Considered} considered */
  #show({ questions = [], changes = [], race = [], confirm = null, adds = {}, error = "" }) {
    if (confirm !== this.#confirm) this.#sure.checked = false; // that was a yes to something else
    this.#confirm = confirm;
    this.#adds = adds;
    this.#changes.replaceChildren(
      ...changes.map((change) => make("li", { text: this.changed(change, this.#pending) })),
      ...race.map((standing) => make("li", { "data-race": true, text: this.stands(standing, this.#pending) })),
    );
    this.#questions.replaceChildren(
      ...questions.map(({ code, sentence }) =>
        make(
          "li",
          { "data-code": code },
          make("b", { text: this.t(`asks_${code}`) }),
          make("span", { text: ` ${sentence}` }),
        ),
      ),
    );
    const asks = this.#grave !== null || questions.length > 0;
    this.#sure.required = asks;
    this.sureLine.hidden = !asks;
    setText(this.#sureText, asks ? (this.#grave ?? this.t("sure")) : "");
    setText(this.#problem, error);
  }

  /**
   * Give many orders. What is asked about the first is confirmed of all: each says of its own record what it would
   * show.
   * @param {string} reason
   * @param {string} what
   */
  async #giveMany(reason, what) {
    const of = this.#many.length;
    const codes = this.#confirm?.split(",").map((token) => token.split(".")[0]);
    const { rest, answer } = await this.orderMany(this.#many, reason, codes?.join(",") ?? null, what, (done) =>
      setText(this.#problem, this.t("progress", { n: done, of })),
    );
    this.#many = rest;
    return answer && { ...answer, code: "", error: this.t("stopped", { n: of - rest.length, of, why: answer.error }) };
  }

  async #submit() {
    if (this.#give.disabled) return;
    this.#give.disabled = true;
    try {
      await this.#considered;
      if (!this.#form.reportValidity()) return; // what the gateway asks came after the last key was pressed
      const fields = { ...this.#pending, ...this.#adds };
      const what = this.#what.textContent ?? "";
      const reason = this.#reason.value.trim();
      const answer = this.#many.length
        ? await this.#giveMany(reason, what)
        : await this.order(fields, reason, this.#confirm, what);
      if (answer === null) this.#dialog.close();
      else if (answer.code === "not_confirmed") this.#show({ ...answer, error: this.t("changedMeanwhile") });
      else setText(this.#problem, answer.error ?? "");
    } finally {
      this.#give.disabled = false;
    }
  }
}
