/**
 * The frame around an overlay's own page: a wrapper says how the graphic should be, and the frame sees to it.
 *
 * It waits for a gateway that is not there yet, shows nothing of a page that has not come to life, and tells a page
 * that was loaded anew everything again. No imports: this text also goes into single-file templates (`sandik
 * graphics`).
 */

/** @import { Show } from "../overlays/types.d.ts" */

/** Pauses between attempts to reach the page: it should come soon after its server. */
const PROBE_MS = 1_000;
/** A page that has loaded says so at once: one that does not in this time is tried again. */
const LIFE_MS = 10_000;
/** How long an answer may take: a transition takes 400 ms. */
const ANSWER_MS = 2_000;

const STYLE =
  "position:absolute;left:0;top:0;width:100%;height:100%;border:0;background:transparent;" +
  "color-scheme:light;visibility:hidden;pointer-events:none";

export class Frame {
  /** @type {HTMLIFrameElement | null} */
  #node = null;
  /** @type {string | null} */
  #address = null;
  #alive = false;
  #checks = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Show | null} */
  #wanted = null;
  /** @type {Map<unknown, (answer: any) => void>} */
  #answers = new Map();
  #count = 0;
  #warned = false;
  #root;
  #listen = (/** @type {MessageEvent} */ event) => this.#hear(event);

  /**
   * `root` is the element that the graphic fills.
   * @param {HTMLElement} root
   */
  constructor(root) {
    this.#root = root;
    addEventListener("message", this.#listen);
  }

  /** Whether the page is there and listens. */
  get alive() {
    return this.#alive;
  }

  /**
   * Have the page at this address; another one is loaded anew, but not for a new token alone: `show` tells the page.
   * @param {string} address
   */
  open(address) {
    const stays = this.#leadsTo(address);
    if (!stays) this.#drop();
    this.#address = address;
    if (!stays) this.#reach();
  }

  /**
   * How the graphic should be: {parameters, playing, step, skip, token}. Resolves when it is, or at once where there is
   * no page yet: then it will be. Whether it is: true or false.
   * @param {Show} wanted
   */
  show(wanted) {
    this.#wanted = wanted;
    return this.#alive ? this.ask({ sandik: "show", ...wanted }) : Promise.resolve(false);
  }

  /**
   * Ask the page something; its answer, or false where it gives none.
   * @param {Readonly<Record<string, unknown>>} message
   * @param {number} [answerMs]
   */
  ask(message, answerMs = ANSWER_MS) {
    const page = this.#alive ? this.#node?.contentWindow : null;
    if (!page) return Promise.resolve(false);
    this.#count += 1;
    const id = this.#count;
    page.postMessage({ ...message, id }, "*"); // to our own frame; its page decides whom it hears
    return new Promise((resolve) => {
      /** @param {any} answer */
      const settle = (answer) => {
        clearTimeout(late);
        this.#answers.delete(id);
        resolve(answer);
      };
      const late = setTimeout(() => settle(false), answerMs);
      this.#answers.set(id, settle);
    });
  }

  /**
   * What is wrong with these parameters, in words; null where nothing is known to be: a page that is not there yet, or
   * an older gateway's, cannot say.
   * @param {Readonly<Record<string, string>>} parameters
   * @returns {Promise<string | null>}
   */
  async faultIn(parameters) {
    const answer = this.#checks ? await this.ask({ sandik: "check", parameters }) : null;
    return answer?.fault ?? null;
  }

  /** End it: nothing of it is left. */
  close() {
    removeEventListener("message", this.#listen);
    this.#drop();
  }

  async #reach() {
    const address = this.#address;
    if (address === null) return;
    try {
      await fetch(address, { mode: "no-cors", cache: "no-store" });
    } catch {
      this.#warn(`${new URL(address).origin} does not answer. The graphic stays empty, and asks again.`);
      if (this.#leadsTo(address)) this.#timer = setTimeout(() => this.#reach(), PROBE_MS);
      return;
    }
    if (!this.#leadsTo(address)) return;
    const node = document.createElement("iframe");
    node.setAttribute("title", "sandık");
    // its scheme must be the page's, or the browser paints the frame's ground
    node.style.cssText = STYLE;
    node.src = address;
    this.#node = node;
    this.#root.append(node);
    this.#timer = setTimeout(() => this.#again(), LIFE_MS);
  }

  #again() {
    const address = this.#address;
    this.#drop();
    if (address === null) return;
    this.#warn(`the page at ${new URL(address).origin} does not come to life. It is loaded anew.`);
    this.open(address);
  }

  /**
   * Say what is wrong to whoever reads the tool's log, once until the page is there; on air nothing is said.
   * @param {string} text
   */
  #warn(text) {
    if (!this.#warned) console.warn(`sandik: ${text}`);
    this.#warned = true;
  }

  /**
   * Whether the page at this address is the one that is wanted, whatever its token.
   * @param {string} address
   */
  #leadsTo(address) {
    return this.#address !== null && withoutToken(address) === withoutToken(this.#address);
  }

  /** @param {MessageEvent} messageEvent */
  #hear({ source, data }) {
    if (!this.#node || source !== this.#node.contentWindow) return;
    if (data?.sandik === "ready") this.#begin(data.checks === true);
    else if (data?.sandik === "done") this.#answers.get(data.id)?.(data);
  }

  /** @param {boolean} checks */
  #begin(checks) {
    clearTimeout(this.#timer);
    this.#alive = true;
    this.#warned = false;
    this.#checks = checks;
    if (this.#node) this.#node.style.visibility = "visible";
    if (this.#wanted) this.show(this.#wanted);
  }

  #drop() {
    clearTimeout(this.#timer);
    for (const settle of [...this.#answers.values()]) settle(false);
    this.#node?.remove();
    this.#node = this.#address = null;
    this.#alive = this.#checks = false;
  }
}

/** @param {string} address */
function withoutToken(address) {
  const plain = new URL(address);
  plain.searchParams.delete("token");
  return plain.href;
}

/**
 * The address of an overlay's page at a gateway, off air; a token goes with it.
 * @param {string} gateway
 * @param {string} name
 * @param {string | undefined} token
 */
export function overlayAddress(gateway, name, token) {
  const address = new URL(`overlays/${name}`, gateway.endsWith("/") ? gateway : `${gateway}/`);
  address.searchParams.set("play", "0");
  if (token) address.searchParams.set("token", token);
  return address.href;
}
