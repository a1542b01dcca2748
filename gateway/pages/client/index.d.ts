/** Follow an election night from a sandik gateway. */

/** What is followed. `units` are unit ids, or a unit id and `/*` for the units directly below it, or `/*:LEVEL`. */
export interface Wanted {
  contest: string;
  source: string;
  units: readonly string[];
  /** Most deltas a second; what changes in between comes together. */
  maxRateHz?: number;
}

/** A subscription that is followed until it is closed. */
export interface Handle {
  readonly id: string;
  close(): void;
}

/** The figures of one unit: absolute, never changed in place. `registered` counts voters of the opened boxes. */
export interface Entry {
  readonly unit: string;
  /** The id of a level: "country", "province" or "district", or one that the definition names. */
  readonly level: string;
  readonly boxes_total: number;
  /** Event time of the newest figures, ISO 8601. */
  readonly as_of: string;
  readonly boxes_opened: number;
  readonly annulled: number;
  /** Null, as every count that may be: the source does not give it. It is unknown, and not 0. */
  readonly registered: number | null;
  readonly cast: number | null;
  readonly valid: number | null;
  readonly invalid: number | null;
  readonly unattributed: number;
  readonly flagged: number;
  /** Null too where the contest does not count blank votes apart. */
  readonly blank?: number | null;
  /** By candidate id. */
  readonly votes: Readonly<Record<string, number>>;
  /** Figures that an operator has set by hand, in the unit or below, such as `votes.imamoglu`. */
  readonly overridden: readonly string[];
  /** Opened boxes beyond those that their district has: they count in no share of boxes. */
  readonly boxes_surplus: number;
  /** Whether every district of the unit has exactly all of its boxes opened. */
  readonly complete: boolean;
  /** What figures of a district contradict, such as `boxes_over_total`. */
  readonly contradictions: readonly string[];
}

export interface Feed {
  /** "unknown" while there is no connection: then nobody knows. */
  readonly state: "live" | "quiet" | "stale" | "down" | "unknown";
  /** Event time, ISO 8601. */
  readonly last_event: string | null;
  /** Seconds since the source's last change came in, as of now. */
  readonly age_s: number | null;
  /** How much the source has said, newer than its figures or against them, that is in quarantine. */
  readonly set_aside: number;
  /** How many newer statements are ignored since the source's revisions began again. */
  readonly restarted: number;
  /** How many statements have an event time well ahead of when they came. */
  readonly ahead: number;
  /** How many boxes in the source's figures have more than a box can have. */
  readonly impossible: number;
}

export interface Call {
  readonly contest: string;
  readonly unit: string;
  readonly candidate: string;
  readonly by: string;
  readonly at: string;
}

/** Where a replay is; `clock` is the virtual time by now. */
export interface Playback {
  readonly clock: string;
  readonly speed: number;
  readonly status: "playing" | "paused" | "seeking" | "ended";
  readonly first: string;
  readonly last: string;
}

export type Mode = "live" | "test" | "replay";
export type Scope = "public" | "control_room" | "operator";
/** "lost" comes back by itself, "refused" does not, "closed" was our wish. */
export type Status = "connecting" | "open" | "lost" | "refused" | "closed";

/** Units of which the figures that are shown have changed. */
export interface Change {
  readonly contest: string;
  readonly source: string;
  readonly units: readonly string[];
}

export interface HelloMessage {
  readonly type: "hello";
  readonly protocol: "sandik.v1";
  readonly run: string;
  readonly mode: Mode;
  readonly epoch: string;
  readonly seq: number;
  readonly heartbeat_s: number;
  readonly scope: Scope;
  readonly definition_version?: number;
}

export interface StateMessage {
  readonly type: "state";
  readonly seq: number;
  readonly at: string;
  readonly feeds: Readonly<
    Record<
      string,
      Omit<Feed, "state" | "set_aside" | "restarted" | "ahead" | "impossible"> & {
        readonly state: Exclude<Feed["state"], "unknown">;
        readonly set_aside?: number;
        readonly restarted?: number;
        readonly ahead?: number;
        readonly impossible?: number;
      }
    >
  >;
  readonly reachable?: boolean;
  readonly embargo?: string | null;
  readonly embargoed?: boolean;
  readonly hold?: readonly string[];
  readonly held_in_part?: readonly string[];
  readonly calls?: readonly Call[];
  readonly replay?: Playback | null;
  readonly graphics?: Readonly<Record<string, Graphic>>;
}

/** What operators have put on air on a channel: an overlay, and what it is told. */
export interface Graphic {
  readonly overlay: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** How often it has gone on, where it goes through units. */
  readonly step: number;
}

/** Where a subscription is in the stream. */
export interface Cursor {
  readonly epoch: string | null;
  readonly seq: number;
}

/** The figures of one unit as a message has them; what it does not name is as it was before. */
export type TotalsEntry = Partial<Entry> & Pick<Entry, "unit">;

/** Everything that a subscription covers: it replaces what was. */
export interface SnapshotMessage {
  readonly type: "snapshot";
  readonly id: string;
  readonly contest: string;
  readonly source: string;
  readonly epoch: string;
  readonly seq: number;
  readonly as_of: string | null;
  readonly totals: readonly TotalsEntry[];
}

/** What has changed since `from`, in absolute values. */
export interface DeltaMessage {
  readonly type: "delta";
  readonly id: string;
  readonly from: number;
  readonly seq: number;
  readonly as_of: string | null;
  readonly totals: readonly TotalsEntry[];
}

/** The server ends the connection, and asks for another after a while. */
export interface GoodbyeMessage {
  readonly type: "goodbye";
  readonly code: number;
  readonly retry_after_s: number;
}

export type ServerMessage =
  | HelloMessage
  | SnapshotMessage
  | DeltaMessage
  | StateMessage
  | EventMessage
  | Fault
  | GoodbyeMessage;

/** What a client says. */
export type ClientMessage =
  | {
      readonly type: "subscribe";
      readonly id: string;
      readonly contest: string;
      readonly source: string;
      readonly units: readonly string[];
      readonly max_rate_hz?: number;
      readonly since?: Cursor;
    }
  | { readonly type: "unsubscribe"; readonly id: string };

/** Something worth a strap; never an editorial call. Not told while this screen is held. */
export interface EventMessage {
  readonly type: "event";
  readonly event: "leader_changed" | "milestone" | "cannot_be_overtaken" | "can_be_overtaken_again";
  readonly contest: string;
  readonly source: string;
  readonly unit: string;
  readonly seq: number;
  readonly as_of: string;
  readonly candidate?: string | null;
  readonly before?: string | null;
  readonly percent?: number | null;
}

/** The server could not act on something; `message` says what to do. */
export interface Fault {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  readonly id?: string | null;
}

export interface Events {
  change: Change;
  /** While this screen is held: how many entries have other figures by now. */
  pending: { readonly pending: number };
  hello: HelloMessage;
  state: StateMessage;
  event: EventMessage;
  connection: { readonly status: Status; readonly code: number | null };
  fault: Fault;
}

/** A clock for tests: milliseconds that never step back, and timers. */
export interface Clock {
  now(): number;
  /** Milliseconds of the time of day, which go on while the machine is asleep; without it `now` is asked. */
  wall?(): number;
  setTimeout(task: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** As much of the browser's WebSocket as is used. */
export interface Socket {
  onopen: ((event: unknown) => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface ConnectOptions {
  /** Any address of the gateway, http(s) or ws(s); in a page its own by default. A token in it is used. */
  url?: string;
  /** The read token, or where to get the one of the moment: asked for at each connection. */
  token?: string | (() => string | undefined);
  subscriptions?: readonly Wanted[];
  /** Pauses before connecting again: at random up to the first, doubled with each failure up to the longest. */
  retry?: { firstMs?: number; longestMs?: number };
  /** How long connecting, and then waiting for hello, may take before another attempt. */
  openingMs?: number;
  helloMs?: number;
  clock?: Clock;
  random?: () => number;
  WebSocket?: new (url: string, protocol: string) => Socket;
}

/** What is known of a night. Last good values stand through lost connections, restarts and new epochs. */
export interface LiveNight {
  readonly status: Status;
  /** Close code of the last connection that ended. */
  readonly code: number | null;
  readonly run: string | null;
  /** Show it wherever it is not "live". */
  readonly mode: Mode | null;
  readonly epoch: string | null;
  /** The version of the definition by which figures are summed up: fetch it anew where it is another one. */
  readonly definitionVersion: number | null;
  readonly scope: Scope | null;
  /** Deltas that began beyond the cursor: faults of the server's, each mended by a fresh snapshot. */
  readonly gaps: number;
  /** By source; empty before the first state. */
  readonly feeds: Readonly<Record<string, Feed>>;
  /** What the gateway's clock says by now (ISO 8601); null before its first state. */
  readonly serverTime: string | null;
  /** By the gateway's clock, when the figures were last known to be current; null before. */
  readonly currentAt: string | null;
  /** Whether the gateway reads its log; while it does not, every feed is down. */
  readonly reachable: boolean;
  readonly embargoed: boolean;
  readonly embargo: string | null;
  /** What operators hold back for everyone: contests, or contest/unit. Not this screen's own hold: see `holding`. */
  readonly held: readonly string[];
  /** The units above those, of which a part is held; named alike. */
  readonly heldInPart: readonly string[];
  readonly calls: readonly Call[];
  readonly replay: Playback | null;
  /** By channel; one that is clear is not there. */
  readonly graphics: Readonly<Record<string, Graphic>>;

  /** The figures that screens see, or undefined where nothing is known. */
  entry(contest: string, source: string, unit: string): Entry | undefined;
  /** The same, also of what this screen holds back. */
  newest(contest: string, source: string, unit: string): Entry | undefined;

  /** Whether this screen is held, by `hold()`. */
  readonly holding: boolean;
  /** Entries that have other figures by now than are shown; 0 unless held. */
  readonly pending: number;
  /** What screens see does not move from now on: figures, calls, events. */
  hold(): void;
  /** Let the newest through in one step, and stay held. */
  take(): void;
  /** Let the newest through and follow again. */
  release(): void;

  subscribe(wanted: Wanted): Handle;
  /** Listen; returns how to stop. */
  on<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): () => void;
  /**
   * Take a new read token, or ask the function that gives them: the connection stays until one with the new token is
   * open, and that goes on from the cursors. Call it before the token expires.
   */
  renew(token?: string | (() => string | undefined)): void;
  /** Connect now where a lost connection is waiting for its time. */
  open(): void;
  /** Take a message that came by another way, such as a snapshot over HTTP. */
  receive(message: ServerMessage): void;
  /** End it; what is shown stands. */
  close(): void;
}

/** Connect to a gateway and stay connected. */
export function connect(options?: ConnectOptions): LiveNight;

export interface Party {
  readonly id: string;
  readonly name: string;
  readonly [field: string]: unknown;
}

/** The election, as /v1/definition has it. */
export interface Definition {
  readonly id: string;
  readonly name: string;
  readonly date: string;
  readonly parties: readonly Party[];
  readonly sources: readonly { readonly id: string; readonly name: string; readonly [field: string]: unknown }[];
  readonly contests: readonly { readonly id: string; readonly name: string; readonly [field: string]: unknown }[];
  readonly units: readonly {
    readonly id: string;
    readonly level: Entry["level"];
    readonly name: string;
    readonly parent?: string | null;
    readonly also_in?: readonly string[];
    readonly [field: string]: unknown;
  }[];
  readonly [field: string]: unknown;
}

export interface Where {
  url?: string;
  token?: string | (() => string | undefined);
  fetch?: typeof globalThis.fetch;
}

/** Ask once for the definition in force, or an earlier `version`; rejects where there is no server, or no such one. */
export function fetchDefinition(where?: Where & { version?: number | null }): Promise<Definition>;

/** The definition where it is another one than before; null where it is the same, or cannot be had now. */
export function newDefinition(where: Where, before: unknown): Promise<Definition | null>;

/** Ask until there is one. */
export function awaitDefinition(
  options?: Where & { onWait?: (error: unknown) => void; signal?: AbortSignal; random?: () => number },
): Promise<Definition>;

/** A route's address beside `url`'s own, with the read token. */
export function routeUrl(route: string, url: string, token?: string): URL;
/** The WebSocket's address. */
export function streamUrl(url: string, token?: string): string;
/** Whether a close code asks for another connection. */
export function mayReconnect(code: number): boolean;
/** Milliseconds before the next attempt: full jitter. */
export function retryDelay(failures: number, random?: () => number, firstMs?: number, longestMs?: number): number;
/** Whether a pattern such as `tr/34/*` covers a unit. */
export function covers(pattern: string, unit: string): boolean;
/** As much of a definition as says what lies in what. */
export interface Tree {
  readonly units: readonly {
    readonly id: string;
    readonly parent?: string | null | undefined;
    readonly also_in?: readonly string[] | undefined;
  }[];
}

/** Whether a unit's public figures are held by operators, wholly or in part: it, one above it, or one below it is. */
export function isHeld(
  night: { readonly held: readonly string[]; readonly heldInPart?: readonly string[] },
  definition: Tree,
  contest: string,
  unit: string,
): boolean;
/** Whether what a name in `held` is of and a unit (null: everywhere) have anything in common. */
export function touches(name: string, definition: Tree, contest: string, unit: string | null): boolean;
/** A subscription's name: the same for whoever asks for the same. */
export function subscriptionId(wanted: Wanted): string;
