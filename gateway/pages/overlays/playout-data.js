/**
 * What a playout system says to update(). No imports: `sandik graphics` also writes this text into single-file
 * templates.
 */

/**
 * The parameters in a playout system's string: JSON, CasparCG's <templateData> XML, or as in an address.
 * @param {unknown} text
 */
export function parametersIn(text) {
  if (text && typeof text === "object") return text;
  const given = String(text ?? "").trim();
  if (!given) return {};
  if (given.startsWith("{")) return JSON.parse(given);
  if (given.startsWith("<")) return inXml(given);
  return Object.fromEntries(new URLSearchParams(given));
}

/** @param {string} text */
function inXml(text) {
  const parsed = new DOMParser().parseFromString(text, "text/xml");
  if (parsed.querySelector("parsererror")) throw new SyntaxError("The XML is not well-formed.");
  return Object.fromEntries(
    [...parsed.querySelectorAll("componentData")].map((one) => [
      one.id,
      one.querySelector("data")?.getAttribute("value") ?? "",
    ]),
  );
}
