/**
 * The gallery at `/overlays`: every overlay live, with a form of what its address may say, and the address to copy.
 */

import { awaitDefinition } from "../client/index.js";
import { byId, make, setAttribute, setText } from "../dom.js";
import { Election } from "../election.js";
import { MANIFEST } from "../overlays/manifest.js";
import { fieldOf, standardOf, writtenIn } from "../parameter-fields.js";
import { languageOf } from "../selection.js";
import { words } from "../strings.js";
import { addressOf, usesOf } from "./address.js";

/** @import { OverlayAbout } from "../overlays/types.d.ts" */
/** @import { Choices } from "../parameter-fields.js" */

/** How long a button says that it has copied. */
const DONE_MS = 1_500;
/** An address that is being typed is not opened at every letter. */
const PAUSE_MS = 400;
/** What only a desk that sets up wants; the others stay few. */
const LEFT_OUT = ["debug", "safe"];

const t = words(languageOf(location.search));
const token = new URLSearchParams(location.search).get("token") ?? "";

/**
 * A line with what a tool is told, and a button that copies it.
 * @param {string} tool
 */
function useOf(tool) {
  const text = make("input", { readonly: true, "aria-label": tool });
  const button = make("button", { type: "button", text: t("copy") });
  button.addEventListener("click", async () => {
    text.select();
    await navigator.clipboard?.writeText(text.value).catch(() => document.execCommand("copy"));
    if (!navigator.clipboard) document.execCommand("copy"); // without TLS a browser offers no other way
    setAttribute(button, "data-done", "");
    setTimeout(() => setAttribute(button, "data-done", null), DONE_MS);
  });
  return { text, node: make("div", { class: "use" }, make("b", { text: tool }), text, button) };
}

/**
 * @param {OverlayAbout} about
 * @param {Readonly<Record<string, Choices>>} known
 */
function cardOf(about, known) {
  const parameters = [...MANIFEST.selection, ...about.parameters, ...MANIFEST.manner].filter(
    ({ name }) => !LEFT_OUT.includes(name),
  );
  const fields = parameters.map((one) => fieldOf(one, known[one.name] ?? []));
  const labels = parameters.map(({ title }, index) => make("label", {}, title, fields[index]));
  const form = make("form", {}, ...labels);
  const frame = make("iframe", { title: about.title, loading: "lazy" });
  const screen = make("div", { class: "screen" }, frame);
  const uses = usesOf(`${location.origin}/`, about).map(([tool]) => useOf(tool));
  const standards = Object.fromEntries(parameters.map((one) => [one.name, standardOf(one)]));
  const show = () => {
    const values = Object.fromEntries(fields.map((field) => [field.name, writtenIn(field)]));
    const address = addressOf(location.origin, about, { ...values, token }, standards);
    if (frame.src !== address) frame.src = address;
    setAttribute(screen, "data-size", values.size ?? null);
    usesOf(address, about).forEach(([, text], index) => {
      uses[index].text.value = text;
    });
  };
  let pause = 0;
  form.addEventListener("input", () => {
    clearTimeout(pause);
    pause = window.setTimeout(show, PAUSE_MS);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
  const texts = [make("h2", { text: about.title }), make("p", { text: about.description })];
  const copied = make("div", { class: "uses" }, ...uses.map(({ node }) => node));
  return make(
    "article",
    { "data-overlay": about.name },
    screen,
    make("div", { class: "words" }, ...texts, form, copied),
  );
}

async function begin() {
  document.documentElement.lang = languageOf(location.search);
  setText(byId("about"), t("galleryAbout"));
  const definition = await awaitDefinition({ url: location.href, token: () => token || undefined });
  const election = new Election(definition);
  /** @type {Readonly<Record<string, Choices>>} */
  const known = {
    contest: election.contests.map(({ id }) => /** @type {const} */ ([id, id])),
    source: election.sources.map(({ id }) => /** @type {const} */ ([id, id])),
  };
  byId("gallery").replaceChildren(...MANIFEST.overlays.map((about) => cardOf(about, known)));
}

begin();
