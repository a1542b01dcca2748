/**
 * What is being looked at (contest, source, unit), kept in the address so that a link shows the same.
 */

/** The selection an address asks for; whatever the election does not know falls back to its first. */
export function fromAddress(search, election) {
  const asked = new URLSearchParams(search);
  const known = (index, id, fallback) => (index.has(id) ? id : fallback);
  return {
    contest: known(election.contestById, asked.get("contest"), election.contests[0].id),
    source: known(election.sourceById, asked.get("source"), election.sources[0].id),
    unit: known(election.unitById, asked.get("unit"), election.home.id),
  };
}

/** The address of a selection, beside whatever else (such as lang) the present one says. */
export function toAddress(selection, search) {
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries(selection)) params.set(name, value);
  return `?${params.toString().replaceAll("%2F", "/")}`;
}

/** The language an address asks for: Turkish unless it is one that we speak. */
export function languageOf(search) {
  return new URLSearchParams(search).get("lang") === "en" ? "en" : "tr";
}
