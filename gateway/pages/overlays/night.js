/**
 * The night as overlays follow it: the client library, the election as it stands, and what only a screen remembers.
 */

import { Asked } from "../asked.js";
import { awaitDefinition, connect, newDefinition, routeUrl } from "../client/index.js";
import { Listeners } from "../client/listeners.js";
import { Election } from "../election.js";

/** @import { Definition, ElectionDefinition, Handle, NightClient } from "./types.d.ts" */
/** @import { LastTime, LeadCourse, SeatsEntry, ShownFeed, Wanted } from "./types.d.ts" */

/** As often as a viewer can take in a new number; what lies between is conflated by the server. */
const MAX_RATE_HZ = 2;
/** Boundaries are a few MiB at most: more than this is a stuck connection. */
const BOUNDARIES_TIMEOUT_MS = 20_000;
/** Answers are worked out in milliseconds: who waits longer asks again. */
const ANSWER_TIMEOUT_MS = 5_000;
/** A course has a point a minute, and what is newest is followed anyway. */
const COURSE_AGAIN_MS = 15_000;
/** @type {ShownFeed} */
const UNHEARD = { state: "waiting", last_event: null, age_s: null };
/** The status "204 No Content": the gateway was given no boundaries. */
const NONE = 204;

/** @typedef {"change" | "event" | "fault" | "definition" | "waiting"} NewsType */

export class FollowedNight {
  #client;
  #listeners = new Listeners();
  /** @type {Handle[]} */
  #handles = [];
  /** @type {Definition | ElectionDefinition | null} */
  #definition = null;
  /** @type {string | null} */
  #epoch = null;
  #hadData = false;
  /** @type {string | undefined} */
  #token;
  /** @type {Asked<SeatsEntry>} */
  #seats = new Asked(
    async (where) => (await this.#ask("/v1/seats", where)).seats[0],
    () => this.#listeners.tell("change"),
  );
  /** @type {Asked<LastTime[]>} */
  #lastTime = new Asked(
    async (where) => (await this.#ask("/v1/facts", where)).facts[0]?.previous,
    () => this.#listeners.tell("change"),
  );

  /** @type {Asked<LeadCourse[]>} */
  #leadOverTime = new Asked(
    async ({ contest, unit }, before) =>
      continued(before, (await this.#ask("/v1/lead-over-time", { contest, unit })).courses),
    () => this.#listeners.tell("change"),
    Date.now,
    COURSE_AGAIN_MS,
  );

  /**
   * `page` is an address of the gateway's, with the read token where there is one.
   * @param {string} page
   * @param {NightClient} [client]
   */
  constructor(page, client = connect({ url: page })) {
    this.page = page;
    /** @type {Election | null} */
    this.election = null;
    this.#client = client;
    client.on("change", () => {
      this.#hadData = true;
      this.#listeners.tell("change");
    });
    for (const type of ["state", "connection"]) client.on(type, () => this.#listeners.tell("change"));
    client.on("event", (message) => this.#listeners.tell("event", message));
    client.on("fault", ({ message }) => this.#listeners.tell("fault", message));
    client.on("hello", ({ epoch }) => this.#greeted(epoch));
  }

  /**
   * Call `listener` on "change", "event", "fault", "definition" (another election) or "waiting" (there is none yet).
   * @param {NewsType} type
   * @param {(news: any) => void} listener
   */
  on(type, listener) {
    this.#listeners.on(type, listener);
  }

  /**
   * Take a new read token, in place of the one in the page's address: what is shown stays.
   * @param {string} token
   */
  renew(token) {
    this.#token = token;
    this.#client.renew?.(token); // an archive's night asks for none
  }

  /** The election, asked for until there is one. */
  async open() {
    const definition =
      this.#client.definition ??
      (await awaitDefinition({
        url: this.page,
        token: () => this.#token,
        onWait: () => this.#listeners.tell("waiting"),
      }));
    this.#definition = definition;
    this.election = new Election(definition);
    return this.election;
  }

  /**
   * Follow exactly these: {contest, source, units}.
   * @param {readonly Wanted[]} subscriptions
   */
  follow(subscriptions) {
    const before = this.#handles;
    this.#handles = subscriptions.map((one) => this.#client.subscribe({ ...one, maxRateHz: MAX_RATE_HZ }));
    for (const handle of before) handle.close();
  }

  /**
   * The figures of one unit, or undefined: nobody sees any during an embargo, whatever the token allows.
   * @param {string} contest
   * @param {string} source
   * @param {string} unit
   */
  entry(contest, source, unit) {
    return this.embargoed ? undefined : this.#client.entry(contest, source, unit);
  }

  /**
   * The seats of a unit as the gateway last told them, or undefined: an archive's night has no gateway to ask.
   * @param {{ contest: string, source: string, unit: string }} where
   */
  seats(where) {
    return this.embargoed || this.#client.definition ? undefined : this.#seats.of(where);
  }

  /**
   * What has changed in a unit since earlier contests, as the gateway last told it; the same holds for an archive.
   * @param {{ contest: string, source: string, unit: string }} where
   */
  lastTime(where) {
    return this.embargoed || this.#client.definition ? undefined : this.#lastTime.of(where);
  }

  /**
   * How a unit stood in the course of the night, by each source, as the gateway last told it; the same holds for an
   * archive.
   * @param {{ contest: string, source: string, unit: string }} where
   */
  leadOverTime(where) {
    return this.embargoed || this.#client.definition ? undefined : this.#leadOverTime.of(where);
  }

  /**
   * @param {string} path
   * @param {Readonly<Record<string, string>>} where
   */
  async #ask(path, where) {
    const route = routeUrl(path, this.page, this.#token);
    for (const [name, value] of Object.entries(where)) route.searchParams.set(name, value);
    const response = await fetch(route, { cache: "no-cache", signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`No answer of ${path} (${response.status}).`);
    return response.json();
  }

  /**
   * A source's {state, last_event, age_s}.
   * @param {string} source
   */
  feed(source) {
    return this.#client.feeds[source] ?? UNHEARD;
  }

  /** Whether the server has said how things are; before that there may be an embargo. */
  get isKnown() {
    return Object.keys(this.#client.feeds).length > 0;
  }

  /** {status, code, hadData, currentAt}. */
  get connection() {
    return {
      status: this.#client.status,
      code: this.#client.code,
      hadData: this.#hadData,
      currentAt: this.#client.currentAt,
    };
  }

  /** What the gateway's clock says by now; null before it has said. */
  get serverTime() {
    return this.#client.serverTime;
  }

  /** Whether the gateway reads its log; while it does not, no source's silence says anything. */
  get reachable() {
    return this.#client.reachable;
  }

  get mode() {
    return this.#client.mode ?? "live";
  }

  get embargoed() {
    return this.#client.embargoed;
  }

  get embargo() {
    return this.#client.embargo;
  }

  get held() {
    return this.#client.held;
  }

  get heldInPart() {
    return this.#client.heldInPart;
  }

  /** Who has won, in an editor's word; that too is nobody's during an embargo. */
  get calls() {
    return this.embargoed ? [] : this.#client.calls;
  }

  get replay() {
    return this.#client.replay;
  }

  /** The user's own boundaries (GeoJSON), or null where the gateway was given none. */
  async boundaries() {
    if (this.#client.boundaries) return this.#client.boundaries(); // of an archive's night, not of a gateway
    const response = await fetch(routeUrl("/v1/boundaries", this.page, this.#token), {
      signal: AbortSignal.timeout(BOUNDARIES_TIMEOUT_MS),
    });
    return response.ok && response.status !== NONE ? response.json() : null;
  }

  /** @param {string} epoch */
  #greeted(epoch) {
    if (this.#epoch !== null && this.#epoch !== epoch && this.#definition) this.#renew();
    this.#epoch = epoch;
  }

  /** Another epoch may be another election: then everything is laid out anew, otherwise what is shown stays. */
  async #renew() {
    const after = await newDefinition({ url: this.page, token: () => this.#token }, this.#definition);
    if (!after) return;
    this.#definition = after;
    this.election = new Election(after);
    this.#listeners.tell("definition");
  }
}

/**
 * The courses that a gateway tells, with what was told before they begin: one that has been restarted knows nothing of
 * the time before for some seconds.
 * @param {readonly LeadCourse[] | undefined} before
 * @param {readonly LeadCourse[]} told
 * @returns {LeadCourse[]}
 */
export function continued(before = [], told) {
  const sources = new Set([...told, ...before].map(({ source }) => source));
  return [...sources].map((source) => {
    const points = told.find((one) => one.source === source)?.points ?? [];
    const began = points.length ? Date.parse(points[0].as_of) : Infinity;
    const earlier = before.find((one) => one.source === source)?.points ?? [];
    return { source, points: [...earlier.filter(({ as_of: at }) => Date.parse(at) < began), ...points] };
  });
}
