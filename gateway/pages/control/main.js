/**
 * Starts the control room: who is there, then the definition, then the room.
 */

import { awaitDefinition } from "../client/index.js";
import { byId, make, setText } from "../dom.js";
import { Election } from "../election.js";
import { formats } from "../format.js";
import { wordsOf } from "../levels.js";
import { settleToken } from "../renewal.js";
import { languageOf } from "../selection.js";
import { Ordering } from "./ordering.js";
import { Renewal } from "./renewal.js";
import { Room } from "./room.js";
import { signerFrom } from "./signing.js";
import { words } from "./words.js";

/** @import { OrderingOptions, Words } from "./types.d.ts" */

const NAME_KEY = "sandik.operator";

/**
 * A form for the token (unless the address brings it), the operator's name and key; the key stays in this page's
 * memory.
 * @param {Words} t
 * @returns {Promise<Pick<OrderingOptions, "token" | "by" | "signer">>}
 */
function signIn(t) {
  const brought = new URLSearchParams(location.search).get("token");
  /**
   * @param {string} id
   * @param {Readonly<Record<string, unknown>> & {"data-label": string}} attributes
   */
  const field = (id, attributes) => {
    const input = make("input", { id, autocomplete: "off", ...attributes });
    return { input, nodes: [make("label", { for: id, text: t(attributes["data-label"]) }), input] };
  };
  const token = field("token", { "data-label": "token", type: "password", required: true });
  const name = field("name", { "data-label": "name", required: true, maxlength: 100 });
  const key = field("key", { "data-label": "keyFile", type: "file" });
  const problem = make("p", { class: "problem", role: "alert" });
  const form = make(
    "form",
    { class: "sign-in panel" },
    make("h2", { text: t("signIn") }),
    ...(brought ? [] : token.nodes),
    ...name.nodes,
    ...key.nodes,
    problem,
    make("p", { class: "choices" }, make("button", { class: "give", text: t("enter") })),
  );
  name.input.value = sessionStorage.getItem(NAME_KEY) ?? "";
  byId("room").replaceChildren(form);
  (brought ? name.input : token.input).focus();
  return new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const file = key.input.files?.[0];
        const signer = file ? await signerFrom(await file.text()) : null;
        sessionStorage.setItem(NAME_KEY, name.input.value);
        resolve({ token: brought ?? token.input.value.trim(), by: name.input.value.trim(), signer });
      } catch (error) {
        setText(problem, t(error instanceof Error && error.message === "no_ed25519" ? "noEd25519" : "noKey"));
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
      renewal.draw(Date.now());
    },
  });
  const renewal = new Renewal({
    root: /** @type {HTMLDetailsElement} */ (byId("renewal")),
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
