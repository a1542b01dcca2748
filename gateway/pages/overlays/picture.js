/**
 * What state the picture is in, and the figures of one unit as an overlay shows them. Pure: counts in, words out.
 */

import { picturesOf } from "../brand.js";
import { callOf, wordsOf } from "../call.js";
import { credited, isOdd, partOf, progressText, wholeOf } from "../claims.js";
import { isHeld } from "../client/held.js";
import { affiliation } from "../election.js";
import { feedState } from "../feed-state.js";
import { isManual } from "../manual.js";
import { isThin, shareOfOthers, sumOfOthers } from "../rank.js";

/** @import { Ranked, Scene, Source, Tools, UnitView } from "./types.d.ts" */

/** States in which what is on screen may not be so any more. */
const GRAVE = new Set(["stale", "down", "lost"]);

/**
 * The state of one source's figures on screen: `{state, word, text, grave}`; the gravest thing wins.
 * @param {Pick<Scene, "night" | "election" | "selection" | "t" | "format"> & {source: Source}} options
 */
export function stateOf({ night, election, source, selection, t, format }) {
  const { connection } = night;
  const feed = night.feed(source.id);
  /**
   * @param {string} state
   * @param {string} word
   * @param {string} text
   */
  const say = (state, word, text) => ({ state, word, text, grave: GRAVE.has(state) });
  if (connection.status === "refused") return say("lost", t("lostWord"), t("refusedOnAir", { code: connection.code }));
  if (connection.status !== "open" && connection.hadData) {
    return say("lost", t("lostWord"), t("lostOnAir", { time: format.clock(connection.currentAt) }));
  }
  if (connection.status !== "open") return say("waiting", t("waiting"), t("connecting"));
  if (isHeld(night, election, selection.contest, selection.unit)) return say("hold", t("holdWord"), t("holdOnAir"));
  const scope = election.scopeOf(selection.unit).id;
  const state = feedState(feed.state, night.entry(selection.contest, source.id, scope), night.reachable);
  const text = state === "live" ? "" : t(`${state}Text`, { source: source.name }); // what goes well needs no words
  return say(state, t(state), text);
}

/**
 * Where numbers come from and how old they are.
 * @param {Scene} scene
 * @param {string} [sourceId]
 * @param {string} [unitId]
 */
export function origin(scene, sourceId = scene.selection.source, unitId = scene.selection.unit) {
  const { night, election, t, format } = scene;
  const source = election.source(sourceId);
  const entry = scene.entry(scene.selection.contest, sourceId, unitId);
  const feed = night.feed(sourceId);
  const state = stateOf({ night, election, source, selection: { ...scene.selection, unit: unitId }, t, format });
  const exact = `${format.clock(entry?.as_of)} ${format.zone()}`;
  const goesWell = state.state === "live" || state.state === "complete";
  return {
    source: source.name,
    when: !entry ? format.nothing : goesWell ? format.minute(entry.as_of) : exact,
    manual: isManual(entry) ? t("manualWord") : "",
    age: t("feedAge", { age: format.age(feed.age_s ?? NaN) }),
    ...state,
  };
}

/**
 * Whether nothing is counted yet: before the first vote the order of a ballot says nothing, so no names are shown.
 * @param {Pick<UnitView, "ranked">} options
 */
export const isBlank = ({ ranked }) => ranked.every(({ votes }) => votes === 0);

/**
 * How much is counted, with both numbers.
 * @param {Tools} tools
 * @param {Pick<UnitView, "entry" | "boxesTotal" | "notTold">} options
 */
export function counted({ t, format }, { entry, boxesTotal, notTold }) {
  const opened = entry?.boxes_opened ?? 0;
  const thin = isThin(credited(entry), boxesTotal);
  const odd = isOdd(entry);
  return {
    opened: entry ? opened : NaN,
    total: boxesTotal,
    part: partOf(entry, boxesTotal),
    odd,
    thin: thin && Boolean(entry),
    progress: notTold ? "" : progressText(format, entry, boxesTotal),
    note: !entry ? notTold : odd ? t("oddHead") : thin ? t("thin") : entry.complete ? t("allOpened") : "",
    manual: isManual(entry, "boxes_opened"),
  };
}

/**
 * One candidate as it is written: votes to count up to, share as text, part of what shares are of for a bar.
 * @param {Scene} scene
 * @param {UnitView} unit
 * @param {Ranked} item
 */
export function written(scene, unit, item) {
  const { t, format } = scene;
  const whole = wholeOf(unit.entry);
  const { candidate } = item;
  return {
    id: candidate.id,
    name: candidate.name,
    mark: candidate.mark,
    ...picturesOf(scene.brand, candidate),
    hue: unit.hue(candidate),
    color: candidate.color,
    party: affiliation(candidate, t),
    rank: unit.entry ? `${item.rank}.${item.tied ? " =" : ""}` : "",
    votes: unit.entry ? item.votes : NaN,
    points: item.share,
    share: unit.entry ? format.percentOf(item.share ?? NaN) : format.nothing,
    part: whole > 0 ? item.votes / whole : 0,
    manual: isManual(unit.entry, `votes.${candidate.id}`),
    leads: Boolean(unit.lead) && item.rank === 1,
  };
}

/**
 * What an editor has called in this unit: `{text, by}`, or null where no call stands.
 * @param {Scene} scene
 * @param {UnitView} unitView
 */
export function called(scene, { ranked, contest, unit }) {
  const call = callOf(scene.night, contest.id, unit.id);
  return call ? wordsOf(call, ranked, scene) : null;
}

/**
 * The margin in votes and in points, and over whom; `state` is "lead", "tie" or "none".
 * @param {Tools} tools
 * @param {Pick<UnitView, "entry" | "lead">} options
 */
export function margin({ t, format }, { entry, lead }) {
  if (!lead)
    return {
      state: "none",
      label: t(entry?.boxes_opened ? "nobody" : "noBoxes"),
      votes: NaN,
      points: format.nothing,
      text: "",
    };
  const votes = t("votes", { n: format.count(lead.votes) });
  const points = t("points", { n: format.points(lead.points ?? NaN) });
  if (lead.leaders.length > 1) {
    return {
      state: "tie",
      label: t("tieOf", { n: format.count(lead.leaders.length) }),
      votes: 0,
      points: format.points(0),
      text: `${votes} · ${points}`,
    };
  }
  const rival = lead.second?.candidate.name;
  const label = rival ? t("margin") : t("alone");
  return {
    state: "lead",
    label,
    rival,
    votes: lead.votes,
    points: format.points(lead.points ?? NaN),
    text: `${votes} · ${points}`,
  };
}

/**
 * What the rows on screen leave out: the other candidates together, and the votes of nobody yet.
 * @param {Tools} tools
 * @param {Pick<UnitView, "entry" | "ranked" | "unattributedShare">} options
 * @param {readonly string[]} shown
 */
export function remainder({ t, format }, { entry, ranked, unattributedShare }, shown) {
  const others = ranked.length - shown.length;
  const votes = sumOfOthers(ranked, new Set(shown));
  return {
    others:
      others > 0
        ? {
            label: t("others", { n: format.count(others) }),
            votes: entry ? votes : NaN,
            share: entry ? format.percentOf(shareOfOthers(ranked, new Set(shown)) ?? NaN) : format.nothing,
          }
        : null,
    unattributed: entry?.unattributed
      ? { label: t("unattributed"), votes: entry.unattributed, share: format.percentOf(unattributedShare ?? NaN) }
      : null,
  };
}
