/**
 * Starts the page: the definition first (asked for until there is one), then the board, then the stream.
 */

import { Board, endWaiting, showWaiting } from "./board.js";
import { awaitDefinition, connect, fetchDefinition } from "./client/index.js";
import { Election } from "./election.js";
import { formats } from "./format.js";
import { languageOf } from "./place.js";
import { settleToken, takeTokens } from "./renewal.js";
import { words } from "./strings.js";

/** Another epoch may be another election: then the page starts anew, otherwise it goes on with what it shows. */
async function renewIfChanged(before) {
  const after = await fetchDefinition().catch(() => before);
  if (JSON.stringify(after) !== JSON.stringify(before)) location.reload();
}

async function start() {
  settleToken();
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
  let epoch = null;
  night.on("hello", (message) => {
    if (epoch !== null && epoch !== message.epoch) renewIfChanged(definition);
    epoch = message.epoch;
  });
  new Board({ election, night, words: t, format: formats(language, election.timezone) });
}

start();
