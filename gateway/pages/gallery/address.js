/**
 * What the gallery copies: an overlay's address, and how each tool is told it. Pure: a form's values in, texts out.
 */

/** @import { OverlayAbout } from "../overlays/types.d.ts" */

/**
 * The address of an overlay with what differs from its standard.
 * @param {string} origin
 * @param {OverlayAbout} about
 * @param {Readonly<Record<string, string>>} values
 * @param {Readonly<Record<string, string>>} standards
 */
export function addressOf(origin, about, values, standards) {
  const address = new URL(`/overlays/${about.name}`, origin);
  for (const [name, value] of Object.entries(values))
    if (value !== "" && value !== standards[name]) address.searchParams.set(name, value);
  return address.href.replaceAll("%2F", "/").replaceAll("%2C", ",");
}

/**
 * How each tool is told to show an address: `[tool, text]`.
 * @param {string} address
 * @param {OverlayAbout} about
 * @returns {[string, string][]}
 */
export function usesOf(address, about) {
  const offAir = `${address}${address.includes("?") ? "&" : "?"}play=0`;
  const fields = Object.fromEntries(new URL(address).searchParams);
  return [
    ["OBS", address],
    ["vMix", address],
    ["CasparCG", `PLAY 1-${10 + about.layer} [HTML] "${offAir}"`],
    ["SPX-GC", `sandik/${about.name}.html ${JSON.stringify(fields)}`],
  ];
}
