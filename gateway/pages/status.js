/**
 * What must never be missed: the feed's state, a lost connection, an embargo, and that this is only a test.
 */

import { byId, setAttribute, setText } from "./dom.js";

/** @import { Formats, Playback, ShownFeed, Source, Words } from "./types.d.ts" */

const COLORS = { ink: "#dfe7f0", ground: "#1b222c", wrong: "#ffb454", fresh: "#62b6ff" };

const ROUND = 'stroke-linecap="round" stroke-linejoin="round"';

/**
 * One shape a state, so that the tab tells them apart without colour.
 * @type {Readonly<Record<string, string>>}
 */
const ICONS = {
  live: `<circle cx="16" cy="16" r="11" fill="${COLORS.fresh}"/>`,
  complete: `<path d="m5 17 8 8L27 8" fill="none" stroke="${COLORS.fresh}" stroke-width="5" ${ROUND}/>`,
  quiet: `<circle cx="16" cy="16" r="9.5" fill="none" stroke="${COLORS.ink}" stroke-width="4"/>`,
  stale: `<path d="M16 4 29 27H3Z" fill="none" stroke="${COLORS.wrong}" stroke-width="4" stroke-linejoin="round"/>`,
  down:
    `<rect x="3" y="3" width="26" height="26" rx="3" fill="${COLORS.wrong}"/>` +
    `<path d="m10 10 12 12m0-12L10 22" stroke="${COLORS.ground}" stroke-width="4"/>`,
  lost: `<path d="m6 6 20 20M26 6 6 26" stroke="${COLORS.wrong}" stroke-width="5" stroke-linecap="round"/>`,
  waiting: `<path d="M6 16h.1M16 16h.1M26 16h.1" stroke="${COLORS.ink}" stroke-width="5" stroke-linecap="round"/>`,
};

/**
 * The favicon of a state, as a data URL.
 * @param {string} state
 */
export function iconOf(state) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${ICONS[state] ?? ICONS.waiting}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/**
 * The repeated mark of a test or a replay, as a data URL. Over a picture it must be stronger and closer than on a page.
 * @param {string} text
 * @param {{opacity?: number, height?: number}} [options]
 */
export function watermarkOf(text, { opacity = 0.2, height = 240 } = {}) {
  const middle = height / 2;
  const font = 'text-anchor="middle" font-family="sans-serif" font-weight="700" font-size="22"';
  const words = `<text x="230" y="${middle}" ${font} fill="#8fa3ba" fill-opacity="${opacity}">${text}</text>`;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="460" height="${height}">` +
    `<g transform="rotate(-12 230 ${middle})">${words}</g></svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}

/**
 * @typedef {object} Drawn
 * @property {Source | undefined} source
 * @property {ShownFeed} feed
 * @property {{ status: string, code?: number | null, hadData: boolean, failed: boolean }} connection
 * @property {string | null} currentAt
 * @property {boolean} embargoed
 * @property {string | null} embargo
 * @property {readonly string[]} hold
 * @property {string} fault
 */

/** What the gravest states look like as a favicon. */
const ICON_OF = new Map([
  ["hold", "quiet"],
  ["embargo", "quiet"],
  ["fault", "stale"],
]);

export class Status {
  #icon = "";
  #line;

  /** @param {{words: Words, format: Formats}} options */
  constructor({ words, format }) {
    this.t = words;
    this.format = format;
    this.#line = byId("status");
  }

  /**
   * Say what state the picture is in; the gravest thing wins.
   * @param {Drawn} drawn
   */
  draw({ source, feed, connection, currentAt, embargoed, embargo, hold, fault }) {
    const { t, format } = this;
    const name = source?.name ?? "";
    const isFirst = connection.status === "connecting" && !connection.failed; // figures may come before the stream
    let [state, text] = [/** @type {string} */ (feed.state), t(`${feed.state}Text`, { source: name })];
    if (hold.length) [state, text] = ["hold", t("hold", { what: hold.join(", ") })];
    if (embargoed)
      [state, text] = [
        "embargo",
        embargo ? t("embargo", { time: format.clock(embargo), zone: format.zone() }) : t("embargoStands"),
      ];
    if (fault) [state, text] = ["fault", t("fault", { message: fault })];
    if (connection.status === "refused") [state, text] = ["lost", t("refused", { code: connection.code })];
    else if (connection.status !== "open" && connection.hadData && !isFirst)
      [state, text] = ["lost", t("lost", { time: format.clock(currentAt) })];
    else if (connection.status !== "open")
      [state, text] = connection.failed ? ["lost", t("lostEmpty")] : ["waiting", t("connecting")];
    this.show(state, text);
  }

  /**
   * Show a state and its sentence.
   * @param {string} state
   * @param {string} text
   */
  show(state, text) {
    setAttribute(this.#line, "data-state", state);
    setText(this.#line, text);
    setAttribute(document.documentElement, "data-state", state);
    this.#favicon(state);
  }

  /**
   * Mark a night that is not live, on the page itself.
   * @param {string} mode
   */
  mode(mode) {
    const [badge, mark] = [byId("mode"), byId("watermark")];
    const rehearsal = mode === "test" || mode === "replay";
    badge.hidden = mark.hidden = !rehearsal;
    setAttribute(document.documentElement, "data-mode", mode);
    if (!rehearsal) return;
    setText(badge, this.t(mode));
    setAttribute(badge, "title", this.t(`${mode}Text`));
    mark.style.backgroundImage = watermarkOf(this.t(`${mode}Text`));
  }

  /**
   * Beside the mark of a replay: the night's clock and its speed while it runs, else that it stands or seeks.
   * @param {Playback | null} playback
   */
  replay(playback) {
    if (!playback) return;
    const { t, format } = this;
    const [clock, speed] = [format.clock(playback.clock), t("speed", { n: playback.speed })];
    const how = playback.status === "playing" ? speed : t(`replay_${playback.status}`);
    setText(byId("mode"), `${t("replay")} ${clock} · ${how}`);
  }

  /** @param {string} state */
  #favicon(state) {
    if (state === this.#icon) return;
    this.#icon = state;
    setAttribute(byId("favicon"), "href", iconOf(ICON_OF.get(state) ?? state));
  }
}
