/**
 * The rundown: the graphics of the night in their order, what is next and what is on air on a channel. By mouse, and in
 * the list by single keys. These orders show no figure that is not public, so none of them is asked about.
 */

import { arrange, make, setAttribute, setText } from "../dom.js";
import { AirFrame, graphicAddress, programAddress } from "./air-frame.js";
import { focusedPanel, settleFocus } from "./focus.js";
import { GivenOrders } from "./given.js";
import { GraphicForm } from "./graphic-form.js";
import { aboutOf, graphicName, graphicParts } from "./graphic-names.js";
import { placeAtEnd, placeMoved } from "./places.js";

/**
 * @import { ListedGraphic, OrderFields, PanelTools, RoomState, RundownItem, RundownState } from "./types.d.ts"
 */

/** The channels that are offered; others are as well, once something is cued or on air there. */
const CHANNELS = ["a", "b", "c", "d"];

/** @type {RundownState} */
const EMPTY = { items: [], cued: {}, on_air: {} };

/** @typedef {{ node: HTMLLIElement, mark: HTMLElement, name: HTMLElement, rest: HTMLElement }} Row */

export class RundownPanel {
  #rundown = EMPTY;
  #channel;
  #list;
  #form;
  #given;
  #problem = make("p", { class: "problem", role: "alert" });
  #preview = new AirFrame("preview");
  #program = new AirFrame("program");
  #others = make("div", { class: "others" });
  /** @type {Map<string, AirFrame>} */
  #otherFrames = new Map();
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {string | null} */
  #selected = null;
  /** The order that is on its way. */
  #giving = Promise.resolve();

  /** @param {PanelTools} tools */
  constructor({ root, room, words, election }) {
    this.room = room;
    this.t = words;
    this.election = election;
    this.#channel = make("select", { id: "rundown-channel" });
    this.#channel.addEventListener("change", () => this.#show());
    this.#list = make("ul", { class: "rundown-list", "aria-label": words("rundownList"), tabindex: 0 });
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("focusin", ({ target }) => {
      if (target instanceof HTMLLIElement && target.dataset.item) this.#select(target.dataset.item);
    });
    this.#form = new GraphicForm({
      words,
      election,
      place: () => ({ contest: room.place.contest, unit: room.place.unit, source: room.place.source }),
      give: (graphic, item) => this.#write(graphic, item),
      leave: () => this.focus(),
    });
    const history = make("div");
    this.#given = new GivenOrders({
      root: history,
      room,
      words,
      name: "rundown-given",
      shown: 1,
      undo: (fields, what) => this.#give(fields, `${words("undo")}: ${what}`),
    });
    const actions = [
      this.#button("take-graphic", "takeGraphic", () => this.#take()),
      this.#button("clear-graphic", "clearGraphic", () => this.#clear()),
      this.#button("step-graphic", "stepGraphic", () => this.#step()),
    ];
    const air = make("div", { class: "air-frames" }, this.#preview.node, this.#program.node, this.#others);
    const line = make(
      "p",
      { class: "choices" },
      make("label", { for: "rundown-channel", text: words("channel") }),
      this.#channel,
      ...actions,
    );
    root.append(
      make("div", { class: "rundown-body" }, make("div", {}, line, this.#list, this.#problem, history), air),
      this.#form.node,
      make("p", { class: "soft", text: words("rundownKeys") }),
    );
  }

  /**
   * Show the rundown as it is by now.
   * @param {RoomState} state
   */
  draw(state) {
    this.#rundown = state.rundown;
    this.#given.draw(state);
    this.#offer();
    this.#show();
  }

  /** Bring the focus to the list: to the item that was selected, or is next. */
  focus() {
    const item = this.#selected ?? this.#cued?.item ?? this.#rundown.items[0]?.item;
    const row = this.#rows.get(item ?? "");
    (row?.node ?? this.#list).focus();
    this.#list.scrollIntoView({ block: "nearest" });
  }

  /**
   * Hand the next read token to the pictures.
   * @param {string} token
   */
  renew(token) {
    for (const one of [this.#preview, this.#program, ...this.#otherFrames.values()]) one.renew(token);
  }

  /** @returns {RundownItem | undefined} */
  get #cued() {
    return this.#itemOf(this.#rundown.cued[this.#channel.value]);
  }

  get #onAir() {
    return this.#rundown.on_air[this.#channel.value];
  }

  /** @param {string | null | undefined} item */
  #itemOf(item) {
    return this.#rundown.items.find((one) => one.item === item);
  }

  /** The channels, those in use among them. */
  #offer() {
    const { cued, on_air: onAir } = this.#rundown;
    const channels = [...new Set([...CHANNELS, ...Object.keys(cued), ...Object.keys(onAir)])].sort();
    if (channels.length === this.#channel.options.length) return;
    const chosen = this.#channel.value || CHANNELS[0];
    this.#channel.replaceChildren(...channels.map((name) => make("option", { value: name, text: name })));
    this.#channel.value = chosen;
  }

  #show() {
    const [channel, cued, shown] = [this.#channel.value, this.#cued, this.#onAir];
    const { token } = this.room;
    const named = (/** @type {ListedGraphic | undefined} */ one) => (one ? this.#named(one) : this.t("noGraphic"));
    this.#preview.show(cued ? graphicAddress(cued) : "", token, `${this.t("nextGraphic")}: ${named(cued)}`);
    this.#program.show(programAddress(channel), token, `${this.t("program")} (${channel}): ${named(shown)}`);
    this.#showOthers();
    this.#list.toggleAttribute("data-empty", this.#rundown.items.length === 0);
    this.#showRows();
    this.#idle("take-graphic", !cued);
    this.#idle("clear-graphic", !shown);
    this.#idle("step-graphic", !shown || !aboutOf(shown.overlay)?.walks);
  }

  #showOthers() {
    const others = Object.keys(this.#rundown.on_air).filter((name) => name !== this.#channel.value);
    this.#otherFrames = new Map(others.map((name) => [name, this.#otherFrames.get(name) ?? new AirFrame("other")]));
    for (const [name, frame] of this.#otherFrames)
      frame.show(programAddress(name), this.room.token, `${name}: ${this.#named(this.#rundown.on_air[name])}`);
    arrange(
      this.#others,
      [...this.#otherFrames.values()].map(({ node }) => node),
    );
  }

  #showRows() {
    const { items } = this.#rundown;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    const panel = this.#list.contains(focused) ? focusedPanel() : null;
    this.#rows = new Map(items.map(({ item }) => [item, this.#rows.get(item) ?? this.#row(item)]));
    if (this.#selected && !this.#rows.has(this.#selected)) this.#selected = null;
    items.forEach((one, index) => this.#showRow(one, index));
    if (items.length)
      arrange(
        this.#list,
        [...this.#rows.values()].map(({ node }) => node),
      );
    else if (!this.#list.querySelector(".soft"))
      this.#list.replaceChildren(make("li", { class: "soft", text: this.t("noRundown") }));
    setAttribute(this.#list, "tabindex", items.length ? "-1" : "0");
    if (panel) focused?.focus(); // a row that was moved has lost it
    settleFocus(panel);
  }

  /**
   * @param {RundownItem} one
   * @param {number} index
   */
  #showRow(one, index) {
    const row = this.#rows.get(one.item);
    if (!row) return;
    const isOn = this.#onAir?.item === one.item;
    const isNext = this.#cued?.item === one.item;
    const parts = graphicParts(this.t, this.election, one);
    setText(row.name, `${index + 1}. ${parts.slice(0, 2).join(" · ")}`);
    setText(row.rest, parts.slice(2).join(" · "));
    setAttribute(row.node, "title", parts.join(" · "));
    setText(row.mark, [isOn ? this.t("onAirMark") : "", isNext ? this.t("nextMark") : ""].filter(Boolean).join(" · "));
    setAttribute(row.node, "data-on-air", isOn ? "true" : null);
    setAttribute(row.node, "data-next", isNext ? "true" : null);
    setAttribute(row.node, "tabindex", one.item === (this.#selected ?? this.#rundown.items[0].item) ? "0" : "-1");
  }

  /** @param {string} item */
  #row(item) {
    const [mark, name] = [make("b", { class: "mark-on-air" }), make("b")];
    const rest = make("span", { class: "soft" });
    const button = (/** @type {string} */ word, /** @type {() => void} */ act) => {
      const node = make("button", { type: "button", tabindex: -1, "data-orders": true, text: this.t(word) });
      node.addEventListener("click", () => act());
      return node;
    };
    const node = make(
      "li",
      { "data-item": item, tabindex: -1 },
      mark,
      make("span", { class: "graphic-name" }, name, rest),
      button("cueGraphic", () => this.#cue(item)),
      button("moveUp", () => this.#move(item, -1)),
      button("moveDown", () => this.#move(item, 1)),
      button("editGraphic", () => this.#edit(item)),
      button("unlistGraphic", () => this.#unlist(item)),
    );
    return { node, mark, name, rest };
  }

  /**
   * @param {string} id
   * @param {string} word
   * @param {() => void} act
   */
  #button(id, word, act) {
    const node = make("button", { id, type: "button", "data-orders": true, text: this.t(word) });
    node.addEventListener("click", act);
    return node;
  }

  /**
   * @param {string} id
   * @param {boolean} idle
   */
  #idle(id, idle) {
    const button = /** @type {HTMLButtonElement} */ (document.getElementById(id));
    button.dataset.idle = String(idle);
    button.disabled = idle || !this.room.mayOrder;
  }

  /** @param {ListedGraphic} graphic */
  #named(graphic) {
    return graphicName(this.t, this.election, graphic);
  }

  /** @param {string} item */
  #select(item) {
    this.#selected = item;
    for (const [name, { node }] of this.#rows) setAttribute(node, "tabindex", name === item ? "0" : "-1");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || (event.target instanceof Element && event.target.closest("button"))) return;
    const item = this.#selected;
    const key = event.altKey ? `Alt ${event.key}` : event.key.toLowerCase();
    /** @type {Readonly<Record<string, () => unknown>>} */
    const keys = {
      arrowup: () => this.#go(-1),
      arrowdown: () => this.#go(1),
      enter: () => this.#take(),
      x: () => this.#clear(),
      s: () => this.#step(),
      z: () => this.#giving.then(() => this.#given.undoNewest()),
      n: () => this.#form.focus(),
      ...(item && {
        " ": () => this.#cue(item),
        "Alt ArrowUp": () => this.#move(item, -1),
        "Alt ArrowDown": () => this.#move(item, 1),
        e: () => this.#edit(item),
        delete: () => this.#unlist(item),
      }),
    };
    const act = Object.hasOwn(keys, key) ? keys[key] : null;
    if (!act) return;
    event.preventDefault();
    event.stopPropagation(); // in the list a letter is the list's
    act();
  }

  /** @param {-1 | 1} by */
  #go(by) {
    const { items } = this.#rundown;
    const at = items.findIndex(({ item }) => item === this.#selected);
    const next = items[Math.min(Math.max(at + by, 0), items.length - 1)];
    if (next) this.#rows.get(next.item)?.node.focus();
  }

  /** @param {string} item */
  #cue(item) {
    const one = this.#itemOf(item);
    const channel = this.#channel.value;
    if (one) this.#give({ type: "graphic_cued", channel, item }, `${this.t("graphic_cued")}: ${this.#named(one)}`);
  }

  #take() {
    const one = this.#cued;
    if (one) this.#takes(one, 0);
  }

  #step() {
    const shown = this.#onAir;
    if (shown && aboutOf(shown.overlay)?.walks) this.#takes(shown, shown.step + 1);
  }

  /**
   * @param {ListedGraphic & { readonly item: string | null }} graphic
   * @param {number} step
   */
  #takes({ item, overlay, parameters }, step) {
    const channel = this.#channel.value;
    const what = `${this.t("graphic_taken")} (${channel}): ${this.#named({ overlay, parameters })}`;
    this.#give({ type: "graphic_taken", channel, item, overlay, parameters, step }, what);
  }

  #clear() {
    const channel = this.#channel.value;
    if (this.#onAir) this.#give({ type: "graphic_cleared", channel }, `${this.t("graphic_cleared")} (${channel})`);
  }

  /**
   * @param {string} item
   * @param {-1 | 1} by
   */
  #move(item, by) {
    const place = placeMoved(this.#rundown.items, item, by);
    const one = this.#itemOf(item);
    if (!one || place === null) return;
    const { overlay, parameters } = one;
    const what = `${this.t("graphic_moved")}: ${this.#named(one)}`;
    this.#give({ type: "graphic_listed", item, place, overlay, parameters }, what);
  }

  /** @param {string} item */
  #edit(item) {
    const one = this.#itemOf(item);
    if (one) this.#form.edit(item, one);
  }

  /** @param {string} item */
  #unlist(item) {
    const one = this.#itemOf(item);
    if (one) this.#give({ type: "graphic_unlisted", item }, `${this.t("graphic_unlisted")}: ${this.#named(one)}`);
  }

  /**
   * List a graphic: a new one at the end, or in the place of an item.
   * @param {ListedGraphic} graphic
   * @param {string | null} edited
   */
  async #write(graphic, edited) {
    const item = edited ?? crypto.randomUUID().slice(0, 8);
    const place = this.#itemOf(edited)?.place ?? placeAtEnd(this.#rundown.items);
    const what = `${this.t("graphic_listed")}: ${this.#named(graphic)}`;
    await this.#give({ type: "graphic_listed", item, place, ...graphic }, what);
    this.#selected = item;
    this.focus();
  }

  /**
   * Give an order at once; what is wrong with it is said below the list.
   * @param {OrderFields} fields
   * @param {string} what
   */
  #give(fields, what) {
    this.#giving = this.room
      .give(fields, (id, before) => this.#given.add(id, fields, what, before))
      .then((answer) => setText(this.#problem, answer?.error ?? ""));
    return this.#giving;
  }
}
