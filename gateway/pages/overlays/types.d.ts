/** Shapes that overlays, the stage and the graphics' wrappers share. For `tsc` alone: no page loads this. */

import type { Entry, LiveNight, Status, Wanted } from "../client/index.js";
import type {
  Brand,
  Election,
  ElectionDefinition,
  Formats,
  Selection,
  Source,
  UnitView,
  View,
  Words,
} from "../types.d.ts";
import type { FollowedNight } from "./night.js";
import type { Stage } from "./stage.js";

export type { ClientMessage, SnapshotMessage, Status, TotalsEntry } from "../client/index.js";
export type * from "../types.d.ts";
export type { FollowedNight } from "./night.js";
export type { Stage } from "./stage.js";

/** Something that an overlay can be told; see manifest.js. */
export interface Parameter {
  readonly name: string;
  readonly title: string;
  readonly kind: "text" | "whole" | "choice" | "flag" | "list";
  readonly standard?: string | number | boolean;
  readonly least?: number;
  readonly most?: number;
  readonly words?: readonly string[];
  readonly formerly?: string;
}

/** How one kind of parameter is read. */
export interface Kind {
  /** undefined where the text cannot be read. */
  read(text: string, parameter: Parameter): unknown;
  fault(parameter: Parameter): { key: string; values: Readonly<Record<string, unknown>> };
  standard: unknown;
}

export interface OverlayAbout {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly layer: number;
  readonly walks: boolean;
  readonly cuts: boolean;
  readonly parameters: readonly Parameter[];
}

export interface Manifest {
  readonly selection: readonly Parameter[];
  readonly manner: readonly Parameter[];
  readonly address: readonly Parameter[];
  readonly overlays: readonly OverlayAbout[];
}

/** What an address said, by the manifest's names: an overlay reads its own and those that all have. */
export interface Options {
  theme: string;
  lang: string;
  play: boolean;
  motion: boolean;
  safe: boolean;
  debug: boolean;
  rows: number;
  side: string;
  candidates: string[];
  units: string[];
  seconds: number;
  events: string;
  of: string;
  px_per_s: number;
  order: string;
  sources: string[];
  measure: string;
  shape: string;
  inset: string;
  seats: string[];
  population: number;
  quota: number;
  by: string;
  /** Of overlays that have several. */
  size?: string;
  move: string;
}

/** Something wrong with an address: its words are in strings.js under `key`. */
export interface AddressFault {
  name?: string;
  key: string;
  values: Readonly<Record<string, unknown>>;
}

/** Everything that is on screen comes from this. */
export interface Scene {
  election: Election;
  night: FollowedNight;
  selection: Selection;
  brand: Brand;
  options: Options;
  t: Words;
  format: Formats;
  view: View;
  entry(contest: string, source: string, unit: string): Entry | undefined;
  /** One unit's figures: by default the selected unit's, of the selected source. */
  unit(unit?: string, source?: string): UnitView;
}

/** What an overlay is created with. */
export interface OverlayTools {
  t: Words;
  format: Formats;
  options: Options;
  stage: Stage;
}

/** An overlay on the stage. */
export interface Overlay<Model = any> {
  readonly node: HTMLElement;
  draw(model: Model, scene: Scene): void;
  event?(message: import("../client/index.js").EventMessage, scene: Scene): void;
  next?(): void;
  close?(): void;
}

/** A template's module; see stage.js. */
export interface Template<Model = any> {
  needs(scene: Scene): Wanted[];
  model(scene: Scene): Model;
  create(tools: OverlayTools): Overlay<Model>;
  check?(scene: Scene): AddressFault[];
  walk?(scene: Scene, steps: number): Partial<Selection>;
  curtained?: boolean;
}

/** What follows a night: a connection, an archive's timeline, or a test's script. */
export type NightClient = Pick<
  LiveNight,
  | "status"
  | "code"
  | "mode"
  | "feeds"
  | "reachable"
  | "serverTime"
  | "currentAt"
  | "embargoed"
  | "embargo"
  | "held"
  | "heldInPart"
  | "calls"
  | "replay"
  | "entry"
  | "subscribe"
> & {
  on(name: string, listener: (detail: any) => void): unknown;
  renew?(token: string): void;
  boundaries?(): Promise<Boundaries | null>;
  readonly definition?: ElectionDefinition;
};

/** A unit's seats, as /v1/seats tells them: see docs/seats.md. */
export interface SeatsEntry {
  readonly constituencies: number;
  readonly house: number;
  readonly seats: readonly { readonly candidate: string; readonly seats: number; readonly decided: number }[];
  readonly open: number;
  readonly undecided: readonly { readonly reason: string; readonly seats: number }[];
  /** The constituencies in which not every box is opened. */
  readonly counting: readonly UnitSeats[];
}

/** How many seats a constituency has. */
export interface UnitSeats {
  readonly unit: string;
  readonly seats: number;
}

/** A unit's course by one source, as /v1/lead-over-time tells it: see docs/facts.md. */
export interface LeadCourse {
  readonly source: string;
  readonly points: readonly CoursePoint[];
}

/** How the first candidates stood at an event time; `of` is what shares are of. */
export interface CoursePoint {
  readonly as_of: string;
  readonly of: number;
  readonly votes: Readonly<Record<string, number>>;
}

/** The state of the connection, and what there was before it. */
export interface Connection {
  status: Status;
  code: number | null;
  hadData: boolean;
  /** By the gateway's clock, when the figures were last known to be current. */
  currentAt: string | null;
}

export type Point = readonly [number, number];
export type Ring = readonly Point[];

export interface BoundaryFeature {
  readonly id?: string | number;
  readonly properties?: { readonly slug?: string | number | null } | null;
  readonly geometry:
    | { readonly type: "Polygon"; readonly coordinates: readonly Ring[] }
    | { readonly type: "MultiPolygon"; readonly coordinates: readonly (readonly Ring[])[] };
}

/** A gateway's own boundaries: GeoJSON. */
export interface Boundaries {
  readonly features: readonly BoundaryFeature[];
  readonly attribution?: string;
}

/** Where one district lies on the map, in pixels of its picture. */
export interface Area {
  rings: readonly Ring[];
  /** The middle of its label. */
  x: number;
  y: number;
  /** The width that a label has. */
  room: number;
  /** The height of a tile; 0 of a real outline. */
  tall: number;
  /** Longest first. */
  labels: string[];
}

/** A rectangle of a picture, by its upper left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A label where it is written: around its middle. */
export interface Label {
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

/** One candidate as it is written. */
export type Row = ReturnType<typeof import("./picture.js").written>;
export type CountedModel = ReturnType<typeof import("./picture.js").counted>;
export type OriginModel = ReturnType<typeof import("./picture.js").origin>;
export type MarginModel = ReturnType<typeof import("./picture.js").margin>;
export type CallModel = ReturnType<typeof import("./picture.js").called>;

/** Whether an overlay has a next step, and whether what it shows can be cut short. */
export interface Steps {
  readonly walks: boolean;
  readonly cuts: boolean;
}

/** What an overlay was told, by now; see on-air.js. What is empty is not among the parameters. */
export interface OnAir {
  readonly parameters: Readonly<Record<string, string>>;
  readonly playing: boolean;
  readonly step: number;
  readonly cuts: number;
}

/** Something that an overlay is told. */
export type Command =
  | { readonly type: "play" | "next" | "stop" }
  | { readonly type: "goto"; readonly step: number }
  | { readonly type: "load" | "update" | "select"; readonly parameters: Readonly<Record<string, unknown>> };

export interface PlayoutOptions {
  steps: Steps;
  parameters: Readonly<Record<string, unknown>>;
  playing?: boolean;
  known?(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  show(state: OnAir): void;
  remove(): void;
}

/** How a wrapper wants a graphic to be. */
export interface Show {
  parameters: Readonly<Record<string, string>>;
  playing: boolean;
  step?: number;
  skip?: boolean;
  token?: string | undefined;
}

/** A graphic's data, as a renderer gives it. */
export type GraphicData = Readonly<Record<string, any>>;

export interface GraphicAbout extends Steps {
  readonly stepCount: number;
  /** What is the overlay's own among the parameters. */
  readonly parameters?: readonly Parameter[];
  /** Where the package was written to look for figures. */
  readonly gateway?: string;
}

/** What a graphic is by now; `skip` says that the last action was to be without animation. */
export interface GraphicState extends OnAir {
  readonly skip: boolean;
}

export interface ActionAnswer {
  statusCode: number;
  statusMessage: string;
  currentStep?: number | undefined;
}

export interface Action {
  type: string;
  params?: Readonly<Record<string, any>>;
}

export interface ScheduledAction {
  timestamp: number;
  action: Action;
}

/** A file of `sandik timeline`. */
export interface Timeline {
  readonly format: string;
  readonly first: number;
  readonly run: string;
  readonly mode: "live" | "test" | "replay";
  readonly epoch: string;
  readonly definition: ElectionDefinition;
  readonly messages: readonly (readonly [number, any])[];
}

/** A source and something it says. */
export interface SourceValue {
  source: Source;
  value: number | undefined;
}
