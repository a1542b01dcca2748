/**
 * Starts the control room: who is there, then the definition, then the room.
 */

import { awaitDefinition } from "../client/index.js";
import { byId, setText } from "../dom.js";
import { Election } from "../election.js";
import { formats } from "../format.js";
import { wordsOf } from "../levels.js";
import { languageOf } from "../selection.js";
import { Ordering } from "./ordering.js";
import { Renewal } from "./renewal.js";
import { Room } from "./room.js";
import { keepToken, signIn } from "./sign-in.js";
import { words } from "./words.js";

async function start() {
  const language = languageOf(location.search);
  const t = words(language);
  document.documentElement.lang = language;
  document.title = `sandık · ${t("title")}`;
  setText(byId("title"), t("title"));
  const who = await signIn(t);
  const election = new Election(await awaitDefinition({ url: location.href, token: who.token }));
  const format = formats(language, election.timezone);
  const room = new Room({ election, language, words: wordsOf(t, election), format, token: who.token });
  const ordering = new Ordering({
    ...who,
    words: t,
    url: location.href,
    heard: (state) => {
      room.draw(state);
      renewal.draw(Date.parse(state.at));
    },
    failed: (error) => {
      room.fail(error);
      renewal.draw(ordering.now);
    },
  });
  const renewal = new Renewal({
    root: /** @type {HTMLDetailsElement} */ (byId("renewal")),
    words: t,
    format,
    token: who.token,
    take: async (token) => {
      await ordering.renew(token);
      keepToken(token);
      room.renew(token);
    },
  });
  room.open(ordering);
  ordering.watch();
}

start();
