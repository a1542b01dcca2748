/**
 * Draws an overlay at any moment of an archived night, for the Graphic that frames this page: forwards only, since to
 * go back the page is loaded anew. The same timeline, actions and timestamp come to the same picture.
 */

import { VirtualClock } from "./virtual.js";

/** @import { Show } from "../overlays/types.d.ts" */

/** Figures are taken this often: no picture is further behind the night. */
const FIGURES_MS = 100;

/**
 * What a Graphic asks for; see graphic.js.
 * @typedef {object} DrawRequest
 * @property {string} name
 * @property {{ timeline: string, from: string, speed: number }} night
 * @property {number} timestamp
 * @property {(Show & { at: number })[]} shows
 */

const clock = new VirtualClock();
let beginning = 0;
let speed = 1;
/** @param {number} now */
const moment = (now) => beginning + now * speed;
clock.install(globalThis, moment);

/** @type {{ stage: import("../overlays/stage.js").Stage, done: string[], about: string } | null} */
let drawn = null;

/** @param {Pick<DrawRequest, "name" | "night">} request */
async function begin({ name, night }) {
  const [{ TimelineNight }, { open }, { byId }] = await Promise.all([
    import("./timeline.js"),
    import("../overlays/open.js"),
    import("../dom.js"),
  ]);
  const response = await fetch(night.timeline);
  if (!response.ok) throw new Error(`${night.timeline} is not there (${response.status}).`);
  const timeline = await response.json();
  speed = night.speed;
  beginning = night.from ? Date.parse(night.from) : timeline.first;
  if (!(speed > 0)) throw new Error("speed must be a number above 0.");
  if (Number.isNaN(beginning))
    throw new Error(`${night.from} is no moment. Give one with its zone, such as 2024-03-31T21:00:00+03:00.`);
  const client = new TimelineNight(timeline, () => moment(clock.now));
  client.until(moment(0), { news: false });
  const stage = await open({ name, search: "play=0", page: location.href, root: byId("stage"), client });
  if (!stage) throw new Error(`There is no overlay ${name}.`);
  setInterval(() => client.until(moment(clock.now)), FIGURES_MS);
  return { stage, done: [], about: JSON.stringify([name, night]) };
}

/** @param {DrawRequest} drawRequest */
async function draw({ timestamp, shows, ...asked }) {
  drawn ??= await begin(asked);
  const wanted = shows.map((one) => JSON.stringify(one));
  const goesOn = drawn.done.every((one, index) => one === wanted[index]);
  const later = shows.slice(drawn.done.length);
  if (
    !goesOn ||
    timestamp < clock.now ||
    later.some(({ at }) => at < clock.now) ||
    drawn.about !== JSON.stringify([asked.name, asked.night])
  ) {
    return { again: true };
  }
  for (const { at, ...show } of later) {
    await clock.advance(at);
    drawn.stage.show(show); // it takes virtual time, so it is not waited for
    await clock.settle();
  }
  drawn.done = wanted;
  await clock.advance(timestamp);
  await Promise.all([...document.images].map((one) => one.decode().catch(() => {}))); // one that is broken stays away
  await clock.painted();
  return {};
}

addEventListener("message", async ({ source, data }) => {
  if (source !== parent || data?.sandik !== "draw") return;
  const answer = await draw(data).catch((error) => ({ fault: error.message }));
  parent.postMessage({ sandik: "done", id: data.id, ...answer }, "*");
});
parent.postMessage({ sandik: "ready" }, "*");
