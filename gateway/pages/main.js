/**
 * Starts the page: the definition first (asked for until there is one), then the board, then the stream.
 */

import { Board, endWaiting, showWaiting } from "./board.js";
import { awaitDefinition, connect, fetchDefinition, newDefinition } from "./client/index.js";
import { Election } from "./election.js";
import { formats } from "./format.js";
import { wordsOf } from "./levels.js";
import { settleToken, takeTokens } from "./renewal.js";
import { languageOf } from "./selection.js";
import { words } from "./strings.js";

/** @import { Definition, LiveNight } from "./types.d.ts" */

/**
 * Another epoch may be another election: then the page starts anew, otherwise it goes on with what it shows.
 * @param {Definition} before
 */
async function reloadIfChanged(before) {
  if (await newDefinition({}, before)) location.reload();
}

async function start() {
  settleToken();
  /** @type {LiveNight | null} */
  let night = null;
  takeTokens(async (token) => {
    if (night) await fetchDefinition({ token }); // a gateway that has no run yet says nothing of a token
    night?.renew(token);
  });
  const language = languageOf(location.search);
  const t = words(language);
  document.documentElement.lang = language;
  const waiting = { words: t, format: formats(language, "Europe/Istanbul") };
  const definition = await awaitDefinition({ onWait: () => showWaiting(waiting) });
  endWaiting();
  const election = new Election(definition);
  night = connect();
  /** @type {string | null} */
  let epoch = null;
  night.on("hello", (message) => {
    if (epoch !== null && epoch !== message.epoch) reloadIfChanged(definition);
    epoch = message.epoch;
  });
  new Board({ election, night, words: wordsOf(t, election), format: formats(language, election.timezone) });
}

start();
