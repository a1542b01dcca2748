/**
 * Starts the control room: who is there, then the definition, then the room.
 */

import { awaitDefinition } from "../client/index.js";
import { make, say } from "../dom.js";
import { Election } from "../election.js";
import { formats } from "../format.js";
import { languageOf } from "../place.js";
import { settleToken } from "../renewal.js";
import { Ordering } from "./ordering.js";
import { Renewal } from "./renewal.js";
import { Room } from "./room.js";
import { sealFrom } from "./signing.js";
import { words } from "./words.js";

const NAME_KEY = "sandik.operator";

/** A form for the token (unless the address brings it), the operator's name and key; the key stays in this page's memory. */
function signIn(t) {
  const brought = new URLSearchParams(location.search).get("token");
  const field = (id, attributes) => {
    const input = make("input", { id, autocomplete: "off", ...attributes });
    return [make("label", { for: id, text: t(attributes["data-label"]) }), input];
  };
  const token = field("token", { "data-label": "token", type: "password", required: true });
  const name = field("name", { "data-label": "name", required: true, maxlength: 100 });
  const key = field("key", { "data-label": "keyFile", type: "file" });
  const problem = make("p", { class: "problem", role: "alert" });
  const form = make(
    "form",
    { class: "sign-in panel" },
    make("h2", { text: t("signIn") }),
    ...(brought ? [] : token),
    ...name,
    ...key,
    problem,
    make("p", { class: "choices" }, make("button", { class: "give", text: t("enter") })),
  );
  name[1].value = sessionStorage.getItem(NAME_KEY) ?? "";
  document.getElementById("room").replaceChildren(form);
  (brought ? name[1] : token[1]).focus();
  return new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const file = key[1].files[0];
        const seal = file ? await sealFrom(await file.text()) : null;
        sessionStorage.setItem(NAME_KEY, name[1].value);
        resolve({ token: brought ?? token[1].value.trim(), by: name[1].value.trim(), seal });
      } catch (error) {
        say(problem, t(error.code === "no_ed25519" ? "noEd25519" : "noKey"));
      }
    });
  });
}

async function start() {
  settleToken();
  const language = languageOf(location.search);
  const t = words(language);
  document.documentElement.lang = language;
  document.title = `sandık · ${t("title")}`;
  say(document.getElementById("title"), t("title"));
  const who = await signIn(t);
  const election = new Election(await awaitDefinition({ url: location.href, token: who.token }));
  const format = formats(language, election.timezone);
  const room = new Room({ election, language, words: t, format, token: who.token });
  const ordering = new Ordering({
    ...who,
    url: location.href,
    heard: (said) => {
      room.draw(said);
      renewal.draw(Date.parse(said.at));
    },
    failed: (error) => {
      room.fail(error);
      renewal.draw(Date.now());
    },
  });
  const renewal = new Renewal({
    root: document.getElementById("renewal"),
    words: t,
    format,
    token: who.token,
    take: async (token) => {
      await ordering.renew(token);
      room.renew(token);
    },
  });
  room.open(ordering);
  ordering.watch();
}

start();
