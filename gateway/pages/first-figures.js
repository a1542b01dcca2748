/**
 * The selected unit's figures over HTTP: the page names their address, so that they come beside the script and the
 * first number waits for no stream. The stream goes on from where they are.
 */

/** @import { LiveNight } from "./types.d.ts" */

/** How long the board waits for them once it has the definition: they were asked for together. */
const PATIENCE_MS = 300;

/** After it the stream has long brought them, or nothing does. */
const TIMEOUT_MS = 10_000;

/** Ask for what the page has named. Returns how to wait for it: null where nothing is named, or it is late. */
export function askFirst() {
  const address = document.querySelector("link[rel=preload][href^='/v1/totals?']")?.getAttribute("href");
  const answer = address ? ask(new URL(address, location.href)) : null;
  return () => answer && Promise.race([answer, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null))]);
}

/**
 * Give the night what `askFirst` has brought, as the snapshot of a subscription.
 * @param {Pick<LiveNight, "subscribe" | "receive">} night
 * @param {NonNullable<Awaited<ReturnType<typeof ask>>>} first
 */
export function takeFirst(night, { contest, source, unit, epoch, seq, as_of, totals }) {
  const handle = night.subscribe({ contest, source, units: [unit] });
  night.receive({ type: "snapshot", id: handle.id, contest, source, epoch, seq, as_of, totals });
  handle.close(); // the figures are kept until those of what is followed are here
}

/**
 * The answer, with what it was asked for and when it was given, by the gateway's clock. Null where there is none: then
 * the stream brings the figures, or says what is wrong.
 * @param {URL} address
 */
async function ask(address) {
  const [contest, source, unit] = ["contest", "source", "unit"].map((name) => address.searchParams.get(name) ?? "");
  try {
    const response = await fetch(address, { cache: "no-cache", signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? { ...(await response.json()), contest, source, unit, at: response.headers.get("date") } : null;
  } catch {
    return null;
  }
}
