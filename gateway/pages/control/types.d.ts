/** /v1/control, as far as the room reads it, and what its panels are given. For `tsc` alone: no page loads this. */

import type { Call, Feed, Mode, Scope } from "../client/index.js";
import type { Election, Formats, Words } from "../types.d.ts";
import type { Room } from "./room.js";

export type * from "../types.d.ts";
export type { Ordering, OrderingOptions } from "./ordering.js";
export type { Room } from "./room.js";
export type { HoldAction } from "./words.js";

/** Something that an operator should look at. */
export interface Alarm {
  readonly number: number;
  readonly kind: string;
  readonly source: string;
  readonly contest: string;
  readonly unit: string;
  readonly figure: string;
  readonly before: number;
  readonly after: number;
  readonly at: string;
  readonly as_of: string;
  readonly box: number;
  readonly revision: number;
  readonly stands: number;
}

/** An order in the audit, and whether it counts. */
export interface AuditedOrder {
  readonly offset: number;
  readonly type: string | null;
  readonly id?: string;
  readonly source?: string;
  readonly figures?: Readonly<Record<string, number>>;
  readonly instead_of?: Readonly<Record<string, number>> | null;
  readonly until?: string | null;
  readonly contest?: string;
  readonly unit?: string | null;
  readonly district?: string | null;
  readonly candidate?: string;
  readonly position?: string;
  readonly channel?: string;
  readonly overlay?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly at: string;
  readonly by?: string;
  readonly reason?: string;
  readonly key: string | null;
  readonly counts: boolean;
  readonly kept: boolean;
  readonly refusal: string | null;
}

/** Figures set by hand. */
export interface StandingOverride {
  readonly contest: string;
  readonly source: string;
  readonly district: string;
  readonly override: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly instead_of?: Readonly<Record<string, number>> | null;
  readonly source_now?: Readonly<Record<string, number>> | null;
}

/** A record that waits in quarantine. */
export interface QuarantinedRecord {
  readonly position: string;
  readonly reason: string;
  readonly detail: string;
  readonly releasable: boolean;
  readonly verdict: string | null;
  readonly refusal: string | null;
  readonly contest: string | null;
  readonly source: string | null;
  readonly statement: {
    readonly district: string;
    readonly box?: number | null;
    readonly revision?: number | null;
    readonly at?: string | null;
    readonly figures?: {
      readonly boxes_opened: number;
      readonly valid: number;
      readonly votes: Readonly<Record<string, number>>;
    } | null;
  } | null;
  /** The record's own text, cut short. */
  readonly said: string;
}

/** What waits in quarantine for one reason, by one source, about one unit; "" where that cannot be read. */
export interface QuarantineGroup {
  readonly reason: string;
  readonly source: string;
  readonly unit: string;
  readonly count: number;
  readonly releasable: number;
}

/** An answer of /v1/quarantine. */
export interface QuarantinePage {
  readonly total: number;
  readonly offset: number;
  readonly records: readonly QuarantinedRecord[];
  /** Those of all that match, and those of them that can be let out. */
  readonly positions: readonly string[];
  readonly releasable: readonly string[];
}

/** Somebody who looks at the room, by the name that they gave. */
export interface Present {
  readonly subject: string;
  readonly name: string;
  readonly scope: Scope;
}

/** A code with its parameters, and the same as an English sentence. */
export interface Reason {
  readonly code: string;
  readonly sentence: string;
  readonly values: Readonly<Record<string, number | string>>;
}

/** An answer of /v1/control. */
export interface RoomState {
  readonly run: string;
  readonly mode: Mode;
  readonly epoch: string;
  readonly seq: number;
  readonly at: string;
  readonly scope: Scope;
  readonly subject: string | null;
  readonly here: readonly Present[];
  readonly signed_only: boolean;
  /** The fingerprints of the keys whose orders count. */
  readonly trusted: readonly string[];
  readonly unready: readonly string[];
  readonly unready_because: readonly Reason[];
  readonly embargoed: boolean;
  readonly embargo: string | null;
  /** By name of what is held: how many changes wait behind it. */
  readonly hold: Readonly<Record<string, number>>;
  readonly overrides: readonly StandingOverride[];
  readonly calls: readonly Call[];
  readonly feeds: Readonly<Record<string, Feed>>;
  readonly alarms: readonly Alarm[];
  readonly quarantine: {
    readonly waiting: number;
    /** Another number where a record, or what is known of one, has changed. */
    readonly changes: number;
    readonly groups: readonly QuarantineGroup[];
    readonly newest: readonly QuarantinedRecord[];
    readonly uncounted: readonly QuarantinedRecord[];
  };
  readonly rundown: RundownState;
  readonly audit: readonly AuditedOrder[];
}

/** A graphic without its step, as it is listed. */
export interface ListedGraphic {
  readonly overlay: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A graphic of the rundown. */
export interface RundownItem extends ListedGraphic {
  readonly item: string;
  readonly place: number;
}

/** A graphic on air: what was taken, of which item, by whom and when. */
export interface ShownGraphic extends ListedGraphic {
  readonly step: number;
  readonly item: string | null;
  readonly by: string;
  readonly at: string;
}

/** The graphics of the night: what is listed, and by channel what is next and what is on air. */
export interface RundownState {
  readonly items: readonly RundownItem[];
  readonly cued: Readonly<Record<string, string>>;
  readonly on_air: Readonly<Record<string, ShownGraphic>>;
}

/** What a panel is built with. */
export interface PanelTools {
  root: HTMLElement;
  room: Room;
  words: Words;
  format: Formats;
  election: Election;
}

export interface Panel {
  draw(state: RoomState): void;
}

/** An order without its envelope. */
export type OrderFields = Readonly<Record<string, unknown>> & { readonly type: string };

/** A figure before and after an order; of a source's own in a unit, where the order is about more than one. */
export interface FigureChange {
  readonly figure: string;
  readonly before: number | null;
  readonly after: number | null;
  readonly source?: string;
  readonly unit?: string;
}

/** How a race stands by one source where a call is made. */
export interface Standing {
  readonly source: string;
  readonly boxes_opened: number;
  readonly boxes_total: number;
  readonly leader: string;
  readonly leader_votes: number;
  readonly candidate_votes: number;
  readonly beyond: string | null;
}

/** What the gateway says of an order before it is given, or why it was not taken. */
export interface Considered {
  changes?: readonly FigureChange[];
  race?: readonly Standing[];
  questions?: readonly { readonly code: string; readonly sentence: string }[];
  confirm?: string | null;
  /** Fields that the order has to have beside those it was asked with. */
  adds?: Readonly<Record<string, unknown>>;
  error?: string;
  code?: string;
  why?: string | null;
}
