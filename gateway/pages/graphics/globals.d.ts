/** What a single-file template has in it before playout.js: see `sandik/graphics.py`. For `tsc` alone. */

declare const TEMPLATE: { name: string; gateway: string; fields: Readonly<Record<string, string>> };
declare const Frame: typeof import("./frame.js").Frame;
declare const overlayAddress: typeof import("./frame.js").overlayAddress;
declare const parametersIn: typeof import("../overlays/playout-data.js").parametersIn;
