/**
 * The stage: what every overlay shares. It reads the address, follows the night, and drives one template through load,
 * play, update, stop and next; whoever puts a playout system's interface around it needs no more than those.
 *
 * A template is a module with `needs(scene)` (its subscriptions), `model(scene)` (pure: a plain object), and
 * `create(tools)`, which gives `{node, draw(model, scene)}`. Where it has them: `check(scene)` (faults in its own
 * parameters), `next(scene)` (the parameters of the next step), and of what it created `event(message, scene)`,
 * `next()` and `close()`. What its address may say is in manifest.js.
 */

import { make, setAttribute, setText } from "../dom.js";
import { formats } from "../format.js";
import { Redraw } from "../redraw.js";
import { watermarkOf } from "../status.js";
import { words } from "../strings.js";
import { groundsNow, View } from "../view.js";
import { read, select } from "./parameters.js";
import { Curtain } from "./widgets.js";

/**
 * @import { AddressFault, EventMessage, FollowedNight, Options } from "./types.d.ts"
 * @import { Overlay, OverlayAbout, Scene, Template } from "./types.d.ts"
 */

export const WIDTH = 1920;
export const HEIGHT = 1080;

/** Ages are told by the second. */
const TICK_MS = 1_000;
/** How long a graphic takes to come or to go; the same as in overlay.css. */
export const TRANSITION_MS = 400;
/** Over a picture the mark has to be stronger than on the board's own ground. */
const MARK_OPACITY = 0.42;
/** The mark comes again so soon that the lowest strip carries one. */
const MARK_HEIGHT = 118;

/**
 * @typedef {object} StageOptions
 * @property {OverlayAbout} about the overlay's entry in the manifest
 * @property {Template} template its module
 * @property {FollowedNight} night
 * @property {string} search the address's parameters
 * @property {HTMLElement} root the element to fill
 */

export class Stage {
  #template;
  #about;
  /** @type {{ overlay: Overlay, curtain: Curtain, scene: Scene } | null} */
  #shown = null;
  #redraw = new Redraw(() => this.#draw());
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #tick;
  #playing = false;
  #still = false;
  #search;

  /**
   * @param {StageOptions} options
   */
  constructor({ about, template, night, search, root }) {
    this.name = about.name;
    this.#about = about;
    this.night = night;
    this.root = root;
    this.#template = template;
    // as update() writes it, which lays nothing out for what is so already
    this.#search = new URLSearchParams(search).toString();
    this.cards = make("div", { class: "cards" });
    this.mark = make("div", { class: "watermark", "aria-hidden": "true", hidden: true });
    this.guide = make("div", { class: "guide", "aria-hidden": "true", hidden: true }, make("i"), make("i"));
    root.append(this.mark, this.guide, this.cards);
  }

  /** Everything on screen comes from this: the selection, the options, the night. Null before there is an election. */
  get scene() {
    return this.#shown?.scene ?? null;
  }

  /** The pixels on screen that a pixel of the stage takes. */
  static scale() {
    return Math.min(innerWidth / WIDTH, innerHeight / HEIGHT) || 1;
  }

  /** Read the address, wait for the election, lay the overlay out. Nothing is seen before it is played. */
  async load() {
    const settle = () => this.root.style.setProperty("--scale", String(Stage.scale()));
    settle();
    addEventListener("resize", settle);
    const { values } = this.#read();
    this.night.on("change", () => this.#soon());
    this.night.on("event", (message) => this.#event(message));
    this.night.on("fault", (message) => this.#complain([{ key: "serverFault", values: { message } }]));
    this.night.on("definition", () => this.#lay());
    this.night.on("waiting", () => this.#card([this.#t("awaitRun")]));
    if (values.play) this.#playing = true;
    await Promise.all([this.night.open(), document.fonts.load("650 24px Inter", "İ1")]);
    this.#tick = setInterval(() => this.#soon(), TICK_MS);
    this.#lay();
  }

  /** Draw soon, with whatever else has changed by then. */
  redraw() {
    this.#soon();
  }

  /** Bring the graphic on. */
  play() {
    this.#playing = true;
    this.#draw();
  }

  /** Take the graphic off; resolves when it is gone. */
  stop() {
    this.#playing = false;
    this.#draw();
    return new Promise((resolve) => {
      setTimeout(resolve, TRANSITION_MS);
    });
  }

  /**
   * While `on`, what is shown is there at once: nothing moves on its way, whatever the address says.
   * @param {boolean} on
   */
  still(on) {
    if (!on) this.root.getBoundingClientRect(); // it has to be where it belongs before anything may move again
    this.#still = on;
    this.#settle();
  }

  /**
   * Change parameters while on air: an object of names and values, as in the address. A new token changes no picture.
   * @param {{token?: unknown} & Record<string, unknown>} options
   */
  update({ token, ...changes }) {
    if (token) this.night.renew(String(token));
    const params = new URLSearchParams(this.#search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") params.delete(name);
      else params.set(name, String(value));
    }
    const search = params.toString();
    if (search === this.#search) return;
    this.#search = search;
    if (this.night.election) this.#lay();
  }

  /** Go on to the overlay's next step, where it has steps. */
  next() {
    if (!this.#shown) return;
    const { overlay, scene } = this.#shown;
    const changes = this.#template.next?.(scene);
    if (changes) this.update(changes);
    else overlay.next?.();
  }

  /** End it: no timer and no listener of the template's is left. */
  close() {
    clearInterval(this.#tick);
    this.#shown?.overlay.close?.();
  }

  get #t() {
    return words(this.#read().values.lang);
  }

  #read() {
    return read(this.#search, this.#about.parameters);
  }

  #lay() {
    const { values, asked, faults } = this.#read();
    const { election } = this.night;
    if (!election) return;
    document.documentElement.lang = values.lang;
    setAttribute(document.documentElement, "data-theme", values.theme);
    this.#settle();
    this.guide.hidden = !values.safe;
    const found = select(asked, election);
    const [t, format] = [words(values.lang), formats(values.lang, election.timezone)];
    const scene = this.#makeScene({ election, values, t, format, selection: found.selection });
    const own = found.faults.length ? [] : (this.#template.check?.(scene) ?? []);
    this.#complain([...faults, ...found.faults, ...own]);
    this.#shown?.overlay.close?.();
    this.#shown?.overlay.node.remove();
    this.#shown = null;
    if (found.faults.length || own.length) return; // nothing on air rather than something else's numbers
    const curtain = new Curtain({ t, format });
    const overlay = this.#template.create({ t, format, options: values, stage: this });
    this.#shown = { overlay, curtain, scene };
    if (this.#template.curtained ?? true) overlay.node.append(curtain.node);
    setAttribute(overlay.node, "data-overlay", this.name);
    overlay.node.classList.add("overlay");
    this.root.prepend(overlay.node);
    this.night.follow(this.#template.needs(scene));
    this.#draw();
  }

  #settle() {
    setAttribute(document.documentElement, "data-motion", this.#read().values.motion && !this.#still ? null : "none");
  }

  /**
   * @param {Pick<Scene, "election" | "t" | "format" | "selection"> & { values: Options }} options
   * @returns {Scene}
   */
  #makeScene({ election, values, t, format, selection }) {
    const { night } = this;
    const view = new View({ election, night, words: t, format, href: () => "" });
    view.grounds = groundsNow();
    return {
      election,
      night,
      selection,
      options: values,
      t,
      format,
      view,
      entry: (contest, source, unit) => night.entry(contest, source, unit),
      unit: (unit = selection.unit, source = selection.source) => view.unit(selection, unit, source),
    };
  }

  #soon() {
    if (this.#shown) this.#redraw.soon();
  }

  #draw() {
    if (!this.#shown) return;
    const { overlay, curtain, scene } = this.#shown;
    const { node } = overlay;
    const { night } = this;
    const { t } = scene;
    const rehearsal = night.mode !== "live";
    this.mark.hidden = !rehearsal;
    setAttribute(this.root, "data-mode", night.mode);
    if (rehearsal) this.#watermark(t(`${night.mode}Text`));
    setAttribute(node, "data-embargo", night.embargoed ? "" : null);
    curtain.draw({ embargoed: night.embargoed, until: night.embargo, now: new Date() });
    overlay.draw(this.#template.model(scene), scene);
    // not before the server has said how things are: an embargo must not come a moment after the numbers
    setAttribute(node, "data-shown", this.#playing && night.isKnown ? "" : null);
    setAttribute(this.mark, "data-shown", this.#playing && night.isKnown ? "" : null);
  }

  /** @param {string} text */
  #watermark(text) {
    const image = watermarkOf(text, { opacity: MARK_OPACITY, height: MARK_HEIGHT });
    if (this.mark.style.backgroundImage !== image) this.mark.style.backgroundImage = image;
  }

  /** @param {EventMessage} message */
  #event(message) {
    if (this.#shown && !this.night.embargoed) this.#shown.overlay.event?.(message, this.#shown.scene);
  }

  /**
   * Faults are for who sets the overlay up: always in the console, on screen only where that was asked for.
   * @param {readonly AddressFault[]} faults
   */
  #complain(faults) {
    const t = this.#t;
    const texts = faults.map(({ key, values }) => t(key, values));
    for (const text of texts) console.warn(`sandik ${this.name}: ${text}`);
    this.#card(texts);
  }

  /** @param {readonly string[]} texts */
  #card(texts) {
    this.cards.replaceChildren();
    if (!texts.length || !this.#read().values.debug) return;
    const card = make("div", { class: "card" }, make("b", { text: `sandık · ${this.name}` }));
    for (const text of texts) {
      const line = make("p");
      setText(line, text);
      card.append(line);
    }
    this.cards.append(card);
  }
}

/**
 * The subscriptions of one contest: a scope and its parts, from some sources.
 * @param {Pick<Scene, "election" | "selection">} options
 * @param {readonly string[]} [sources]
 */
export function subscriptions({ election, selection }, sources = [selection.source]) {
  const scope = election.scopeOf(selection.unit).id;
  return sources.map((source) => ({ contest: selection.contest, source, units: election.patterns(scope) }));
}
