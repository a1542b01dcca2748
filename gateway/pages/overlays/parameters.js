/**
 * What an overlay's address says: each parameter has a kind that reads it, and a fault that says what would be right.
 * Pure: an address in, values and faults out.
 */

/** A whole number between two bounds. */
export function whole(least, most, standard) {
  return {
    standard,
    label: `${least}–${most}`,
    fault: ["badNumber", { least, most }],
    read: (text) =>
      /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined,
  };
}

/** One word of several; the first is the standard. */
export function choice(...words) {
  return {
    standard: words[0],
    words,
    label: words.join(" | "),
    fault: ["badChoice", { words: words.join(", ") }],
    read: (text) => (words.includes(text) ? text : undefined),
  };
}

/** Yes or no: `1`, `true` or nothing at all is yes. */
export function flag(standard = false) {
  return {
    standard,
    label: "0 | 1",
    fault: ["badChoice", { words: "0, 1" }],
    read: (text) => ({ 1: true, true: true, "": true, 0: false, false: false })[text],
  };
}

/** Names with commas between them. */
export function list(most) {
  return {
    standard: [],
    label: "a,b",
    fault: ["badList", { most }],
    read: (text) => {
      const names = text
        .split(",")
        .map((name) => name.trim())
        .filter(Boolean);
      return names.length <= most ? names : undefined;
    },
  };
}

/** What every overlay understands. */
export const SHARED = {
  theme: choice("dark", "light"),
  lang: choice("tr", "en"),
  play: flag(true),
  motion: flag(true),
  safe: flag(),
  debug: flag(),
};

/** Read elsewhere: the selection by the election, gateway and token by whoever connects. */
const SELECTION = ["contest", "unit", "source", "token", "gateway"];

/**
 * Read an address: `{values, asked, faults}`. `asked` is the selection as it was written; a parameter that cannot be
 * read has its standard value and a fault `{name, key, values}`, whose words are in strings.js.
 */
export function read(search, specification = {}) {
  const given = new URLSearchParams(search);
  const known = { ...SHARED, ...specification };
  const values = {};
  const faults = [];
  for (const [name, kind] of Object.entries(known)) {
    const value = given.has(name) ? kind.read(given.get(name)) : kind.standard;
    if (value === undefined) faults.push({ name, key: kind.fault[0], values: { name, ...kind.fault[1] } });
    values[name] = value ?? kind.standard;
  }
  for (const name of given.keys()) {
    if (!(name in known) && !SELECTION.includes(name)) {
      faults.push({
        name,
        key: "unknownParameter",
        values: { name, words: [...SELECTION, ...Object.keys(known)].join(", ") },
      });
    }
  }
  const asked = Object.fromEntries(["contest", "unit", "source"].map((name) => [name, given.get(name)]));
  return { values, asked, faults };
}

/** Names in a fault: more are no help on a screen. */
const NAMES_LISTED = 8;

/**
 * The selection in this election, and what in it is not there. What was not asked for is the election's first; what
 * was asked for and is not there is a fault, never something else's numbers.
 */
export function select(asked, election) {
  const faults = [];
  const pick = (name, index, standard) => {
    const id = asked[name];
    if (id === null || id === undefined || id === "") return standard;
    if (!index.has(id)) {
      const names = [...index.keys()];
      const words = names.slice(0, NAMES_LISTED).join(", ") + (names.length > NAMES_LISTED ? ", …" : "");
      faults.push({ name, key: "noSuch", values: { name, id, words } });
    }
    return id;
  };
  const selection = {
    contest: pick("contest", election.contestById, election.contests[0].id),
    source: pick("source", election.sourceById, election.sources[0].id),
    unit: pick("unit", election.unitById, election.home.id),
  };
  return { selection, faults };
}
