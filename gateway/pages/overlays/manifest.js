/**
 * Every overlay that there is, and what its address may say: the pages, the gateway's routes, the packages for graphics
 * tools and the tests all read this.
 *
 * What stands after `MANIFEST =` is JSON, which `gateway/pages/__init__.py` reads. `selection` says which figures are
 * shown, `manner` how every overlay looks, `address` what only an address says, since a tool plays and stops by itself.
 * `least` and `most` bound a number, `most` a list's length, `words` are all that a choice may be, `formerly` is a name
 * that an address may still have for a parameter. `layer` is where SPX-GC puts an overlay, 1 to 5: what may stand
 * together on a screen has different ones. `walks` says that it has a next step as often as one likes, `cuts` that what
 * it shows can be cut short.
 */

/** @import { Manifest } from "./types.d.ts" */

/** @type {Manifest} */
export const MANIFEST = {
  "selection": [
    { "name": "contest", "title": "Contest (id; empty: the first)", "kind": "text" },
    { "name": "unit", "title": "Unit, such as tr/34 (empty: the home of the election)", "kind": "text" },
    { "name": "source", "title": "Source (id; empty: the first)", "kind": "text" }
  ],
  "manner": [
    { "name": "theme", "title": "Theme", "kind": "choice", "standard": "dark", "words": ["dark", "light"] },
    { "name": "lang", "title": "Language", "kind": "choice", "standard": "tr", "words": ["tr", "en"] },
    { "name": "motion", "title": "Motion", "kind": "flag", "standard": true },
    { "name": "safe", "title": "Show safe areas", "kind": "flag", "standard": false },
    { "name": "debug", "title": "Show faults on the picture", "kind": "flag", "standard": false }
  ],
  "address": [{ "name": "play", "title": "On air at once", "kind": "flag", "standard": true }],
  "overlays": [
    {
      "name": "lead-board",
      "title": "Lead board",
      "description": "The first candidates of a unit, the rest as a sum, margin, boxes opened and age.",
      "layer": 4,
      "walks": false,
      "cuts": false,
      "parameters": [
        { "name": "rows", "title": "Rows", "kind": "whole", "standard": 5, "least": 1, "most": 8 },
        { "name": "side", "title": "Side", "kind": "choice", "standard": "left", "words": ["left", "right"] },
        {
          "name": "size",
          "title": "Size",
          "kind": "choice",
          "standard": "panel",
          "words": ["panel", "bug", "full", "tall"]
        }
      ]
    },
    {
      "name": "duel",
      "title": "Two-candidate duel",
      "description": "Two candidates on one scale.",
      "layer": 4,
      "walks": false,
      "cuts": false,
      "parameters": [
        { "name": "candidates", "title": "Candidates (two ids; empty: the first two)", "kind": "list", "most": 2 },
        { "name": "size", "title": "Size", "kind": "choice", "standard": "third", "words": ["third", "full", "tall"] }
      ]
    },
    {
      "name": "lower-third",
      "title": "Lower third",
      "description": "One district on a strip; each step is the next district.",
      "layer": 2,
      "walks": true,
      "cuts": false,
      "parameters": [
        { "name": "units", "title": "Units to go through (ids; empty: all by name)", "kind": "list", "most": 100 }
      ]
    },
    {
      "name": "winner",
      "title": "Called winner",
      "description": "Who has won, once an editor has called it; nothing before.",
      "layer": 5,
      "walks": false,
      "cuts": false,
      "parameters": [
        { "name": "size", "title": "Size", "kind": "choice", "standard": "full", "words": ["full", "third", "tall"] }
      ]
    },
    {
      "name": "strap",
      "title": "Milestone and leader strap",
      "description": "Milestones and leader changes, when they happen; nothing in between.",
      "layer": 1,
      "walks": false,
      "cuts": true,
      "parameters": [
        {
          "name": "seconds",
          "title": "Seconds that one stands",
          "kind": "whole",
          "standard": 8,
          "least": 3,
          "most": 60
        },
        {
          "name": "events",
          "title": "Events",
          "kind": "choice",
          "standard": "all",
          "words": ["all", "leader", "milestone"]
        },
        { "name": "of", "title": "Of", "kind": "choice", "standard": "unit", "words": ["unit", "all"] },
        { "name": "size", "title": "Size", "kind": "choice", "standard": "third", "words": ["third", "bug", "tall"] }
      ]
    },
    {
      "name": "ticker",
      "title": "Race ticker",
      "description": "The parts of a unit crawl by.",
      "layer": 3,
      "walks": false,
      "cuts": false,
      "parameters": [
        {
          "name": "px_per_s",
          "title": "Pixels a second",
          "kind": "whole",
          "standard": 120,
          "least": 20,
          "most": 400,
          "formerly": "speed"
        },
        {
          "name": "order",
          "title": "Order",
          "kind": "choice",
          "standard": "name",
          "words": ["name", "boxes", "margin"]
        },
        {
          "name": "move",
          "title": "Crawl by, or turn pages",
          "kind": "choice",
          "standard": "crawl",
          "words": ["crawl", "pages"]
        },
        { "name": "seconds", "title": "Seconds a page", "kind": "whole", "standard": 8, "least": 3, "most": 60 }
      ]
    },
    {
      "name": "sources",
      "title": "Sources side by side",
      "description": "Two or three sources on one scale, the gap written out.",
      "layer": 4,
      "walks": false,
      "cuts": false,
      "parameters": [
        { "name": "sources", "title": "Sources (ids; empty: the first three)", "kind": "list", "most": 3 },
        { "name": "rows", "title": "Rows", "kind": "whole", "standard": 3, "least": 1, "most": 4 },
        { "name": "size", "title": "Size", "kind": "choice", "standard": "panel", "words": ["panel", "full", "tall"] }
      ]
    },
    {
      "name": "lead-over-time",
      "title": "Lead over time",
      "description": "The lead in the course of the night, by two sources.",
      "layer": 4,
      "walks": false,
      "cuts": false,
      "parameters": [
        { "name": "sources", "title": "Sources (ids; empty: the first two)", "kind": "list", "most": 2 },
        { "name": "measure", "title": "Measure", "kind": "choice", "standard": "points", "words": ["points", "votes"] },
        {
          "name": "size",
          "title": "Size",
          "kind": "choice",
          "standard": "panel",
          "words": ["panel", "third", "full", "tall"]
        }
      ]
    },
    {
      "name": "swing",
      "title": "Swing",
      "description": "What the first candidates have gained or lost since the last time, on one scale.",
      "layer": 4,
      "walks": false,
      "cuts": false,
      "parameters": [
        { "name": "rows", "title": "Rows", "kind": "whole", "standard": 4, "least": 1, "most": 6 },
        {
          "name": "size",
          "title": "Size",
          "kind": "choice",
          "standard": "panel",
          "words": ["panel", "bug", "third", "full", "tall"]
        }
      ]
    },
    {
      "name": "district-map",
      "title": "District map",
      "description": "The districts as equal tiles, or by the boundaries that the gateway was given.",
      "layer": 5,
      "walks": false,
      "cuts": false,
      "parameters": [
        {
          "name": "shape",
          "title": "Shape",
          "kind": "choice",
          "standard": "auto",
          "words": ["auto", "tiles", "boundaries"]
        },
        { "name": "inset", "title": "Inset (unit; auto: what is too small; none)", "kind": "text", "standard": "auto" },
        { "name": "size", "title": "Size", "kind": "choice", "standard": "panel", "words": ["panel", "full"] }
      ]
    },
    {
      "name": "council",
      "title": "Council",
      "description": "Seats by the definition, or by Law 2972, from the votes counted so far.",
      "layer": 4,
      "walks": false,
      "cuts": false,
      "parameters": [
        { "name": "seats", "title": "Seats (a number, or unit:number,…)", "kind": "list", "most": 100 },
        {
          "name": "population",
          "title": "Population (0: as seats says)",
          "kind": "whole",
          "standard": 0,
          "least": 0,
          "most": 99999999
        },
        { "name": "quota", "title": "Quota seats", "kind": "whole", "standard": 0, "least": 0, "most": 20 },
        { "name": "size", "title": "Size", "kind": "choice", "standard": "panel", "words": ["panel", "full", "tall"] }
      ]
    },
    {
      "name": "majority",
      "title": "Path to a majority",
      "description":
        "Seats of lists or alliances on one scale with the line of the majority, and where seats are open.",
      "layer": 4,
      "walks": false,
      "cuts": false,
      "parameters": [
        {
          "name": "by",
          "title": "By alliance or list",
          "kind": "choice",
          "standard": "alliance",
          "words": ["alliance", "list"]
        },
        { "name": "rows", "title": "Rows", "kind": "whole", "standard": 4, "least": 1, "most": 6 },
        { "name": "seats", "title": "Seats (a number, or unit:number,…)", "kind": "list", "most": 100 },
        {
          "name": "population",
          "title": "Population (0: as seats says)",
          "kind": "whole",
          "standard": 0,
          "least": 0,
          "most": 99999999
        },
        { "name": "quota", "title": "Quota seats", "kind": "whole", "standard": 0, "least": 0, "most": 20 },
        {
          "name": "size",
          "title": "Size",
          "kind": "choice",
          "standard": "panel",
          "words": ["panel", "bug", "third", "full", "tall"]
        }
      ]
    }
  ]
};
