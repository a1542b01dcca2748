/**
 * The strap: what the stream says has happened (a milestone, another leader) slides in, stays, and slides out.
 * It derives nothing: what the server does not tell it does not show. Straps queue, the newest of a kind and unit wins.
 */

import { make, setAttribute, setStyle, setText } from "../dom.js";
import { affiliation } from "../election.js";
import { called, stateOf } from "./picture.js";
import { subscriptions } from "./stage.js";
import { Called, fit, Name } from "./widgets.js";

/** @import { EventMessage, OverlayTools, Scene } from "./types.d.ts" */

/** Where nothing is shown there is nothing to hide: an embargo leaves the strap's place empty. */
export const curtained = false;

/** Straps that wait: more would be old news by the time they show. */
const QUEUED = 5;
/** As in overlay.css. */
const SLIDE_MS = 400;

/** @type {Readonly<Record<string, readonly string[]>>} */
const KINDS = { leader: ["leader_changed"], milestone: ["milestone"] };

/** @param {Scene} scene */
export const needs = (scene) => subscriptions(scene);

/**
 * Without an event there is nothing to show but the state of things.
 * @param {Scene} scene
 */
export function model(scene) {
  const { night, election, selection, t, format } = scene;
  return { state: stateOf({ night, election, source: election.source(selection.source), selection, t, format }) };
}

/**
 * Whether an event is this overlay's business.
 * @param {EventMessage} event
 * @param {Pick<Scene, "selection" | "options">} options
 */
function concerns(event, { selection, options }) {
  if (event.contest !== selection.contest || event.source !== selection.source) return false;
  if (options.of === "unit" && event.unit !== selection.unit) return false;
  return options.events === "all" || KINDS[options.events].includes(event.event);
}

/**
 * What a strap says about an event. An event of a kind or a unit that is not known here says nothing: null.
 * @param {EventMessage} event
 * @param {Pick<Scene, "election" | "t" | "format" | "view">} options
 */
export function strap(event, { election, t, format, view }) {
  const unit = election.unitById.get(event.unit);
  const source = election.sourceById.get(event.source);
  const ballot = unit ? election.ballot(event.contest, event.unit) : [];
  /** @param {string | null | undefined} id */
  const named = (id) =>
    ballot.find((candidate) => candidate.id === id) ?? (id ? election.stranger(id, event.contest) : null);
  const key = {
    leader_changed: "eventLeader",
    milestone: "eventMilestone",
    cannot_be_overtaken: "eventBeyond",
    can_be_overtaken_again: "eventOpen",
  }[event.event];
  if (!unit || !source || !key || (key === "eventLeader" && !event.candidate)) return null;
  const [candidate, before] = [named(event.candidate), named(event.before)];
  return {
    place: unit.name,
    who:
      candidate && key !== "eventMilestone"
        ? { ...candidate, hue: view.hue(candidate), party: affiliation(candidate, t) }
        : null,
    text: t(key, { share: format.language === "en" ? `${event.percent}%` : `%${event.percent}` }),
    small: key === "eventLeader" && before ? t("eventBefore", { name: before.name }) : "",
    origin: `${source.name} · ${format.clock(event.as_of)} ${format.zone()}`,
  };
}

/** @typedef {ReturnType<typeof model>} Model */

/** @param {OverlayTools} tools */
export function create(tools) {
  return new Strap(tools);
}

class Strap {
  /** @type {{ event: string, unit: string, words: NonNullable<ReturnType<typeof strap>> }[]} */
  #queue = [];
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;
  /**
   * The unit of the strap that is there.
   * @type {string | null}
   */
  #shown = null;
  /** @type {Scene | null} */
  #scene = null;

  /** @param {OverlayTools} overlayTools */
  constructor({ options }) {
    this.options = options;
    this.name = new Name();
    this.called = new Called();
    this.place = make("span", { class: "place fit" });
    this.text = make("span", { class: "text fit" });
    this.small = make("span", { class: "small fit" });
    this.source = make("span", { class: "source" });
    this.badge = make("span", { class: "feed badge" });
    this.panel = make(
      "div",
      { class: "panel strap", role: "status" },
      make("div", { class: "where" }, this.place, this.called.node),
      this.name.node,
      make("span", { class: "news" }, this.text, this.small),
      this.source,
      this.badge,
    );
    this.node = make("section", { class: "strap-overlay" }, this.panel);
  }

  /**
   * @param {Model} model
   * @param {Scene} scene
   */
  draw({ state }, scene) {
    this.#scene = scene;
    this.#call();
    setText(this.badge, state.word);
    setAttribute(this.badge, "data-state", state.state);
  }

  /**
   * @param {EventMessage} message
   * @param {Scene} scene
   */
  event(message, scene) {
    this.#scene = scene;
    if (!concerns(message, scene)) return;
    const words = strap(message, scene);
    if (!words) return;
    this.#queue = this.#queue.filter((one) => one.event !== message.event || one.unit !== message.unit);
    this.#queue.push({ event: message.event, unit: message.unit, words });
    if (this.#queue.length > QUEUED) this.#queue.shift();
    if (this.#timer === null) this.#show();
  }

  /** Whoever operates it may cut a strap short. */
  next() {
    if (this.#timer !== null) this.#leave();
  }

  close() {
    clearTimeout(this.#timer ?? undefined);
  }

  #show() {
    const one = this.#queue.shift();
    if (!one) {
      this.#timer = null;
      return;
    }
    const { place, who, text, small, origin } = one.words;
    setAttribute(this.panel, "data-on", "");
    fit(this.place, place);
    setAttribute(this.name.node, "hidden", who ? null : "");
    this.name.draw(who);
    fit(this.text, text);
    fit(this.small, small);
    setText(this.source, origin);
    setStyle(this.panel, "--hue", who?.hue ?? "var(--fresh)");
    this.#shown = one.unit;
    this.#call();
    this.#timer = setTimeout(() => this.#leave(), this.options.seconds * 1_000);
  }

  /** The call in the strap's unit: one may be made, and withdrawn, while the strap is there. */
  #call() {
    const scene = this.#scene;
    if (this.#shown && scene) this.called.draw(called(scene, scene.unit(this.#shown)));
  }

  #leave() {
    clearTimeout(this.#timer ?? undefined);
    setAttribute(this.panel, "data-on", null);
    this.#timer = setTimeout(() => this.#show(), SLIDE_MS);
  }
}
