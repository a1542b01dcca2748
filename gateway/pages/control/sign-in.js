/**
 * Who is there: the token, the operator's name and their key, which stays in this page's memory. The gateway is asked
 * before anybody is let in, so a token or a key that is no good is told here, and not by the first order.
 */

import { byId, make, setText } from "../dom.js";
import { broughtBy, withoutSecrets } from "./brought.js";
import { askRoom, RoomRefused } from "./ordering.js";
import { signerFrom } from "./signing.js";

/**
 * @import { Brought } from "./brought.js"
 * @import { OrderingOptions, Words } from "./types.d.ts"
 */

const NAME_KEY = "sandik.operator";
const TOKEN_KEY = "sandik.token";
const AGAIN_MS = 1_000;

/** @typedef {Pick<OrderingOptions, "token" | "by" | "signer" | "isDemo">} Operator */

/**
 * Keep the token as long as the tab is open, so that a reload goes on with it; the address does not have it.
 * @param {string} token
 */
export function keepToken(token) {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/**
 * Ask who is there, until they can be let in. Whoever comes with all of it by a link is let in at once.
 * @param {Words} t
 * @returns {Promise<Operator>}
 */
export function signIn(t) {
  const brought = broughtBy(new URL(location.href));
  history.replaceState(history.state, "", withoutSecrets(new URL(location.href)));
  const form = new SignInForm(t, brought);
  byId("room").replaceChildren(form.node);
  form.focus();
  return new Promise((resolve) => {
    const enter = async () => {
      const operator = await form.check();
      if (!operator) return;
      sessionStorage.setItem(NAME_KEY, operator.by);
      keepToken(operator.token);
      resolve(operator);
    };
    form.node.addEventListener("submit", (event) => {
      event.preventDefault();
      enter();
    });
    if (brought.token && brought.name && brought.pem) enter();
  });
}

class SignInForm {
  #token;
  #name;
  #key;
  #problem;
  #pem;
  #busy = false;

  /**
   * @param {Words} t
   * @param {Brought} brought
   */
  constructor(t, { token, name, pem }) {
    this.t = t;
    this.#pem = pem;
    /**
     * @param {string} id
     * @param {string} label
     * @param {Readonly<Record<string, unknown>>} attributes
     */
    const field = (id, label, attributes) => {
      const input = make("input", { id, autocomplete: "off", ...attributes });
      return { input, nodes: [make("label", { for: id, text: t(label) }), input] };
    };
    const [tokenField, nameField, keyField] = [
      field("token", "token", { type: "password", required: true }),
      field("name", "name", { required: true, maxlength: 100 }),
      field("key", "keyFile", { type: "file" }),
    ];
    this.#token = tokenField.input;
    this.#name = nameField.input;
    this.#key = keyField.input;
    this.#token.value = token || (sessionStorage.getItem(TOKEN_KEY) ?? "");
    this.#name.value = name || (sessionStorage.getItem(NAME_KEY) ?? "");
    this.#problem = make("p", { class: "problem", role: "alert" });
    this.node = make(
      "form",
      { class: "sign-in panel" },
      make("h2", { text: t("signIn") }),
      ...tokenField.nodes,
      ...nameField.nodes,
      ...keyField.nodes,
      ...(pem ? [make("p", { class: "soft", text: t("broughtKey") })] : []),
      this.#problem,
      make("p", { class: "choices" }, make("button", { class: "give", text: t("enter") })),
    );
  }

  /** Bring the focus to the first field that is empty. */
  focus() {
    (this.#token.value ? this.#name : this.#token).focus();
  }

  /**
   * Who they are, if they can be let in; else why not, on the form, and null.
   * @returns {Promise<Operator | null>}
   */
  async check() {
    if (this.#busy) return null;
    this.#busy = true;
    setText(this.#problem, "");
    const [token, by] = [this.#token.value.trim(), this.#name.value.trim()];
    try {
      const file = this.#key.files?.[0];
      const pem = file ? await file.text() : this.#pem;
      const signer = pem ? await signerFrom(pem) : null;
      const { signed_only: signedOnly, trusted } = await this.#room(token);
      if (!signer || !signedOnly || trusted.includes(signer.fingerprint))
        return { token, by, signer, isDemo: !file && signer !== null };
      setText(this.#problem, this.t("keyUntrusted", { key: signer.fingerprint }));
      this.#key.focus();
    } catch (error) {
      setText(this.#problem, this.#sentence(error));
    } finally {
      this.#busy = false;
    }
    return null;
  }

  /**
   * What the gateway says to this token, once it can: it says itself when it cannot yet.
   * @param {string} token
   * @returns {ReturnType<typeof askRoom>}
   */
  async #room(token) {
    try {
      return await askRoom(location.href, token, this.t);
    } catch (error) {
      if (!(error instanceof RoomRefused && error.code === "not_ready")) throw error;
      setText(this.#problem, error.message);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      return this.#room(token);
    }
  }

  /** @param {unknown} error */
  #sentence(error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message === "no_ed25519") return this.t("noEd25519");
    return message === "no_key" ? this.t("noKey") : message;
  }
}
