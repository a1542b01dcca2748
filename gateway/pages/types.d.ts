/** Shapes that the pages' modules pass to one another. For `tsc` alone: no page loads this. */

import type { Call, Entry, Feed } from "./client/index.js";
import type { Election } from "./election.js";
import type { formats } from "./format.js";
import type { View } from "./view.js";

export type {
  Call,
  Change,
  Definition,
  Entry,
  EventMessage,
  Feed,
  Handle,
  LiveNight,
  Playback,
  Wanted,
} from "./client/index.js";
export type { Election } from "./election.js";
export type { View } from "./view.js";

/** The words of one language; see strings.js. */
export type Words = (key: string, values?: Readonly<Record<string, unknown>>) => string;
export type Formats = ReturnType<typeof formats>;

/** What every pane and widget writes with. */
export interface Tools {
  t: Words;
  format: Formats;
}

/** What is looked at, by id. */
export interface Selection {
  contest: string;
  source: string;
  unit: string;
  /** The tree whose units are listed below the country; the first without it. */
  tree?: string;
}

export interface Unit {
  readonly id: string;
  readonly level: Entry["level"];
  readonly name: string;
  readonly parent?: string | null;
  /** The units of other trees in which a counting unit lies. */
  readonly also_in?: readonly string[];
  /** Ranges of box numbers: first and last. */
  readonly boxes?: readonly (readonly [number, number])[];
  readonly registered?: number | null;
}

/** What one unit of a level is called, and several; the same where there is no plural. */
export interface Level {
  readonly id: string;
  readonly name: string;
  readonly plural?: string | null;
}

export interface Source {
  readonly id: string;
  readonly name: string;
  /** What it reports: "boxes", or "districts" as totals. */
  readonly reports?: string;
  /** The level at which it tells a contest, by contest, where that is not the counting units. */
  readonly levels?: Readonly<Record<string, string>>;
}

export interface Contest {
  readonly id: string;
  readonly name: string;
  readonly candidates: readonly DefinedCandidate[];
  /** Units with a ballot of their own. */
  readonly ballots?: Readonly<Record<string, readonly DefinedCandidate[]>>;
  /** "referendum" where its candidates are options. */
  readonly kind?: string;
  /** Whether blank votes are counted apart from the invalid ones. */
  readonly blank?: boolean;
  /** How its votes become seats, where it divides any: by which method, and how many each constituency has. */
  readonly seats?: {
    readonly method: string;
    readonly seats: Readonly<Record<string, number>>;
    readonly alliances?: readonly Alliance[];
  };
}

/** Lists that enter a contest together: the ids of their candidates. */
export interface Alliance {
  readonly id: string;
  readonly name: string;
  readonly members: readonly string[];
}

export interface DefinedCandidate {
  readonly id: string;
  readonly name: string;
  readonly party?: string | null;
  /** The hue of who has no party. */
  readonly color?: string | null;
  /** Who does not stand any more; the votes stay. */
  readonly withdrawn?: boolean;
}

export interface DefinedParty {
  readonly id: string;
  readonly name: string;
  readonly short_name: string;
  readonly color: string;
}

/** /v1/definition, as far as the pages read it. */
export interface ElectionDefinition {
  readonly name: string;
  readonly date: string;
  readonly timezone: string;
  readonly contests: readonly Contest[];
  readonly sources: readonly Source[];
  /** The levels of the units, highest first, where they are not country, province and district. */
  readonly levels?: readonly Level[];
  /** Other trees over the same counting units. */
  readonly trees?: readonly { readonly id: string; readonly name: string; readonly levels: readonly Level[] }[];
  readonly units: readonly Unit[];
  /** Earlier contests that those of this election are compared with. */
  readonly previous?: readonly { readonly contest: string }[];
  readonly parties: readonly DefinedParty[];
}

/** A candidate with what is needed to draw one. */
export type Candidate = ReturnType<Election["stranger"]>;
/** One row of a ranking; equal votes share a rank. */
export interface Ranked {
  candidate: Candidate;
  votes: number;
  rank: number;
  tied: boolean;
  /** In hundredths of a per cent, so that all of them add up; null where there are no votes. */
  share: number | null;
}
/** Who leads, by how many votes, and by how many points where there is something to divide by. */
export interface Lead {
  leaders: Ranked[];
  second: Ranked | null;
  votes: number;
  points: number | null;
}
/** A party's colour as it is legible on the present theme. */
export type Hue = (candidate: Candidate) => string;

/** One unit's figures with all that is derived from them. */
export type UnitView = ReturnType<View["unit"]>;
/** The same of a part of a scope, with its link, its sentence and the call that stands there. */
export type Part = ReturnType<View["parts"]>[number] & { call?: Call | undefined };
/** The unit that is selected, with the one above it and the call that stands there. */
export type MainView = UnitView & { above: ReturnType<View["above"]>; call: Call | undefined };
export type Leading = ReturnType<View["leading"]>;
/** A district's place among equal tiles. */
export interface Tile {
  column: number;
  row: number;
  /** The name as residents abbreviate it. */
  short: string;
  code: string;
}
export type Tiles = ReadonlyMap<string, Tile>;

/** A source's feed as a page shows it: also before its first message, and where every box is opened. */
export type ShownFeed = Pick<Feed, "last_event" | "age_s"> &
  Partial<Omit<Feed, "state">> & { readonly state: Feed["state"] | "waiting" | "complete" };

/** One source beside the others. */
export type Column = UnitView & { feed: ShownFeed; stateWord: string };

/** What has changed since an earlier contest, as /v1/facts tells it: see docs/facts.md. */
export interface LastTime {
  readonly previous: string;
  readonly name: string;
  readonly annulled: boolean;
  readonly held_by: readonly string[];
  readonly held_by_names: Readonly<Record<string, string>>;
  readonly outcome: "hold" | "gain" | null;
  readonly compared: number;
  readonly units: number;
  readonly turnout_change_bp: number | null;
  readonly swings: readonly {
    readonly candidate: string;
    readonly votes_change: number;
    readonly swing_bp: number | null;
  }[];
  readonly flipped: readonly { readonly unit: string; readonly held_by: string; readonly leader: string }[];
}

/** What a source, or both sources of a pair, say in the same boxes or districts. */
export interface Sums {
  readonly valid: number;
  readonly unattributed: number;
  readonly votes: Readonly<Record<string, number>>;
}

/** One side of /v1/compare. */
export interface ComparedSide {
  readonly standing: "reporting" | "nothing" | "no_box" | "by_hand";
  readonly districts: number;
  readonly overridden: readonly string[];
  readonly set_aside?: { readonly count: number; readonly reason: string } | null;
}

/** A gap in all, and its two parts; null where it cannot be split. */
export interface Gap {
  readonly gap: number;
  readonly coverage: number | null;
  readonly disagreement: number | null;
}

export type Side = "a" | "b";

/** An answer of /v1/compare. */
export interface Comparison extends Readonly<Record<Side, ComparedSide>> {
  readonly contest: string;
  readonly unit: string;
  readonly leaders: readonly string[];
  readonly lead?: { readonly votes: Gap; readonly points: Gap | null } | null;
  readonly districts_total: number;
  readonly districts_shared: number;
  readonly shared?: Readonly<Record<Side, Sums>> | null;
  readonly why: {
    readonly behind: number;
    readonly only_a: number;
    readonly only_b: number;
    readonly both: number;
    readonly differing: number;
    readonly like_for_like: Readonly<Record<Side, Sums>> | null;
    readonly explaining: readonly (Readonly<Record<Side, Sums | null>> & {
      readonly district: string;
      readonly box: number;
      readonly lead: number | null;
    })[];
  } | null;
}

/** The two sources' names. */
export type SideNames = Readonly<Record<Side, string>>;
/** What /v1/compare is asked. */
export type Question = Readonly<Record<"contest" | "unit" | "a" | "b", string>>;

/** A brand as its gateway tells it: see docs/brand.md. Files by the ids that they are of. */
export interface Brand {
  readonly name: string;
  readonly theme: "dark" | "light";
  readonly family: string;
  readonly logo: string | null;
  readonly photos: Readonly<Record<string, string>>;
  readonly logos: Readonly<Record<string, string>>;
}
