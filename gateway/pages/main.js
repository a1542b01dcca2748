/**
 * Starts the page: the definition (asked for until there is one) and beside it the stream, then the board.
 */

import { Board, endWaiting, showWaiting } from "./board.js";
import { awaitDefinition, connect, fetchDefinition, newDefinition } from "./client/index.js";
import { Election } from "./election.js";
import { askFirst } from "./first-figures.js";
import { formats } from "./format.js";
import { wordsOf } from "./levels.js";
import { settleToken, takeTokens } from "./renewal.js";
import { languageOf } from "./selection.js";
import { words } from "./strings.js";

/** @import { Definition } from "./types.d.ts" */

/**
 * Another epoch may be another election: then the page starts anew, otherwise it goes on with what it shows.
 * @param {Definition} before
 */
async function reloadIfChanged(before) {
  if (await newDefinition({}, before)) location.reload();
}

async function start() {
  settleToken();
  const first = askFirst();
  /** @type {Definition | null} */
  let definition = null;
  const follow = () => {
    const following = connect();
    /** @type {string | null} */
    let epoch = null;
    following.on("hello", (message) => {
      if (definition && epoch !== null && epoch !== message.epoch) reloadIfChanged(definition);
      epoch = message.epoch;
    });
    return following;
  };
  let night = follow(); // beside the definition: neither waits for the other
  takeTokens(async (token) => {
    if (definition) await fetchDefinition({ token }); // a gateway that has no run yet says nothing of a token
    night.renew(token);
  });
  const language = languageOf(location.search);
  const t = words(language);
  document.documentElement.lang = language;
  const format = formats(language, "Europe/Istanbul");
  definition = await awaitDefinition({ onWait: (error) => showWaiting({ words: t, format, error }) });
  endWaiting();
  if (night.status === "refused") night = follow();
  else if (night.status === "lost") night.open(); // no pause is due any more
  const election = new Election(definition);
  new Board({
    election,
    night,
    words: wordsOf(t, election),
    format: formats(language, election.timezone),
    first: await first(),
  });
}

start();
