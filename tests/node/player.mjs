/**
 * Plays transcripts through the machine in JavaScript, as tests/client/player.py does through the one in Python.
 * Standard input: [{wanted, places, steps}]. Standard output: for each, what a client could see after each step.
 */

import { readFileSync } from "node:fs";

import { Night } from "../../gateway/pages/client/night.js";
import { subscriptionId } from "../../gateway/pages/client/subscription.js";

/** What a night tells of itself, besides its figures. */
const TOLD = [
  "gaps",
  "status",
  "code",
  "run",
  "mode",
  "epoch",
  "scope",
  "reachable",
  "embargoed",
  "embargo",
  "held",
  "holding",
  "pending",
  "calls",
  "graphics",
  "replay",
  "feeds",
];

class Player {
  constructor({ wanted, places }) {
    this.wanted = wanted.map(({ max_rate_hz: maxRateHz, ...one }) => ({ ...one, maxRateHz }));
    this.places = places;
    this.nowMs = 0;
    this.sent = [];
    this.told = [];
    this.delayMs = null;
    this.handles = new Map();
    const send = (message) => this.sent.push(message);
    const tell = (name, detail) => this.told.push([name, this.#news(name, detail)]);
    this.night = new Night({ send, tell, now: () => this.nowMs, random: () => 0.5 });
  }

  play(step) {
    switch (step.do) {
      case "receive":
        return this.night.receive(this.#named(structuredClone(step.message)));
      case "subscribe":
        return this.handles.set(step.subscription, this.night.subscribe(this.wanted[step.subscription]));
      case "unsubscribe":
        return this.handles.get(step.subscription).close();
      case "lose":
        this.delayMs = this.night.lose(step.code);
        return undefined;
      case "advance":
        this.nowMs += step.seconds * 1_000;
        return undefined;
      default:
        return this.night[step.do]();
    }
  }

  look() {
    const { night } = this;
    const at = (read) => Object.fromEntries(this.places.map((place) => [place, read(...place.split(" ")) ?? null]));
    const seen = {
      ...Object.fromEntries(TOLD.map((name) => [name, night[name]])),
      definition_version: night.definitionVersion,
      patience_s: night.patienceMs === null ? null : night.patienceMs / 1_000,
      delay_s: this.delayMs === null ? null : this.delayMs / 1_000,
      shown: at((contest, source, unit) => known(night.entry(contest, source, unit))),
      newest: at((contest, source, unit) => known(night.newest(contest, source, unit))),
      sent: this.sent.splice(0),
      told: this.told.splice(0),
    };
    return seen;
  }

  #named(message) {
    return typeof message.id === "number" ? { ...message, id: subscriptionId(this.wanted[message.id]) } : message;
  }

  #news(name, detail) {
    if (name === "fault") return detail.message;
    return ["change", "pending", "connection"].includes(name) ? detail : null;
  }
}

/** What is known of a unit: a count that is not is left out, as the machine in Python does. */
function known(entry) {
  return entry && Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null));
}

const transcripts = JSON.parse(readFileSync(0, "utf8"));
const views = transcripts.map((transcript) => {
  const player = new Player(transcript);
  return transcript.steps.map((step) => {
    player.play(step);
    return player.look();
  });
});
process.stdout.write(JSON.stringify(views));
