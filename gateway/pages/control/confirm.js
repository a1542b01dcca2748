/**
 * The second step of every order: a dialog that says in words what is about to happen, and asks why.
 *
 * The gateway says which figures the order changes, and what has to be confirmed by what stands at that moment. What is
 * confirmed is what was read: where the answer is another one by the time that the order is given, it is asked anew.
 */

import { make, setAttribute, setText } from "../dom.js";
import { focusedPanel, settleFocus } from "./focus.js";

/** @import { Considered, OrderFields, Words } from "./types.d.ts" */

/**
 * @typedef {object} ConfirmationOptions
 * @property {Words} words
 * @property {(fields: OrderFields) => Promise<Considered>} consider asks what an order would do
 * @property {(fields: OrderFields, reason: string, confirm: string | null) => Promise<Considered | null>} order gives
 * it
 * @property {(contest: string, unit: string, figure: string) => string} figureName
 * @property {(count: number) => string} count
 */

export class Confirmation {
  #dialog;
  #form;
  #what;
  #changes;
  #questions;
  #reason;
  #sure;
  #sureText;
  #problem;
  #give;
  /** @type {OrderFields} */
  #pending = { type: "" };
  /** @type {string | null} */
  #grave = null;
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
  constructor({ words, consider, order, figureName, count }) {
    this.t = words;
    this.consider = consider;
    this.order = order;
    this.figureName = figureName;
    this.count = count;
    this.#what = make("p", { class: "what", id: "what" });
    this.#changes = make("ul", { class: "changes", id: "changes" });
    this.#questions = make("ul", { class: "questions", id: "questions" });
    this.#reason = make("input", { id: "reason", required: true, maxlength: 500, autocomplete: "off" });
    this.#sure = make("input", { type: "checkbox", id: "sure" });
    this.#sureText = make("span", { id: "sure-text" });
    this.sureLine = make("label", { class: "sure", for: "sure" }, this.#sure, this.#sureText);
    this.#problem = make("p", { class: "problem", role: "alert" });
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
      this.sureLine,
      this.#problem,
      make("p", { class: "choices" }, cancel, this.#give),
    );
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
   * Ask. `grave` orders want a second yes in every run, in words of their own.
   * @param {{fields: OrderFields, what: string, grave?: string | null}} options
   */
  ask({ fields, what, grave = null }) {
    this.#pending = fields;
    this.#grave = grave;
    this.#panel = focusedPanel();
    setText(this.#what, what);
    this.#reason.value = "";
    this.#show({ questions: [], changes: [], confirm: null });
    setAttribute(this.#dialog, "data-considered", "false");
    this.#dialog.showModal();
    this.#reason.focus();
    this.#considered = this.#consider(fields);
  }

  /** @param {OrderFields} fields */
  async #consider(fields) {
    const answer = await this.consider(fields);
    if (this.#pending !== fields) return;
    this.#show(answer);
    setAttribute(this.#dialog, "data-considered", "true");
  }

  /** @param {Considered} considered */
  #show({ questions = [], changes = [], confirm = null, adds = {}, error = "" }) {
    const { contest, unit } = /** @type {Readonly<Record<string, string>>} */ (this.#pending);
    if (confirm !== this.#confirm) this.#sure.checked = false; // that was a yes to something else
    this.#confirm = confirm;
    this.#adds = adds;
    this.#changes.replaceChildren(
      ...changes.map(({ figure, before, after }) =>
        make("li", {
          text: this.t("change", {
            figure: this.figureName(contest, unit, figure),
            before: this.#counted(before),
            after: this.#counted(after),
          }),
        }),
      ),
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

  /** @param {number | null} count */
  #counted(count) {
    return count === null ? this.t("nothingYet") : this.count(count);
  }

  async #submit() {
    if (this.#give.disabled) return;
    this.#give.disabled = true;
    try {
      await this.#considered;
      if (!this.#form.reportValidity()) return; // what the gateway asks came after the last key was pressed
      const answer = await this.order({ ...this.#pending, ...this.#adds }, this.#reason.value.trim(), this.#confirm);
      if (answer === null) this.#dialog.close();
      else if (answer.code === "not_confirmed") this.#show({ ...answer, error: this.t("changedMeanwhile") });
      else setText(this.#problem, answer.error ?? "");
    } finally {
      this.#give.disabled = false;
    }
  }
}
