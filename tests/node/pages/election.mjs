/**
 * A small election, and an entry of figures, for the tests of the pages' modules.
 */

import { Election } from "../../../gateway/pages/election.js";

/** @import { Entry } from "../../../gateway/pages/types.d.ts" */

const CANDIDATES = [
  { id: "a", name: "Ayşe", party: "one" },
  { id: "b", name: "Barış", party: "two" },
];

/**
 * One province of two districts, two contests and two sources.
 * @type {ConstructorParameters<typeof Election>[0]}
 */
export const PROVINCES = {
  name: "Seçim",
  date: "2024-03-31",
  timezone: "Europe/Istanbul",
  contests: [
    { id: "mayor", name: "Başkan", candidates: CANDIDATES },
    { id: "council", name: "Meclis", candidates: CANDIDATES, ballots: { "tr/34/sile": [{ id: "c", name: "Can" }] } },
  ],
  sources: [
    { id: "aa", name: "AA" },
    { id: "anka", name: "ANKA" },
  ],
  parties: [
    { id: "one", name: "Bir Parti", short_name: "BP", color: "#e4002b" },
    { id: "two", name: "İki Parti", short_name: "İP", color: "#1c7c54" },
  ],
  units: [
    { id: "tr", level: "country", name: "Türkiye" },
    { id: "tr/34", level: "province", name: "İstanbul", parent: "tr" },
    { id: "tr/34/fatih", level: "district", name: "Fatih", parent: "tr/34", boxes: [[1, 10]], registered: 3_000 },
    {
      id: "tr/34/sile",
      level: "district",
      name: "Şile",
      parent: "tr/34",
      boxes: [
        [1, 4],
        [7, 8],
      ],
    },
  ],
};

export function election() {
  return new Election(PROVINCES);
}

/**
 * Figures of a unit, with what a test says of them.
 * @param {Partial<Entry>} [more]
 * @returns {Entry}
 */
export function entry(more = {}) {
  return {
    unit: "tr/34",
    level: "province",
    as_of: "2024-03-31T21:55:12+03:00",
    boxes_total: 20,
    boxes_opened: 20,
    boxes_surplus: 0,
    annulled: 0,
    registered: 0,
    cast: 0,
    valid: 0,
    invalid: 0,
    unattributed: 0,
    flagged: 0,
    votes: {},
    overridden: [],
    complete: false,
    contradictions: [],
    ...more,
  };
}
