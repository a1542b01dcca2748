/**
 * An overlay as a Graphic of EBU OGraf v1: a custom element that a renderer loads, plays, updates and stops.
 *
 * In real time the element frames the overlay's page at the gateway, so that figures come over the stream and the page
 * is the gateway's own version. Otherwise it frames offline.html of this package, which draws any moment of an archived
 * night.
 */

import { MANIFEST } from "../overlays/manifest.js";
import { apply, bad, begin, faultIn, faultInSchedule, ok, shown, statesUntil } from "./actions.js";
import { Frame, overlayAddress } from "./frame.js";

/** @import { Action, ActionAnswer, GraphicAbout } from "../overlays/types.d.ts" */
/** @import { GraphicData, GraphicState, ScheduledAction } from "../overlays/types.d.ts" */

/** How long drawing one moment may take: it may have to be drawn from the first action on. */
const DRAWING_MS = 120_000;
/** How long the package's own page may take to come. */
const LIFE_MS = 20_000;
const WAIT_MS = 20;

const OFFLINE = new URL("./offline.html", import.meta.url).href;

/**
 * The class of one graphic: `stepCount` as in its manifest; `cuts` says that what it shows can be cut short.
 * @param {string} name
 * @param {GraphicAbout} about
 */
export function graphic(name, about) {
  return class extends Graphic {
    constructor() {
      super(name, about);
    }
  };
}

/** @typedef {{ now: number, data: GraphicData, schedule: ScheduledAction[] }} Offline */

class Graphic extends HTMLElement {
  #name;
  #about;
  /** @type {Frame | null} */
  #frame = null;
  #state = begin({});
  /**
   * In non-real-time: the moment that is drawn, the data that it began with, and what happens when.
   * @type {Offline | null}
   */
  #offline = null;

  /**
   * @param {string} name
   * @param {GraphicAbout} about
   */
  constructor(name, about) {
    super();
    this.#name = name;
    this.#about = { ...about, parameters: MANIFEST.overlays.find((one) => one.name === name)?.parameters ?? [] };
  }

  connectedCallback() {
    Object.assign(this.style, {
      position: "absolute",
      left: "0",
      top: "0",
      width: "100%",
      height: "100%",
      overflow: "hidden",
      pointerEvents: "none",
    });
  }

  /**
   * Nothing is seen before it is played. In real time the gateway may come later.
   * @param {{ data?: GraphicData, renderType?: string }} [parameters]
   */
  async load({ data, renderType = "realtime" } = {}) {
    const fault = faultIn(data, this.#about);
    if (fault) return bad(fault);
    this.#frame?.close();
    this.#frame = null;
    this.#state = begin(data ?? {});
    this.#offline = renderType === "non-realtime" ? { now: 0, data: this.#state.parameters, schedule: [] } : null;
    const { timeline } = this.#state.parameters;
    if (!this.#offline && !isUrl(this.#gatewayOf(this.#state)))
      return bad('Say at which gateway: {"gateway": "http://HOST:8765"}.');
    if (this.#offline && !timeline)
      return bad('Say which night: {"timeline": "night.json"}. sandik timeline writes one from an archive.');
    this.#frame = new Frame(this);
    return this.#offline ? this.#draw(this.#offline) : this.#show(this.#frame, ok());
  }

  async dispose() {
    this.#frame?.close();
    this.#frame = null;
    this.#offline = null;
    this.replaceChildren();
    return ok();
  }

  /** @param {Action["params"]} params */
  async playAction(params) {
    return this.#act("playAction", params);
  }

  /** @param {Action["params"]} params */
  async stopAction(params) {
    return this.#act("stopAction", params);
  }

  /** @param {Action["params"]} params */
  async updateAction(params) {
    return this.#act("updateAction", params);
  }

  /** @param {Action["params"]} params */
  async customAction(params) {
    return this.#act("customAction", params);
  }

  /**
   * Draw the picture at this many milliseconds; it is there when the promise resolves.
   * @param {{ timestamp?: number }} [parameters]
   */
  async goToTime({ timestamp } = {}) {
    if (!this.#offline) return bad("Load the graphic as non-realtime to go to a time.");
    if (timestamp === undefined || !Number.isFinite(timestamp) || timestamp < 0)
      return bad("Give a timestamp in milliseconds, 0 or more.");
    this.#offline.now = timestamp;
    return this.#draw(this.#offline);
  }

  /**
   * What is to happen when; it replaces what was given before.
   * @param {{ schedule?: ScheduledAction[] }} [parameters]
   */
  async setActionsSchedule({ schedule } = {}) {
    if (!this.#offline) return bad("Load the graphic as non-realtime to schedule actions.");
    const fault = faultInSchedule(schedule);
    if (fault) return bad(fault);
    this.#offline.schedule = structuredClone(schedule ?? []);
    return ok();
  }

  /**
   * Where the figures come from: what it was told, or else what the package was written with.
   * @param {GraphicState} state
   */
  #gatewayOf({ parameters }) {
    return parameters.gateway ?? this.#about.gateway ?? "";
  }

  /**
   * @param {string} type
   * @param {Action["params"]} [params]
   */
  async #act(type, params = {}) {
    const [frame, offline] = [this.#frame, this.#offline];
    if (!frame) return bad("Load the graphic first.");
    if (offline) return this.#actOffline(offline, { type, params });
    const { state, answer } = apply(this.#state, { type, params }, this.#about);
    if (answer.statusCode !== 200) return answer;
    if (!isUrl(this.#gatewayOf(state)))
      return bad(`${this.#gatewayOf(state)} is no gateway's URL. Give one such as http://HOST:8765.`);
    const { playing, parameters } = shown(state, this.#about);
    const fault = playing || type === "updateAction" ? await frame.faultIn(parameters) : null;
    if (fault) return { statusCode: 404, statusMessage: fault };
    this.#state = state;
    return this.#show(frame, answer);
  }

  /**
   * @param {Frame} frame
   * @param {ActionAnswer} answer
   * @returns {Promise<ActionAnswer>}
   */
  async #show(frame, answer) {
    const { token } = this.#state.parameters;
    const gateway = this.#gatewayOf(this.#state);
    frame.open(overlayAddress(gateway, this.#name, token));
    const there = await frame.show({ ...shown(this.#state, this.#about), token });
    return there
      ? answer
      : { ...answer, statusMessage: `${gateway} does not answer yet. The graphic fills itself when it does.` };
  }

  /**
   * An action outside of the schedule happens at the moment that is drawn, and is remembered with it.
   * @param {Offline} offline
   * @param {Action} action
   */
  async #actOffline(offline, action) {
    const { data, schedule, now } = offline;
    const { answer } = apply(statesUntil(data, schedule, now, this.#about).state, action, this.#about);
    if (answer.statusCode !== 200) return answer;
    schedule.push({ timestamp: now, action: structuredClone(action) });
    const drawn = await this.#draw(offline);
    return drawn.statusCode === 200 ? answer : drawn;
  }

  /**
   * One page draws forwards; to go back, or for another past, it is loaded anew and draws from the beginning.
   * @param {Offline} offline
   */
  async #draw({ data, schedule, now }) {
    const { shows } = statesUntil(data, schedule, now, this.#about);
    const night = {
      timeline: new URL(data.timeline, document.baseURI).href,
      from: data.from ?? "",
      speed: Number(data.speed ?? 1),
    };
    const message = { sandik: "draw", name: this.#name, timestamp: now, shows, night };
    let answer = await this.#ask(message);
    if (answer?.again) {
      this.#frame?.close();
      this.#frame = new Frame(this);
      answer = await this.#ask(message);
    }
    return answer && !answer.fault ? ok() : bad(answer?.fault ?? "The picture was not drawn in time.");
  }

  /**
   * Ask the package's own page, once it has come.
   * @param {Readonly<Record<string, unknown>>} message
   */
  async #ask(message) {
    this.#frame?.open(OFFLINE);
    for (let waited = 0; !this.#frame?.alive && waited < LIFE_MS; waited += WAIT_MS) {
      await new Promise((resolve) => {
        setTimeout(resolve, WAIT_MS);
      });
    }
    return this.#frame?.alive ? this.#frame.ask(message, DRAWING_MS) : { fault: `${OFFLINE} cannot be opened.` };
  }
}

/** @param {string} text */
function isUrl(text) {
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}
