/**
 * An overlay inside a frame of somebody else's page: a wrapper for a playout system tells it how it should be, by
 * message.
 *
 * `show` says everything at once: parameters, whether it is on air, at which step. So a wrapper need not know what this
 * page already did, and one that had to load it again says the same once more, with the read token by which the page is
 * to go on.
 */

/** @import { Show, Stage } from "./types.d.ts" */

/**
 * Let whoever frames this page control the stage.
 * @param {Stage} stage
 * @param {{ frame?: any, outside?: any }} [options]
 */
export function host(stage, { frame = globalThis, outside = globalThis.parent } = {}) {
  if (outside === frame) return;
  frame.addEventListener("message", async (/** @type {MessageEvent} */ { source, data }) => {
    if (source !== outside || data?.sandik !== "show") return;
    const { sandik: _, id, ...show } = data;
    await stage.show(/** @type {Show} */ ({ ...show, parameters: { ...stage.address, ...show.parameters } }));
    outside.postMessage({ sandik: "done", id }, "*"); // no secret in it
  });
  outside.postMessage({ sandik: "ready" }, "*");
}
