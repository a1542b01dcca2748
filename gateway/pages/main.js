/**
 * Starts the page: the definition first (asked for until there is one), then the board, then the stream.
 */

import { Board, endWaiting, showWaiting } from "./board.js";
import { Client, retryDelay, routeUrl, streamUrl } from "./client.js";
import { Election } from "./election.js";
import { formats } from "./format.js";
import { languageOf } from "./place.js";
import { Store } from "./store.js";
import { words } from "./strings.js";

/** A definition of all Türkiye is some MiB: more than this is a stuck connection. */
const DEFINITION_TIMEOUT_MS = 20_000;

async function fetchDefinition() {
  const route = routeUrl("/v1/definition", location.href);
  const response = await fetch(route, { cache: "no-cache", signal: AbortSignal.timeout(DEFINITION_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`The definition is not there yet (${response.status}).`);
  return response.text();
}

async function awaitDefinition(tell) {
  for (let failures = 0; ; failures += 1) {
    try {
      return await fetchDefinition();
    } catch {
      tell();
      await new Promise((resolve) => { setTimeout(resolve, retryDelay(Math.min(failures, 4))); });
    }
  }
}

/** Another epoch may be another election: then the page starts anew, otherwise it goes on with what it shows. */
async function renewIfChanged(before) {
  const after = await fetchDefinition().catch(() => before);
  if (after !== before) location.reload();
}

async function start() {
  const language = languageOf(location.search);
  const t = words(language);
  document.documentElement.lang = language;
  const text = await awaitDefinition(() => showWaiting({ words: t, format: formats(language, "Europe/Istanbul") }));
  endWaiting();
  const election = new Election(JSON.parse(text));
  const store = new Store();
  let board = null;
  let epoch = null;
  const listener = {
    change: () => board.change(),
    heard: (source) => board.feeds.heard(source),
    state: (message) => board.state(message),
    connection: (news) => board.connection(news),
    fault: (message) => board.fault(message),
    hello: (message) => {
      board.hello(message);
      if (epoch !== null && epoch !== message.epoch) renewIfChanged(text);
      epoch = message.epoch;
    },
  };
  const client = new Client({ url: streamUrl(location.href), store, listener });
  board = new Board({
    election, store, words: t, format: formats(language, election.timezone),
    watch: (subscriptions) => client.want(election, subscriptions),
  });
  client.start();
}

start();
