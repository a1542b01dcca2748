/**
 * An overlay inside a frame of somebody else's page: a wrapper for a playout system tells it how it should be, by
 * message.
 *
 * `show` says everything at once: parameters, whether it is on air, at which step. So a wrapper need not know what this
 * page already did, and one that had to load it again says the same once more, with the read token by which the page is
 * to go on. `check` asks what is wrong with parameters before they are shown.
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
    if (source !== outside) return;
    if (data?.sandik === "check") {
      const fault = stage.faultIn({ ...stage.address, ...data.parameters });
      outside.postMessage({ sandik: "done", id: data.id, fault }, "*"); // ids of the election, which is public
    }
    if (data?.sandik !== "show") return;
    const { sandik: _, id, ...show } = data;
    await stage.show(/** @type {Show} */ ({ ...show, parameters: { ...stage.address, ...show.parameters } }));
    outside.postMessage({ sandik: "done", id }, "*"); // no secret in it
  });
  outside.postMessage({ sandik: "ready", checks: true }, "*");
}
