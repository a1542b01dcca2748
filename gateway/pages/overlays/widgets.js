/**
 * The pieces that overlays are put together from, so that the same thing looks the same in all of them.
 */

import { showCount } from "../countup.js";
import { make, makeSvg, partyMark, setAttribute, setMark, setStyle, setText } from "../dom.js";

/** @import { CallModel, CountedModel, MarginModel, OriginModel, Tools, Words } from "./types.d.ts" */

/** Text is made smaller in such steps until it fits on its line; what does not is set in two smaller ones. */
const SIZES = [1, 0.9, 0.8, 0.7, 0.62];
/** Texts whose size is remembered: the names of a night, several times over. */
const SIZES_KEPT = 4_096;
const SMALLEST_UNWRAPPED = Math.min(...SIZES);
const WRAPPED = [0.54, 0.5, 0.46, 0.42, 0.36, 0.3, 0.24];

/** @type {WeakMap<HTMLElement, string>} */
const fitted = new WeakMap();
/** @type {Map<string, number>} */
const sizes = new Map();

/**
 * Write a text that must fit its box, whatever its length: smaller where it has to be. Boxes of the same `kind` are
 * alike, so that what fits one is not measured again for the others.
 * @param {HTMLElement} node
 * @param {string} text
 * @param {string} [kind]
 */
export function fit(node, text, kind = "") {
  if (fitted.get(node) === text) return;
  setText(node, text);
  const key = `${kind} ${text}`;
  if (!sizes.has(key) && !node.clientWidth) return; // it has no place yet, so nobody can say what fits
  const size = sizes.get(key) ?? measured(node);
  setSize(node, size);
  fitted.set(node, text);
  if (sizes.size >= SIZES_KEPT) sizes.clear();
  if (kind) sizes.set(key, size);
}

/** @param {HTMLElement} node */
function measured(node) {
  const all = [...SIZES, ...WRAPPED];
  return (
    all.find((size) => {
      setSize(node, size);
      return node.scrollWidth <= node.clientWidth && node.scrollHeight <= node.clientHeight + 1;
    }) ?? Math.min(...all)
  );
}

/**
 * @param {HTMLElement} node
 * @param {number} size
 */
function setSize(node, size) {
  node.style.setProperty("--fit", String(size));
  setAttribute(node, "data-wrapped", size < SMALLEST_UNWRAPPED ? "" : null);
}

/** An editor's call: who has won, and whose word that is. Its place is kept while no call stands. */
export class Called {
  constructor() {
    this.text = make("span", { class: "called fit" });
    this.by = make("span", { class: "calledBy fit" });
    this.node = make("p", { class: "call", "data-none": "" }, this.text, this.by);
  }

  /** @param {CallModel} call */
  draw(call) {
    setAttribute(this.node, "data-none", call ? null : "");
    fit(this.text, call ? `✓ ${call.text}` : "");
    fit(this.by, call?.by ?? "");
  }
}

/** A heading: where, and what is voted on. */
export class Heading {
  constructor() {
    this.title = make("span", { class: "place fit" });
    this.subtitle = make("span", { class: "contest fit" });
    this.node = make("header", { class: "heading" }, this.title, this.subtitle);
  }

  /** @param {{title: string, subtitle: string}} options */
  draw({ title, subtitle }) {
    fit(this.title, title);
    fit(this.subtitle, subtitle);
  }
}

/** Boxes opened: a bar and both numbers. */
export class Counted {
  /** @param {Tools} tools */
  constructor({ t, format }) {
    this.format = format;
    this.opened = make("span", { class: "opened" });
    this.total = make("span", { class: "total" });
    this.progress = make("b", { class: "progress fit" });
    this.note = make("span", { class: "note fit" });
    this.fill = make("span", { class: "fill" });
    this.node = make(
      "div",
      { class: "counted" },
      make(
        "p",
        {},
        this.progress,
        make("span", { class: "what", text: t("openedShort") }),
        this.note,
        make("span", { class: "both" }, this.opened, " / ", this.total),
      ),
      make("span", { class: "track", "aria-hidden": "true" }, this.fill),
    );
  }

  /**
   * @param {CountedModel} countedModel
   * @param {string} of
   */
  draw({ opened, total, progress, part, thin, odd, note, manual }, of) {
    setAttribute(this.opened, "data-manual", manual ? "" : null);
    showCount(this.opened, opened, this.format.count, of);
    setText(this.total, this.format.count(total));
    fit(this.progress, progress);
    fit(this.note, note);
    setAttribute(this.node, "data-thin", thin ? "" : null);
    setAttribute(this.node, "data-odd", odd ? "" : null);
    setStyle(this.fill, "--part", part.toFixed(4));
  }
}

/** Whose numbers these are, of when, and in what state: one line, with more in it only when all is not well. */
export class Origin {
  constructor() {
    this.source = make("b", { class: "source" });
    this.when = make("span", { class: "when" });
    this.age = make("span", { class: "age" });
    this.badge = make("span", { class: "feed" });
    this.text = make("span", { class: "sentence fit" });
    this.manual = make("span", { class: "manual" });
    this.node = make(
      "footer",
      { class: "origin" },
      this.badge,
      this.source,
      this.when,
      this.manual,
      this.age,
      this.text,
      make("span", { class: "brandlogo", "aria-hidden": "true" }),
    );
  }

  /** @param {OriginModel} originModel */
  draw({ source, when, age, state, word, text, grave, manual }) {
    setText(this.manual, manual);
    setText(this.source, source);
    setText(this.when, when);
    setText(this.age, age);
    setText(this.badge, word);
    setAttribute(this.badge, "data-state", state);
    setAttribute(this.node, "data-grave", grave ? "" : null);
    setAttribute(this.node, "data-state", state);
    fit(this.text, text); // the state says what stands beside it
  }
}

/** The margin: over whom, in votes and in points. */
export class Margin {
  /**
   * @param {Tools} tools
   * @param {HTMLElement} node
   */
  constructor({ t, format }, node) {
    this.format = format;
    this.label = make("span", { class: "what fit" });
    this.votes = make("b", { class: "gapVotes" });
    this.points = make("b", { class: "gapPoints" });
    this.node = node;
    node.append(
      this.label,
      make("span", { class: "figure" }, this.votes, make("span", { class: "unit", text: t("votesWord") })),
      make("span", { class: "figure" }, this.points, make("span", { class: "unit", text: t("pointsWord") })),
    );
  }

  /**
   * @param {MarginModel} margin
   * @param {string} of
   */
  draw({ label, votes, points }, of) {
    fit(this.label, label);
    showCount(this.votes, votes, this.format.count, of);
    setText(this.points, points);
  }
}

/** A face of head and shoulders, in a box of 100 × 120. */
const SILHOUETTE = "M50 16a22 24 0 1 1 0 48a22 24 0 1 1 0-48ZM6 120c2-30 16-44 34-46q10 6 20 0c18 2 32 16 34 46Z";

/** A candidate's photo, or a drawn silhouette in the party's hue; with the party's logo where there is one. */
export class Face {
  constructor() {
    const drawn = makeSvg("svg", { viewBox: "0 0 100 120", preserveAspectRatio: "xMidYMax meet" });
    drawn.append(makeSvg("path", { d: SILHOUETTE }));
    this.photo = make("img", { class: "photo", alt: "", hidden: true });
    this.logo = make("img", { class: "logo", alt: "", hidden: true });
    this.node = make("span", { class: "face", "aria-hidden": "true" }, drawn, this.photo, this.logo);
  }

  /** @param {{ hue: string, photo: string | null, logo: string | null } | null | undefined} row */
  draw(row) {
    setAttribute(this.node, "data-none", row ? null : "");
    setStyle(this.node, "--hue", row?.hue ?? "transparent");
    shownFrom(this.photo, row?.photo ?? null);
    shownFrom(this.logo, row?.logo ?? null);
  }
}

/**
 * Show the picture at an address; none where it cannot be had.
 * @param {HTMLImageElement} image
 * @param {string | null} address
 */
function shownFrom(image, address) {
  if (image.getAttribute("src") === address) return;
  setAttribute(image, "src", address);
  image.hidden = !address;
  image.onerror = () => {
    image.hidden = true;
  };
}

/** @typedef {{ name: string, mark: string | number, hue?: string, party?: string }} NamedRow */

/** A candidate's name with mark and party. */
export class Name {
  constructor() {
    this.mark = partyMark();
    this.name = make("span", { class: "name fit" });
    this.party = make("span", { class: "party fit" });
    this.node = make("span", { class: "who" }, this.mark, make("span", { class: "names" }, this.name, this.party));
  }

  /** @param {NamedRow | null | undefined} row */
  draw(row) {
    setMark(this.mark, row ? row : null, row?.hue ?? "transparent");
    fit(this.name, row?.name ?? "");
    fit(this.party, row?.party ?? "");
  }
}

/** The curtain of an embargo: what is forbidden, until when, and what time it is. No numbers are behind it. */
export class Curtain {
  /** @param {Tools} tools */
  constructor({ t, format }) {
    this.t = t;
    this.format = format;
    this.clock = make("b", { class: "clock" });
    this.until = make("span", { class: "until" });
    this.node = make(
      "div",
      { class: "curtain", hidden: true },
      make("span", { class: "ban", text: t("embargoWord") }),
      this.clock,
      this.until,
    );
  }

  /** @param {{embargoed: boolean, until: string | null, now: string | null}} options */
  draw({ embargoed, until, now }) {
    this.node.hidden = !embargoed;
    if (!embargoed) return;
    setText(this.clock, `${this.format.clock(now)} ${this.format.zone()}`);
    setText(
      this.until,
      until
        ? this.t("embargoUntil", { time: this.format.minute(until), zone: this.format.zone() })
        : this.t("embargoOpen"),
    );
  }
}
