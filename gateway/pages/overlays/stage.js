/**
 * The stage: what every overlay shares. It reads the address, follows the night, and drives one template through
 * load, play, update, stop and next; whoever puts a playout system's interface around it needs no more than those.
 *
 * A template is a module with `parameters` (what it understands beside the shared ones), `needs(scene)` (its
 * subscriptions), `model(scene)` (pure: a plain object), and `create(tools)`, which gives `{node, draw(model, scene)}`.
 * Where it has them: `check(scene)` (faults in its own parameters), `next(scene)` (the parameters of the next step), and of
 * what it created `event(message, scene)`, `next()` and `close()`.
 */

import { make, put, say } from "../dom.js";
import { formats } from "../format.js";
import { watermarkOf } from "../status.js";
import { words } from "../strings.js";
import { View } from "../view.js";
import { Curtain } from "./furniture.js";
import { read, select } from "./parameters.js";

export const WIDTH = 1920;
export const HEIGHT = 1080;

/** Ages are told by the second. */
const TICK_MS = 1_000;
/** How long a graphic takes to come or to go; the same as in overlay.css. */
const TRANSITION_MS = 400;
/** Over a picture the mark has to be stronger than on the board's own ground. */
const MARK_OPACITY = 0.42;
/** The mark comes again so soon that the lowest strip carries one. */
const MARK_HEIGHT = 118;

export class Stage {
  #template = null;
  #instance = null;
  #scene = null;
  #frame = 0;
  #tick = null;
  #playing = false;
  #still = false;
  #search;

  /** `template` as above, `night` a FollowedNight, `search` the address's parameters, `root` the element to fill. */
  constructor({ name, template, night, search, root }) {
    Object.assign(this, { name, night, root });
    this.#template = template;
    this.#search = new URLSearchParams(search).toString(); // as update() writes it, who lays nothing out for what is so already
    this.cards = make("div", { class: "cards" });
    this.mark = make("div", { class: "watermark", "aria-hidden": "true", hidden: true });
    this.guide = make("div", { class: "guide", "aria-hidden": "true", hidden: true }, make("i"), make("i"));
    root.append(this.mark, this.guide, this.cards);
  }

  /** Everything on screen comes from this: the selection, the options, the night. Null before there is an election. */
  get scene() {
    return this.#scene;
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
    this.night.on("change", () => this.#schedule());
    this.night.on("event", (message) => this.#event(message));
    this.night.on("fault", (message) => this.#complain([{ key: "serverFault", values: { message } }]));
    this.night.on("definition", () => this.#lay());
    this.night.on("waiting", () => this.#card([this.#t("awaitRun")]));
    if (values.play) this.#playing = true;
    await Promise.all([this.night.open(), document.fonts.load("650 24px Inter", "İ1")]);
    this.#tick = setInterval(() => this.#schedule(), TICK_MS);
    this.#lay();
  }

  /** Draw soon, with whatever else has changed by then. */
  redraw() {
    this.#schedule();
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

  /** While `on`, what is shown is there at once: nothing moves on its way, whatever the address says. */
  still(on) {
    if (!on) this.root.getBoundingClientRect(); // it has to be where it belongs before anything may move again
    this.#still = on;
    this.#settle();
  }

  /** Change parameters while on air: an object of names and values, as in the address. A new token changes no picture. */
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
    if (!this.#scene) return;
    const changes = this.#template.next?.(this.#scene);
    if (changes) this.update(changes);
    else this.#instance.next?.();
  }

  /** End it: no timer and no listener of the template's is left. */
  close() {
    clearInterval(this.#tick);
    this.#instance?.close?.();
  }

  get #t() {
    return words(this.#read().values.lang);
  }

  #read() {
    return read(this.#search, this.#template.parameters);
  }

  #lay() {
    const { values, asked, faults } = this.#read();
    const { election } = this.night;
    document.documentElement.lang = values.lang;
    put(document.documentElement, "data-theme", values.theme);
    this.#settle();
    this.guide.hidden = !values.safe;
    const found = select(asked, election);
    const [t, format] = [words(values.lang), formats(values.lang, election.timezone)];
    const scene = this.#makeScene({ election, values, t, format, selection: found.selection });
    const own = found.faults.length ? [] : (this.#template.check?.(scene) ?? []);
    this.#complain([...faults, ...found.faults, ...own]);
    this.#instance?.close?.();
    this.#instance?.node.remove();
    this.#instance = this.#scene = null;
    if (found.faults.length || own.length) return; // nothing on air rather than something else's numbers
    this.#scene = scene;
    const curtain = new Curtain({ t, format });
    this.#instance = this.#template.create({ t, format, options: values, stage: this });
    this.#instance.curtain = curtain;
    if (this.#template.curtained ?? true) this.#instance.node.append(curtain.node);
    put(this.#instance.node, "data-overlay", this.name);
    this.#instance.node.classList.add("overlay");
    this.root.prepend(this.#instance.node);
    this.night.follow(this.#template.needs(scene));
    this.#draw();
  }

  #settle() {
    put(document.documentElement, "data-motion", this.#read().values.motion && !this.#still ? null : "none");
  }

  #makeScene({ election, values, t, format, selection }) {
    const { night } = this;
    const view = new View({ election, night, words: t, format, href: () => null });
    const style = getComputedStyle(document.documentElement);
    for (const name of ["panel", "track"]) view.grounds[name] = style.getPropertyValue(`--${name}`).trim();
    return {
      election,
      night,
      selection,
      options: values,
      t,
      format,
      view,
      entry: (...cell) => night.entry(...cell),
      unit: (unit = selection.unit, source = selection.source) => view.unit(selection, unit, source),
    };
  }

  /** Several messages in one frame are one drawing; a page that is not shown has no frames, so it uses a timer. */
  #schedule() {
    if (this.#frame || !this.#instance) return;
    const draw = () => {
      this.#frame = 0;
      this.#draw();
    };
    this.#frame = document.hidden ? setTimeout(draw, 250) : requestAnimationFrame(draw);
  }

  #draw() {
    if (!this.#instance) return;
    const { node, curtain } = this.#instance;
    const { night } = this;
    const { t } = this.#scene;
    const rehearsal = night.mode !== "live";
    this.mark.hidden = !rehearsal;
    put(this.root, "data-mode", night.mode);
    if (rehearsal) this.#watermark(t(`${night.mode}Text`));
    put(node, "data-embargo", night.embargoed ? "" : null);
    curtain.draw({ embargoed: night.embargoed, until: night.embargo, now: new Date() });
    this.#instance.draw(this.#template.model(this.#scene), this.#scene);
    // not before the server has said how things are: an embargo must not come a moment after the numbers
    put(node, "data-shown", this.#playing && night.told ? "" : null);
    put(this.mark, "data-shown", this.#playing && night.told ? "" : null);
  }

  #watermark(text) {
    const image = watermarkOf(text, { opacity: MARK_OPACITY, height: MARK_HEIGHT });
    if (this.mark.style.backgroundImage !== image) this.mark.style.backgroundImage = image;
  }

  #event(message) {
    if (this.#instance?.event && !this.night.embargoed) this.#instance.event(message, this.#scene);
  }

  /** Faults are for who sets the overlay up: always in the console, on screen only where that was asked for. */
  #complain(faults) {
    const t = this.#t;
    const texts = faults.map(({ key, values }) => t(key, values));
    for (const text of texts) console.warn(`sandik ${this.name}: ${text}`);
    this.#card(texts);
  }

  #card(texts) {
    this.cards.replaceChildren();
    if (!texts.length || !this.#read().values.debug) return;
    const card = make("div", { class: "card" }, make("b", { text: `sandık · ${this.name}` }));
    for (const text of texts) {
      const line = make("p");
      say(line, text);
      card.append(line);
    }
    this.cards.append(card);
  }
}

/** The subscriptions of one contest: a scope and its parts, from some sources. */
export function subscriptions({ election, selection }, sources = [selection.source]) {
  const scope = election.scopeOf(selection.unit).id;
  return sources.map((source) => ({ contest: selection.contest, source, units: election.patterns(scope) }));
}
