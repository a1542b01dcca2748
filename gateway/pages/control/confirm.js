/**
 * The second step of every order: a dialog that says in words what is about to happen, and asks why.
 */

import { make, say } from "../dom.js";
import { focusedPanel, settleFocus } from "./focus.js";

export class Confirmation {
  #dialog;
  #what;
  #reason;
  #sure;
  #problem;
  #give;
  #pending = null;
  #panel = null;

  constructor({ words, order }) {
    this.t = words;
    this.order = order;
    this.#what = make("p", { class: "what", id: "what" });
    this.#reason = make("input", { id: "reason", required: true, maxlength: 500, autocomplete: "off" });
    this.#sure = make("input", { type: "checkbox", id: "sure" });
    this.sureLine = make("label", { class: "sure", for: "sure" }, this.#sure, make("span", { id: "sure-text" }));
    this.#problem = make("p", { class: "problem", role: "alert" });
    this.#give = make("button", { type: "submit", class: "give", text: words("give") });
    const cancel = make("button", { type: "button", text: words("cancel") });
    cancel.addEventListener("click", () => this.#dialog.close());
    const form = make(
      "form", { method: "dialog" },
      make("h2", { id: "confirm-title", text: words("confirmTitle") }), this.#what,
      make("label", { for: "reason", text: words("reason") }), this.#reason, this.sureLine, this.#problem,
      make("p", { class: "choices" }, cancel, this.#give),
    );
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    this.#dialog = make("dialog", { "aria-labelledby": "confirm-title", "aria-describedby": "what" }, form);
    this.#dialog.addEventListener("close", () => settleFocus(this.#panel)); // what asked may be gone by now
    document.body.append(this.#dialog);
  }

  /** Ask. `grave` orders want a second yes, in words of their own. */
  ask({ fields, what, grave = null }) {
    this.#pending = fields;
    this.#panel = focusedPanel();
    say(this.#what, what);
    say(this.#problem, "");
    this.#reason.value = "";
    this.#sure.checked = false;
    this.#sure.required = grave !== null;
    this.sureLine.hidden = grave === null;
    say(this.sureLine.querySelector("span"), grave ?? "");
    this.#dialog.showModal();
    this.#reason.focus();
  }

  async #submit() {
    if (this.#give.disabled) return;
    this.#give.disabled = true;
    const problem = await this.order(this.#pending, this.#reason.value.trim()).finally(() => { this.#give.disabled = false; });
    if (problem === null) this.#dialog.close();
    else say(this.#problem, problem);
  }
}
