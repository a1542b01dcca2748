/**
 * Why two sources differ, as the gateway says it: asked for at once when something else is looked at, and again when
 * figures have changed, but no more often than a person reads. Without any I/O of its own.
 */

import { wholeOf } from "./claims.js";

/** @import { Column, Comparison, Gap, Question, Side, SideNames, Source, Sums, Tools, Words } from "./types.d.ts" */

/** Comparisons come every few seconds; asking more often would show the same. */
export const PAUSE_MS = 3_000;

/** @type {readonly Side[]} */
const SIDES = ["a", "b"];

export class Explanation {
  #question = "";
  /** @type {string | null} */
  #figures = null;
  #askedAt = -Infinity;
  #asking = false;

  /**
   * What is known of the question that is asked now; null before the first answer.
   * @type {Comparison | null}
   */
  answer = null;

  /**
   * `ask(question)` promises an answer, or fails; `changed()` is called when there is one; `now` gives milliseconds.
   * @param {{ask: (question: Question) => Promise<Comparison | null>, changed: () => void, now: () => number}} options
   */
  constructor({ ask, changed, now }) {
    this.ask = ask;
    this.changed = changed;
    this.now = now;
  }

  /**
   * Want this question ({contest, unit, a, b}) answered; null for none. `figures` is a text that changes with them, and
   * `splits` whether the boxes of both sources are known, so that there will be a why.
   * @param {Question | null} question
   * @param {string} figures
   * @param {boolean} splits
   */
  want(question, figures, splits) {
    const key = JSON.stringify(question);
    if (key !== this.#question) {
      this.#question = key;
      this.answer = null;
      this.#askedAt = -Infinity;
    }
    if (question === null || this.#asking) return;
    const complete =
      this.answer !== null && (!splits || this.answer.why?.behind === 0 || silent(this.answer).length > 0);
    const settled = complete && this.#figures === figures;
    if (!settled && this.now() - this.#askedAt >= PAUSE_MS) this.#go(question, key, figures);
  }

  /**
   * @param {Question} question
   * @param {string} key
   * @param {string} figures
   */
  async #go(question, key, figures) {
    this.#asking = true;
    this.#askedAt = this.now();
    const answer = await this.ask(question).catch(() => null);
    this.#asking = false;
    if (key !== this.#question) this.#askedAt = -Infinity;
    else if (answer) [this.answer, this.#figures] = [answer, figures];
    this.changed();
  }
}

/**
 * The sides ("a", "b") of an answer that have no figures in the unit: then there is no gap, and nothing to wait for.
 * @param {Comparison | null} answer
 */
export function silent(answer) {
  return SIDES.filter((side) => ["nothing", "no_box"].includes(answer?.[side]?.standing ?? ""));
}

/**
 * Why there is no split of the gap, in words: `names` are the sources' by side, `inTotals` one that reports districts.
 * @param {Comparison | null} answer
 * @param {{names: SideNames, unit: string, held?: boolean, inTotals?: Source | undefined, t: Words}} options
 */
export function reasonOf(answer, { names, unit, held, inTotals, t }) {
  if (held) return t("whyHeld");
  const sides = silent(answer);
  if (sides.length)
    return sides
      .map((side) =>
        t(answer?.[side].standing === "nothing" ? "whyNothing" : "whyNoBox", { source: names[side], unit }),
      )
      .join(" ");
  if (inTotals) return t("whyDistricts", { source: inTotals.name });
  const byHand = SIDES.find((side) => answer?.[side]?.standing === "by_hand");
  return byHand ? t("whyByHand", { source: names[byHand], unit }) : t("whySoon");
}

/**
 * What is to be known beside a gap: figures by hand, what is set aside, who has not reported the same districts.
 * @param {Comparison | null} answer
 * @param {{names: SideNames, leader: string} & Tools} options
 */
export function notesOf(answer, { names, leader, t, format }) {
  if (!answer) return [];
  const share = (/** @type {Sums} */ sums) => format.percent(sums.votes[answer.leaders[0]] ?? 0, wholeOf(sums));
  const sides = SIDES.filter((side) => answer.why && answer[side].overridden.length);
  const differ = new Set([answer.districts_shared, answer.a.districts, answer.b.districts]).size > 1;
  const parts = SIDES.filter(
    (side) => differ && answer[side].districts > 0 && answer[side].districts < answer.districts_total,
  );
  return [
    ...(sides.length ? [`✎ ${t("whyManual", { source: sides.map((side) => names[side]).join(", ") })}`] : []),
    ...SIDES.flatMap((side) => {
      const { count, reason } = answer[side].set_aside ?? { count: 0, reason: "" };
      if (!count) return [];
      return `⚠ ${t("whySetAside", { source: names[side], n: format.count(count), reason: t(`reason_${reason}`) })}`;
    }),
    ...parts.map((side) =>
      t("whyPart", {
        source: names[side],
        n: format.count(answer[side].districts),
        m: format.count(answer.districts_total),
      }),
    ),
    ...(answer.shared
      ? [
          t("whyShared", {
            ...names,
            n: format.count(answer.districts_shared),
            name: leader,
            x: share(answer.shared.a),
            y: share(answer.shared.b),
          }),
        ]
      : []),
  ];
}

/**
 * The two sources to compare: the chosen one, and the other that is furthest from it in the leader's share.
 * @param {readonly Column[]} columns
 * @param {string} chosen
 * @param {string | undefined} leader
 */
export function pairOf(columns, chosen, leader) {
  const share = (/** @type {Column} */ { entry }) => (entry?.votes[leader ?? ""] ?? 0) / (wholeOf(entry) || NaN);
  const own = columns.find(({ source }) => source.id === chosen);
  const others = columns.filter(({ source }) => source.id !== chosen);
  if (!own || !others.length) return null;
  /** @param {Column} column */
  const far = (column) => Math.abs(share(column) - share(own)) || 0;
  const other = others.reduce((best, one) => (far(one) > far(best) ? one : best));
  return [own.source, other.source].sort(
    (left, right) =>
      columns.findIndex(({ source }) => source === left) - columns.findIndex(({ source }) => source === right),
  );
}

/**
 * A gap in points as it is shown, in hundredths: the parts add up to it after rounding, too.
 * @param {Gap} gap
 */
export function hundredths({ gap, coverage, disagreement }) {
  const [whole, first] = [Math.round(gap * 100), coverage === null ? null : Math.round(coverage * 100)];
  return { gap: whole, coverage: first, disagreement: disagreement === null ? null : whole - (first ?? 0) };
}
