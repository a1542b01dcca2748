/**
 * The room by keyboard: which key does what, and the list of them that `?` opens.
 */

import { make } from "../dom.js";

/** @import { HoldAction, Words } from "./types.d.ts" */

/** Panels in the order of the number keys: 1 is the first. */
export const PANELS = ["holds", "calls", "overrides", "embargo", "given", "feeds", "alarms", "quarantine", "audit"];

/**
 * @typedef {{ kind: "hold", action: HoldAction } | { kind: "panel", panel: string } | { kind: "other", name: string }}
 *   Command
 */

/** @type {Readonly<Record<string, string>>} */
const OTHERS = { "?": "help", "/": "filter", 0: "place", g: "acknowledge", l: "rundown" };

/** What single keys do while the focus is in the rundown's list. */
const IN_RUNDOWN = [
  ["␣", "cueGraphic"],
  ["⏎", "takeGraphic"],
  ["S", "stepGraphic"],
  ["X", "clearGraphic"],
  ["N", "listGraphic"],
  ["E", "editGraphic"],
  ["Alt ↑ ↓", "moveGraphic"],
  ["Del", "unlistGraphic"],
  ["Z", "undo"],
];

/**
 * What a key asks for; null for none.
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">} event
 * @param {Readonly<Record<string, HoldAction>>} holds
 * @returns {Command | null}
 */
export function commandOf({ key, ctrlKey, metaKey, altKey }, holds) {
  if (ctrlKey || metaKey || altKey) return null;
  const action = holds[key.toLowerCase()];
  if (action) return { kind: "hold", action };
  const panel = /^[1-9]$/.test(key) ? PANELS[Number(key) - 1] : undefined;
  if (panel) return { kind: "panel", panel };
  const name = OTHERS[key.toLowerCase()];
  return name ? { kind: "other", name } : null;
}

/**
 * The dialog that lists the keys.
 * @param {Words} t
 * @param {Readonly<Record<string, HoldAction>>} holds
 */
export function keyHelp(t, holds) {
  /** @type {[string, string][]} */
  const rows = [
    ...Object.entries(holds).map(([key, action]) => /** @type {[string, string]} */ ([key.toUpperCase(), t(action)])),
    ["0", t("goPlace")],
    ...PANELS.map((panel, index) => /** @type {[string, string]} */ ([String(index + 1), t(panel)])),
    ["/", t("goFilter")],
    ["G", t("acknowledgeAll")],
    ["L", t("rundown")],
    .../** @type {[string, string][]} */ (IN_RUNDOWN.map(([key, word]) => [key, `${t("rundown")}: ${t(word)}`])),
    ["Alt 1 … 3", t("presets")],
    ["Esc", t("cancel")],
    ["?", t("help")],
  ];
  const list = make("dl", { class: "keys" });
  for (const [key, what] of rows) list.append(make("dt", {}, make("kbd", { text: key })), make("dd", { text: what }));
  const close = make("button", { type: "button", text: t("close") });
  const dialog = make("dialog", { class: "help", "aria-labelledby": "help-title" });
  dialog.append(make("h2", { id: "help-title", text: t("help") }), list, make("p", { class: "choices" }, close));
  close.addEventListener("click", () => dialog.close());
  return dialog;
}
