/**
 * The four things every screen says first: who leads, by how much, how much is counted, how old it is.
 */

import { wordsOf } from "./call.js";
import { credited, isOdd, markOdd, oddWords, partOf, progressText, turnout } from "./claims.js";
import { forgetCount, showCount } from "./countup.js";
import { make, partyMark, setAttribute, setMark, setStyle, setText } from "./dom.js";
import { affiliation } from "./election.js";
import { isManual, markManual } from "./manual.js";
import { isThin } from "./rank.js";

/** @import { MainView, Ranked, ShownFeed, Tools } from "./types.d.ts" */

/** How many names of a tie are written out. */
const NAMED_LEADERS = 2;

export class Hero {
  #place = "";

  /**
   * @param {HTMLElement} section
   * @param {Tools} tools
   */
  constructor(section, { t, format }) {
    this.section = section;
    this.t = t;
    this.format = format;
    const span = (/** @type {string} */ name) => make("span", { class: name });
    this.name = span("name");
    this.party = span("party");
    this.verb = span("verb");
    this.percent = span("percent");
    this.votes = span("votes");
    this.rival = span("rival");
    this.gapVotes = span("gapVotes");
    this.gapPoints = span("gapPoints");
    this.progress = span("progress");
    this.opened = span("opened");
    this.total = span("total");
    this.note = span("note");
    this.feed = span("feed");
    this.clockTime = span("clockTime");
    this.since = span("since");
    this.turnout = span("turnout");
    this.turnoutOf = span("turnoutOf");
    this.flagged = span("flagged");
    this.flaggedWhy = span("flaggedWhy");
    this.called = span("called");
    this.calledBy = span("calledBy");
    this.manual = span("manual");
    this.callRow = make(
      "div",
      { class: "call", hidden: true },
      make("dt", { text: t("call") }),
      make("dd", {}, this.called, this.calledBy),
    );
    this.manualRow = make(
      "div",
      { class: "manual", hidden: true },
      make("dt", { text: t("manualHead") }),
      make("dd", {}, this.manual),
    );
    this.lastTimeHead = make("dt");
    this.lastTime = make("dd");
    this.lastTimeRow = make("div", { class: "last-time", hidden: true }, this.lastTimeHead, this.lastTime);
    this.heading = make("h1", { id: "place" });
    this.origin = make("p", { class: "origin" });
    this.mark = partyMark();
    this.picker = make("div", { class: "picker" });
    this.back = make("a", { class: "back", hidden: true });
    this.bar = make("span", { class: "fill" });
    /** @param {string} text */
    const unit = (text) => make("span", { class: "unit", text });
    section.append(
      make("div", { class: "hero-head" }, this.heading, this.back, this.picker, this.origin),
      make("p", { class: "leader", "aria-live": "polite" }, this.mark, this.name, this.party, this.verb),
      make(
        "div",
        { class: "who" },
        make("p", { class: "share" }, this.percent),
        make("p", { class: "own" }, this.votes, unit(t("votesWord"))),
      ),
      make(
        "div",
        { class: "margin" },
        make("p", { class: "label" }, this.rival),
        make("p", { class: "big" }, this.gapVotes, unit(t("votesWord"))),
        make("p", { class: "next" }, this.gapPoints, unit(t("pointsWord"))),
      ),
      make(
        "div",
        { class: "counted" },
        make("p", { class: "label" }, t("opened"), this.progress),
        make("p", { class: "boxes" }, this.opened, " / ", this.total),
        make("div", { class: "track", "aria-hidden": "true" }, this.bar),
        make("p", { class: "note" }, this.note),
      ),
      make(
        "div",
        { class: "age" },
        make("p", { class: "label" }, t("lastBox"), this.feed),
        make("p", { class: "when" }, this.clockTime, unit(format.zone())),
        make("p", { class: "old" }, this.since),
      ),
      make(
        "dl",
        { class: "facts" },
        make("div", {}, make("dt", { text: t("turnout") }), make("dd", {}, this.turnout, this.turnoutOf)),
        make("div", {}, make("dt", { text: t("flagged") }), make("dd", {}, this.flagged, this.flaggedWhy)),
        this.lastTimeRow,
        this.callRow,
        this.manualRow,
      ),
    );
  }

  /**
   * What has changed since the last time, and since which; nothing where nobody knows.
   * @param {string} base
   * @param {readonly string[]} lines
   */
  sinceLastTime(base, lines) {
    setAttribute(this.lastTimeRow, "hidden", lines.length ? null : "");
    setText(this.lastTimeHead, `${this.t("lastTime")}: ${base}`);
    setText(this.lastTime, lines.join(" · "));
  }

  /**
   * Draw a unit's figures. `view` is what board.js derives: unit, contest, source, entry, ranked, lead, hue.
   * @param {MainView} view
   */
  draw(view) {
    const { t, format } = this;
    const place = `${view.contest.id} ${view.source.id} ${view.unit.id}`;
    if (place !== this.#place) for (const node of [this.votes, this.opened, this.gapVotes]) forgetCount(node);
    this.#place = place;
    setText(this.heading, view.unit.name);
    setText(this.origin, `${view.contest.name} · ${t("source", { source: view.source.name })}`);
    setAttribute(this.back, "hidden", view.above ? null : "");
    if (view.above) {
      setText(this.back, `← ${t("back", { place: view.above.name })}`);
      setAttribute(this.back, "href", view.above.href);
      setAttribute(this.back, "data-unit", view.above.id);
    }
    this.#leader(view);
    this.#counted(view);
    const { cast, registered, share, isGiven } = turnout(view.entry);
    setText(this.turnout, format.percentOf(share ?? NaN));
    const of = t("turnoutOf", { cast: format.count(cast), registered: format.count(registered) });
    setText(this.turnoutOf, isGiven ? of : t("notGiven"));
    setText(this.flagged, format.count(view.notTold ? NaN : (view.entry?.flagged ?? 0)));
    const annulled = view.entry?.annulled ?? 0;
    setText(this.flaggedWhy, annulled ? t("annulled", { n: format.count(annulled) }) : t("flaggedWhy"));
    this.#call(view);
    this.#manual(view);
  }

  /**
   * What an editor has called; never what the figures suggest.
   * @param {MainView} mainView
   */
  #call({ call, ranked }) {
    const { t, format } = this;
    setAttribute(this.callRow, "hidden", call ? null : "");
    if (!call) return;
    const { text, by } = wordsOf(call, ranked, { t, format });
    setText(this.called, text);
    setText(this.calledBy, by);
  }

  /**
   * Which of the figures here an operator has set by hand.
   * @param {MainView} mainView
   */
  #manual({ entry, lead, ranked }) {
    const { t } = this;
    /** @param {Ranked} ranked */
    const votes = ({ candidate }) => `votes.${candidate.id}`;
    const first = lead?.leaders[0];
    markManual(this.votes, first && isManual(entry, votes(first)), t);
    markManual(this.gapVotes, first && isManual(entry, votes(first), ...(lead.second ? [votes(lead.second)] : [])), t);
    markManual(this.opened, isManual(entry, "boxes_opened"), t);
    markManual(this.turnout, isManual(entry, "cast", "registered"), t);
    setAttribute(this.manualRow, "hidden", isManual(entry) ? null : "");
    /** @param {string} figure */
    const nameOf = (figure) => ranked.find((row) => votes(row) === figure)?.candidate.name ?? t(`figure_${figure}`);
    setText(this.manual, (entry?.overridden ?? []).map(nameOf).join(", "));
  }

  /**
   * Draw how old the figures are: the unit's last box in event time, the source's last word in the viewer's.
   * @param {ShownFeed} feed
   * @param {string} stateWord
   * @param {string | null} last
   */
  age(feed, stateWord, last) {
    setText(this.clockTime, this.format.clock(last));
    setText(this.since, this.t("feedAge", { age: this.format.age(feed.age_s ?? NaN) }));
    setText(this.feed, stateWord);
    setAttribute(this.feed, "data-state", feed.state);
    setAttribute(this.section, "data-state", feed.state);
  }

  /** @param {MainView} mainView */
  #leader({ lead, entry, hue }) {
    const { t, format } = this;
    const leaders = lead?.leaders ?? [];
    const first = leaders[0];
    setAttribute(this.section, "data-lead", lead ? (leaders.length > 1 ? "tie" : "lead") : "none");
    setText(this.name, lead ? this.#names(leaders) : t(entry?.boxes_opened ? "nobody" : "noBoxes"));
    setText(this.party, lead && leaders.length === 1 ? affiliation(first.candidate, t) : "");
    setText(this.verb, lead ? t(leaders.length > 1 ? "tie" : "leads") : "");
    setMark(this.mark, leaders.length === 1 ? first.candidate : null, first ? hue(first.candidate) : "transparent");
    setText(this.percent, first ? format.percentOf(first.share ?? NaN) : format.nothing);
    showCount(this.votes, first ? first.votes : NaN, format.count);
    const rival = lead?.second;
    setText(
      this.rival,
      !lead || leaders.length > 1 ? t("margin") : rival ? t("marginWith", { name: rival.candidate.name }) : t("alone"),
    );
    showCount(this.gapVotes, lead ? lead.votes : NaN, format.count);
    setText(this.gapPoints, format.points(lead?.points ?? NaN));
    this.gapPoints.dataset.value = String(lead?.points ?? "");
  }

  /**
   * Everyone who shares the lead, by name as long as they fit.
   * @param {readonly Ranked[]} leaders
   */
  #names(leaders) {
    const named = leaders
      .slice(0, NAMED_LEADERS)
      .map((row) => row.candidate.name)
      .join(" – ");
    return leaders.length > NAMED_LEADERS ? `${named} +${leaders.length - NAMED_LEADERS}` : named;
  }

  /** @param {MainView} mainView */
  #counted({ entry, boxesTotal, registeredTotal, notTold }) {
    const { t, format } = this;
    const opened = entry?.boxes_opened ?? 0;
    // before the first figures a dash, not a zero that was never counted; and what comes then does not count up from it
    showCount(this.opened, entry ? opened : NaN, format.count);
    setText(this.total, format.count(boxesTotal));
    setText(this.progress, notTold ? "" : progressText(format, entry, boxesTotal));
    setStyle(this.bar, "--part", partOf(entry, boxesTotal).toFixed(4));
    const thin = isThin(credited(entry), boxesTotal);
    setAttribute(this.section, "data-thin", thin ? "" : null);
    const left = isOdd(entry) ? NaN : registeredTotal - (entry ? (entry.registered ?? NaN) : 0);
    const rest = entry?.complete
      ? t("allOpened")
      : Number.isFinite(left)
        ? t("remaining", { n: format.count(Math.max(0, left)) })
        : "";
    const note = isOdd(entry) ? `${t("oddHead")}: ${oddWords(entry, t)}` : thin ? t("thin") : rest;
    setText(this.note, notTold || note);
    markOdd(this.note, entry, t); // all of it on one line, so that nothing moves
  }
}
