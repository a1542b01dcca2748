/**
 * The stage: what every overlay shares. It reads the address, follows the night, and drives one template: `show` says
 * how it should be, all of it. What a playout system's calls come to is in on-air.js.
 *
 * A template is a module with `needs(scene)` (its subscriptions), `model(scene)` (pure: a plain object), and
 * `create(tools)`, which gives `{node, draw(model, scene)}`. Where it has them: `check(scene)` (faults in its own
 * parameters), `walk(scene, steps)` (the selection so many steps further), and of what it created
 * `event(message, scene)`, `next()` (cut short what is shown) and `close()`. What its address may say is in
 * manifest.js.
 */

import { PLAIN, readBrand } from "../brand.js";
import { make, setAttribute, setStyle, setText } from "../dom.js";
import { formats } from "../format.js";
import { wordsOf } from "../levels.js";
import { Redraw } from "../redraw.js";
import { watermarkOf } from "../status.js";
import { words } from "../strings.js";
import { groundsNow, View } from "../view.js";
import { read, select } from "./parameters.js";
import { Curtain } from "./widgets.js";

/**
 * @import { AddressFault, Brand, Election, EventMessage, FollowedNight, Options } from "./types.d.ts"
 * @import { Overlay, OverlayAbout, Scene, Show, Template } from "./types.d.ts"
 */

/** The frame that an overlay is drawn in, in pixels, by its size: upright for phones, else a programme's. */
const FRAMES = { wide: [1920, 1080], tall: [1080, 1920] };

/** Sizes that have a ground of their own, and show nothing of the programme. */
const GROUNDED = ["full", "tall"];

/** Ages are told by the second. */
const TICK_MS = 1_000;
/** How long a graphic takes to come or to go; the same as in overlay.css. */
export const TRANSITION_MS = 400;
/** Over a picture the mark has to be stronger than on the board's own ground. */
const MARK_OPACITY = 0.42; // where no brand says --watermark
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
  #playing;
  #still = false;
  #search;
  #step = 0;
  /** @type {{ search: string, step: number }} */
  #wanted;
  /**
   * While the graphic goes: what is wanted next is laid out when it is gone.
   * @type {ReturnType<typeof setTimeout> | null}
   */
  #leaving = null;

  /**
   * @param {StageOptions} options
   */
  constructor({ about, template, night, search, root }) {
    this.name = about.name;
    this.#about = about;
    this.night = night;
    this.root = root;
    this.#template = template;
    /** What the address says, by its names. */
    this.address = Object.fromEntries(new URLSearchParams(search));
    // as show() writes it, which lays nothing out for what is so already
    this.#search = searchOf(this.address);
    this.#wanted = { search: this.#search, step: 0 };
    /** Whether the address has it on air at once. */
    this.plays = this.#read().values.play;
    this.#playing = this.plays;
    this.cards = make("div", { class: "cards" });
    this.mark = make("div", { class: "watermark", "aria-hidden": "true", hidden: true });
    this.guide = make("div", { class: "guide", "aria-hidden": "true", hidden: true }, make("i"), make("i"));
    root.append(this.mark, this.guide, this.cards);
  }

  /** Everything on screen comes from this: the selection, the options, the night. Null before there is an election. */
  get scene() {
    return this.#shown?.scene ?? null;
  }

  /** What photos and logos there are, and the theme where the address names none. */
  brand = PLAIN;

  /** The pixels on screen that a pixel of the stage takes. */
  scale() {
    const [width, height] = this.#frame;
    return Math.min(innerWidth / width, innerHeight / height) || 1;
  }

  get #frame() {
    return FRAMES[this.#read().values.size === "tall" ? "tall" : "wide"];
  }

  /** Take the whole window, whatever its shape. */
  #fill() {
    const [width, height] = this.#frame;
    for (const [name, value] of Object.entries({ "--width": `${width}px`, "--height": `${height}px` }))
      setStyle(this.root, name, value);
    setStyle(this.root, "--scale", String(this.scale()));
  }

  /** Read the address, wait for the election, lay the overlay out. Nothing is seen before it is played. */
  async load() {
    this.#fill();
    addEventListener("resize", () => this.#fill());
    this.night.on("change", () => this.#soon());
    this.night.on("event", (message) => this.#event(message));
    this.night.on("fault", (message) => this.#complain([{ key: "serverFault", values: { message } }]));
    this.night.on("definition", () => this.#lay());
    this.night.on("waiting", () => this.#card([this.#t("awaitRun")]));
    const dressed = readBrand().then((brand) => this.#dress(brand));
    await Promise.all([this.night.open(), dressed]);
    this.#tick = setInterval(() => this.#soon(), TICK_MS);
    this.#lay();
  }

  /** @param {Brand} brand */
  async #dress(brand) {
    this.brand = brand;
    await document.fonts.load(`650 24px "${brand.family}"`, "İ1");
  }

  /**
   * The theme that the address names, or else the brand's.
   * @param {string} named
   */
  #themed(named) {
    return new URLSearchParams(this.#search).has("theme") ? named : this.brand.theme;
  }

  /** Draw soon, with whatever else has changed by then. */
  redraw() {
    this.#soon();
  }

  /**
   * How the graphic should be, all of it. Resolves when it is: `skip` has it so at once. A graphic that goes does not
   * change on its way. A new token changes no picture.
   * @param {Show} show
   */
  async show({ parameters, playing, step = 0, skip = false, token }) {
    if (token) this.night.renew(token);
    const moves = playing !== this.#playing;
    this.#playing = playing;
    this.#wanted = { search: searchOf(parameters), step };
    if (skip) this.#hold(true);
    if (moves && !playing && !skip) this.#leave();
    else if (playing || skip || this.#leaving === null) this.#take();
    if (skip) this.#hold(false);
    else if (moves) await transition();
  }

  /**
   * What is wrong with these parameters, in English as graphics tools are answered; null where they can be shown, or
   * where there is no election to ask yet.
   * @param {Readonly<Record<string, string>>} parameters
   */
  faultIn(parameters) {
    const { election } = this.night;
    if (!election) return null;
    const [fault] = this.#first(election, read(searchOf(parameters), this.#about.parameters)).faults;
    return fault ? words("en")(fault.key, fault.values) : null;
  }

  /**
   * The scene at the first step, with the faults of its selection and then of the overlay's own parameters.
   * @param {Election} election
   * @param {ReturnType<typeof read>} address
   */
  #first(election, { values, asked }) {
    const { selection, faults } = select(asked, election);
    const [t, format] = [wordsOf(words(values.lang), election), formats(values.lang, election.timezone)];
    const scene = this.#makeScene({ election, values, t, format, selection });
    return { scene, faults: faults.length ? faults : (this.#template.check?.(scene) ?? []) };
  }

  /** Go, and change then. */
  #leave() {
    this.#draw();
    this.#leaving = setTimeout(() => this.#take(), TRANSITION_MS);
  }

  /** Show what is wanted, where it is not shown already. */
  #take() {
    clearTimeout(this.#leaving ?? undefined);
    this.#leaving = null;
    const { search, step } = this.#wanted;
    const goesOn = step > this.#step;
    const changes = search !== this.#search || (this.#about.walks && step !== this.#step);
    this.#search = search;
    this.#step = step;
    if (changes && this.night.election) this.#lay();
    else if (goesOn && !changes) this.#shown?.overlay.next?.();
    this.#draw();
  }

  /**
   * While `on`, what is shown is there at once: nothing moves on its way, whatever the address says.
   * @param {boolean} on
   */
  #hold(on) {
    if (!on) this.root.getBoundingClientRect(); // it has to be where it belongs before anything may move again
    this.#still = on;
    this.#settle();
  }

  /** End it: no timer and no listener of the template's is left. */
  close() {
    clearInterval(this.#tick);
    clearTimeout(this.#leaving ?? undefined);
    this.#shown?.overlay.close?.();
  }

  get #t() {
    return words(this.#read().values.lang);
  }

  #read() {
    return read(this.#search, this.#about.parameters);
  }

  #lay() {
    const address = this.#read();
    const { values } = address;
    const { election } = this.night;
    if (!election) return;
    document.documentElement.lang = values.lang;
    setAttribute(document.documentElement, "data-theme", this.#themed(values.theme));
    this.#settle();
    this.guide.hidden = !values.safe;
    const { scene: first, faults } = this.#first(election, address);
    const { t, format } = first;
    this.#complain([...address.faults, ...faults]);
    this.#shown?.overlay.close?.();
    this.#shown?.overlay.node.remove();
    this.#shown = null;
    if (faults.length) return; // nothing on air rather than something else's numbers
    const further = this.#step ? this.#template.walk?.(first, this.#step) : null;
    const selection = { ...first.selection, ...further };
    const scene = further ? this.#makeScene({ ...first, values, selection }) : first;
    const curtain = new Curtain({ t, format });
    const overlay = this.#template.create({ t, format, options: values, stage: this });
    this.#shown = { overlay, curtain, scene };
    if (this.#template.curtained ?? true) overlay.node.append(curtain.node);
    setAttribute(overlay.node, "data-overlay", this.name);
    setAttribute(this.root, "data-size", values.size ?? null);
    setAttribute(overlay.node, "data-size", values.size ?? null);
    this.#fill();
    overlay.node.classList.add("overlay");
    if (GROUNDED.includes(values.size ?? "")) overlay.node.prepend(make("div", { class: "ground" }));
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
    const { brand } = this;
    const view = new View({ election, night, words: t, format, href: () => "" });
    view.grounds = groundsNow();
    return {
      election,
      night,
      selection,
      brand,
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
    curtain.draw({ embargoed: night.embargoed, until: night.embargo, now: night.serverTime });
    overlay.draw(this.#template.model(scene), scene);
    // not before the server has said how things are: an embargo must not come a moment after the numbers
    setAttribute(node, "data-shown", this.#playing && night.isKnown ? "" : null);
    setAttribute(this.mark, "data-shown", this.#playing && night.isKnown ? "" : null);
  }

  /** @param {string} text */
  #watermark(text) {
    const opacity = Number(getComputedStyle(this.root).getPropertyValue("--watermark")) || MARK_OPACITY;
    const image = watermarkOf(text, { opacity, height: MARK_HEIGHT });
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
 * The parameters as an address has them; without the token, which is for the connection and changes no picture.
 * @param {Readonly<Record<string, string>>} parameters
 */
function searchOf({ token: _, ...parameters }) {
  return new URLSearchParams(parameters).toString();
}

/** Resolves when a graphic that comes or goes has done so. */
export function transition() {
  return new Promise((resolve) => {
    setTimeout(resolve, TRANSITION_MS);
  });
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
