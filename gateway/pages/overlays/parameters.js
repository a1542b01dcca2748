/**
 * What an overlay's address says: each parameter of the manifest is of a kind that can be read, or has a fault that
 * says what would be right. Pure: an address in, values and faults out.
 */

import { MANIFEST } from "./manifest.js";

/** @import { AddressFault, Election, Kind, Options, Parameter, Selection } from "./types.d.ts" */

/** @type {ReadonlyMap<string, boolean>} */
const FLAGS = new Map([
  ["1", true],
  ["true", true],
  ["", true],
  ["0", false],
  ["false", false],
]);

/**
 * The kinds of parameters: how a text is read, undefined where it cannot be, and what its fault says.
 * @type {Readonly<Record<Parameter["kind"], Kind>>}
 */
const KINDS = {
  text: { read: (text) => text, fault: () => ({ key: "badChoice", values: {} }), standard: "" },
  whole: {
    read: (text, { least = 0, most = 0 }) =>
      /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined,
    fault: ({ least, most }) => ({ key: "badNumber", values: { least, most } }),
    standard: 0,
  },
  choice: {
    read: (text, { words = [] }) => (words.includes(text) ? text : undefined),
    fault: ({ words = [] }) => ({ key: "badChoice", values: { words: words.join(", ") } }),
    standard: "",
  },
  flag: {
    read: (text) => FLAGS.get(text),
    fault: () => ({ key: "badChoice", values: { words: "0, 1" } }),
    standard: false,
  },
  list: {
    read: (text, { most = 0 }) => {
      const names = text
        .split(",")
        .map((name) => name.trim())
        .filter(Boolean);
      return names.length <= most ? names : undefined;
    },
    fault: ({ most }) => ({ key: "badList", values: { most } }),
    standard: [],
  },
};

/** The parameters that say which figures are shown: contest, unit and source. */
export const SELECTION = MANIFEST.selection.map(({ name }) => name);

/** What a tool adds to an address with a number that is new each time, to keep caches away: it asks for nothing. */
const CACHE_BUSTER = "_";

/** Read elsewhere: the selection by the election, gateway, token and view by whoever connects. */
const READ_ELSEWHERE = [...SELECTION, "token", "gateway", "view"];

/**
 * Read an address: `{values, asked, faults}`. `asked` is the selection as it was written; a parameter that cannot be
 * read has its standard value and a fault `{name, key, values}`, whose words are in strings.js.
 * @param {string} search
 * @param {readonly Parameter[]} [own] the overlay's own parameters
 */
export function read(search, own = []) {
  const given = new URLSearchParams(search);
  const known = [...MANIFEST.manner, ...MANIFEST.address, ...own];
  /** @type {Record<string, unknown>} */
  const values = {};
  /** @type {AddressFault[]} */
  const faults = [];
  for (const parameter of known) {
    const { name } = parameter;
    const kind = KINDS[parameter.kind];
    const standard = parameter.standard ?? kind.standard;
    const text = given.get(name) ?? (parameter.formerly ? given.get(parameter.formerly) : null);
    const value = text === null ? standard : kind.read(text, parameter);
    if (value === undefined) {
      const fault = kind.fault(parameter);
      faults.push({ name, key: fault.key, values: { name, ...fault.values } });
    }
    values[name] = value ?? standard;
  }
  const names = [...READ_ELSEWHERE, ...known.map(({ name }) => name)];
  const former = known.map(({ formerly }) => formerly);
  for (const name of given.keys()) {
    if (name !== CACHE_BUSTER && !names.includes(name) && !former.includes(name))
      faults.push({ name, key: "unknownParameter", values: { name, words: names.join(", ") } });
  }
  const asked = { contest: given.get("contest"), unit: given.get("unit"), source: given.get("source") };
  return { values: /** @type {Options} */ (/** @type {unknown} */ (values)), asked, faults };
}

/**
 * The names that parameters have now, by those that they had.
 * @param {readonly Parameter[]} parameters
 */
export function renamed(parameters) {
  return Object.fromEntries(parameters.flatMap(({ name, formerly }) => (formerly ? [[formerly, name]] : [])));
}

/** Names in a fault: more are no help on a screen. */
const NAMES_LISTED = 8;

/**
 * The fault of a parameter that names something which is not there.
 * @param {string} name the parameter
 * @param {string} id what it names
 * @param {Iterable<string>} known what there is
 * @returns {AddressFault}
 */
export function noSuch(name, id, known) {
  const names = [...known];
  const words = names.slice(0, NAMES_LISTED).join(", ") + (names.length > NAMES_LISTED ? ", …" : "");
  return { name, key: "noSuch", values: { name, id, words } };
}

/**
 * The selection in this election, and what in it is not there. What was not asked for is the election's first; what
 * was asked for and is not there is a fault, never something else's numbers.
 * @param {Readonly<Partial<Record<keyof Selection, string | null>>>} asked
 * @param {Election} election
 */
export function select(asked, election) {
  /** @type {AddressFault[]} */
  const faults = [];
  /**
   * @param {keyof Selection} name
   * @param {ReadonlyMap<string, unknown>} index
   * @param {string} standard
   */
  const pick = (name, index, standard) => {
    const id = asked[name];
    if (id === null || id === undefined || id === "") return standard;
    if (!index.has(id)) faults.push(noSuch(name, id, index.keys()));
    return id;
  };
  const selection = {
    contest: pick("contest", election.contestById, election.contests[0].id),
    source: pick("source", election.sourceById, election.sources[0].id),
    unit: pick("unit", election.unitById, election.home.id),
  };
  return { selection, faults };
}
