/**
 * What is being looked at (contest, source, unit), kept in the address so that a link shows the same.
 */

/** @import { Election, Selection } from "./types.d.ts" */

/**
 * The selection an address asks for; whatever the election does not know falls back to its first.
 * @param {string} search
 * @param {Election} election
 */
export function fromAddress(search, election) {
  const asked = new URLSearchParams(search);
  /**
   * @param {ReadonlyMap<string, unknown>} index
   * @param {string | null} id
   * @param {string} fallback
   */
  const known = (index, id, fallback) => (id !== null && index.has(id) ? id : fallback);
  return {
    contest: known(election.contestById, asked.get("contest"), election.contests[0].id),
    source: known(election.sourceById, asked.get("source"), election.sources[0].id),
    unit: known(election.unitById, asked.get("unit"), election.home.id),
    ...treeAsked(asked, election),
  };
}

/**
 * @param {URLSearchParams} asked
 * @param {Election} election
 */
function treeAsked(asked, election) {
  const tree = asked.get("tree");
  return tree && election.trees.some(({ id }) => id === tree) ? { tree } : {};
}

/**
 * The address of a selection, beside whatever else (such as lang) the present one says.
 * @param {Selection} selection
 * @param {string} search
 */
export function toAddress(selection, search) {
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries(selection)) {
    if (value) params.set(name, value);
    else params.delete(name);
  }
  return `?${params.toString().replaceAll("%2F", "/")}`;
}

/**
 * The language an address asks for: Turkish unless it is one that we speak.
 * @param {string} search
 */
export function languageOf(search) {
  return new URLSearchParams(search).get("lang") === "en" ? "en" : "tr";
}
