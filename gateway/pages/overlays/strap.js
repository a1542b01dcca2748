/**
 * The strap: what the stream says has happened (a milestone, another leader) slides in, stays, and slides out.
 * It derives nothing: what the server does not tell it does not show. Straps queue, the newest of a kind and unit wins.
 */

import { make, paint, put, say } from "../dom.js";
import { Called, fit, Name } from "./furniture.js";
import { choice, whole } from "./parameters.js";
import { called, stateOf } from "./picture.js";
import { subscriptions } from "./stage.js";

/** Where nothing is shown there is nothing to hide: an embargo leaves the strap's place empty. */
export const curtained = false;

export const title = "Milestone and leader strap";
export const parameters = {
  seconds: whole(3, 60, 8),
  events: choice("all", "leader", "milestone"),
  of: choice("unit", "all"),
};

/** Straps that wait: more would be old news by the time they show. */
const QUEUED = 5;
/** As in overlay.css. */
const SLIDE_MS = 400;

const KINDS = { leader: ["leader_changed"], milestone: ["milestone"] };

export const needs = (scene) => subscriptions(scene);

/** Without an event there is nothing to show but the state of things. */
export function model(scene) {
  const { night, election, selection, t, format } = scene;
  return {
    state: stateOf({ night, election, source: election.sourceById.get(selection.source), selection, t, format }),
  };
}

/** Whether an event is this overlay's business. */
export function concerns(event, { selection, options }) {
  if (event.contest !== selection.contest || event.source !== selection.source) return false;
  if (options.of === "unit" && event.unit !== selection.unit) return false;
  return options.events === "all" || KINDS[options.events].includes(event.event);
}

/** What a strap says about an event. An event of a kind or a unit that is not known here says nothing: null. */
export function strap(event, { election, t, format, view }) {
  const unit = election.unitById.get(event.unit);
  const source = election.sourceById.get(event.source);
  const ballot = unit ? election.ballot(event.contest, event.unit) : [];
  const named = (id) =>
    ballot.find((candidate) => candidate.id === id) ?? (id ? election.stranger({ id, name: id }) : null);
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
        ? {
            ...candidate,
            hue: view.hue(candidate),
            party: candidate.partyName || (candidate.independent ? t("independent") : ""),
          }
        : null,
    text: t(key, { share: format.language === "en" ? `${event.percent}%` : `%${event.percent}` }),
    small: key === "eventLeader" && before ? t("eventBefore", { name: before.name }) : "",
    origin: `${source.name} · ${format.clock(event.as_of)} ${format.zone()}`,
  };
}

export function create(tools) {
  return new Strap(tools);
}

class Strap {
  #queue = [];
  #timer = null;
  #shown = null;
  #scene = null;

  constructor({ options }) {
    this.options = options;
    this.name = new Name();
    this.called = new Called();
    const part = (name) => {
      this[name] = make("span", { class: name });
      return this[name];
    };
    this.node = make(
      "section",
      { class: "strap-overlay" },
      make(
        "div",
        { class: "panel strap", role: "status" },
        make("div", { class: "where" }, part("place"), this.called.node),
        this.name.node,
        make("span", { class: "news" }, part("text"), part("small")),
        part("source"),
        part("badge"),
      ),
    );
    for (const node of [this.place, this.text, this.small]) node.classList.add("fit");
    this.panel = this.node.firstChild;
  }

  draw({ state }, scene) {
    this.#scene = scene;
    this.#call();
    say(this.badge, state.word);
    put(this.badge, "class", "feed badge");
    put(this.badge, "data-state", state.state);
  }

  event(message, scene) {
    this.#scene = scene;
    if (!concerns(message, scene)) return;
    const said = strap(message, scene);
    if (!said) return;
    this.#queue = this.#queue.filter((one) => one.event !== message.event || one.unit !== message.unit);
    this.#queue.push({ event: message.event, unit: message.unit, said });
    if (this.#queue.length > QUEUED) this.#queue.shift();
    if (this.#timer === null) this.#show();
  }

  /** Whoever operates it may cut a strap short. */
  next() {
    if (this.#timer !== null) this.#leave();
  }

  close() {
    clearTimeout(this.#timer);
  }

  #show() {
    const one = this.#queue.shift();
    if (!one) {
      this.#timer = null;
      return;
    }
    const { place, who, text, small, origin } = one.said;
    put(this.panel, "data-on", "");
    fit(this.place, place);
    put(this.name.node, "hidden", who ? null : "");
    this.name.draw(who);
    fit(this.text, text);
    fit(this.small, small);
    say(this.source, origin);
    paint(this.panel, "--hue", who?.hue ?? "var(--fresh)");
    this.#shown = one.unit;
    this.#call();
    this.#timer = setTimeout(() => this.#leave(), this.options.seconds * 1_000);
  }

  /** The call in the strap's unit: one may be made, and withdrawn, while the strap is there. */
  #call() {
    if (this.#shown) this.called.draw(called(this.#scene, this.#scene.unit(this.#shown)));
  }

  #leave() {
    clearTimeout(this.#timer);
    put(this.panel, "data-on", null);
    this.#timer = setTimeout(() => this.#show(), SLIDE_MS);
  }
}
