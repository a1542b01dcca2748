/**
 * The brand of the gateway, or of a graphics package: its theme and letters, and the photos and logos that there are.
 */

/** @import { Brand } from "./types.d.ts" */

const FOLDER = new URL("./brand/", import.meta.url);
/** A few kilobytes from our own server: who waits longer draws silhouettes. */
const TIMEOUT_MS = 5_000;

/** What holds where there is no brand to read. @type {Brand} */
export const PLAIN = { name: "", theme: "dark", family: "Inter", logo: null, photos: {}, logos: {} };

/** The brand; a plain one where it cannot be read, since figures do not wait for a look. */
export async function readBrand() {
  const stuck = new AbortController();
  const timer = setTimeout(() => stuck.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(new URL("brand.json", FOLDER), { signal: stuck.signal });
    return response.ok ? { ...PLAIN, .../** @type {Brand} */ (await response.json()) } : PLAIN;
  } catch {
    return PLAIN;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Where a file of the brand is; null where there is none.
 * @param {string | null | undefined} name
 */
export function brandUrl(name) {
  return name ? new URL(name, FOLDER).href : null;
}

/**
 * A candidate's photo, and the logo of the party: addresses, null where there is none.
 * @param {Brand} brand
 * @param {{ id: string, partyId?: string | null }} candidate
 */
export function picturesOf(brand, { id, partyId }) {
  const logo = partyId ? brand.logos[partyId] : undefined;
  return { photo: brandUrl(brand.photos[id]), logo: brandUrl(logo) };
}
