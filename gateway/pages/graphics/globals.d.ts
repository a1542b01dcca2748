/** What a single-file template has in it before playout.js: see `sandik/graphics.py`. For `tsc` alone. */

declare const TEMPLATE: {
  name: string;
  gateway: string;
  steps: import("../overlays/types.d.ts").Steps;
  names: readonly string[];
  lists: readonly string[];
  fields: Readonly<Record<string, string>>;
};
declare const Frame: typeof import("./frame.js").Frame;
declare const overlayAddress: typeof import("./frame.js").overlayAddress;
declare const Playout: typeof import("../overlays/playout.js").Playout;
declare const knownBy: typeof import("../overlays/playout.js").knownBy;
declare const shownOf: typeof import("../overlays/on-air.js").shownOf;
