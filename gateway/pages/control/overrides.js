/**
 * Figures set by hand: of one district and source, marked wherever they show.
 */

import { make, setText } from "../dom.js";
import { Rows } from "./rows.js";

/** @import { PanelTools, RoomState, StandingOverride } from "./types.d.ts" */

const COUNTS = ["boxes_opened", "registered", "cast", "valid", "invalid", "unattributed", "blank"];

export class Overrides {
  #figure;
  #value;
  #note;
  #form;
  #offered = "";
  #rows;

  /** @param {PanelTools} tools */
  constructor({ root, room, words, format, election }) {
    this.room = room;
    this.t = words;
    this.format = format;
    this.election = election;
    this.#figure = make("select", { id: "figure" });
    this.#value = make("input", { id: "value", type: "number", min: 0, step: 1, required: true, inputmode: "numeric" });
    this.#note = make("p", { class: "soft" });
    this.#form = make(
      "form",
      { class: "choices" },
      make("label", { for: "figure", text: words("figure") }),
      this.#figure,
      make("label", { for: "value", text: words("value") }),
      this.#value,
      make("button", { id: "override", "data-orders": true, text: words("setFigure") }),
    );
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    const list = make("ul", { tabindex: 0, "aria-label": words("overrides") });
    this.#rows = new Rows(list, (override) => this.#row(override));
    root.append(this.#form, this.#note, list);
  }

  /**
   * Show what is set by hand, and what can be set where one looks.
   * @param {RoomState} state
   */
  draw({ overrides }) {
    const { contest, unit, source } = this.room.place;
    const level = this.election.source(source).levels?.[contest];
    const { level: own } = this.election.unit(unit);
    const isTold = !this.election.toldAbove(contest, source, unit);
    const isDistrict = level === own || (isTold && this.election.isCounting(this.election.unit(unit)));
    this.#form.hidden = !isDistrict;
    setText(this.#note, isDistrict ? "" : this.t("districtOnly"));
    if (this.#offered !== `${contest} ${unit}`) {
      this.#offered = `${contest} ${unit}`;
      const candidates = this.election
        .ballot(contest, unit)
        .map(({ id, name }) => make("option", { value: `votes.${id}`, text: name }));
      this.#figure.replaceChildren(
        ...candidates,
        ...COUNTS.filter((name) => name !== "blank" || this.election.contest(contest).blank).map((name) =>
          make("option", { value: name, text: this.t(name) }),
        ),
      );
    }
    this.#rows.draw(
      overrides,
      (one) => `${one.contest} ${one.source} ${one.district} ${one.override}`,
      this.t("noOverrides"),
    );
    overrides.forEach((one, index) =>
      setText(this.#rows.parent.children[index].children[1], ` ${this.#sentence(one)}`),
    );
  }

  /** @param {StandingOverride} standingOverride */
  #sentence({ contest, district, figures, instead_of: insteadOf, source_now: sourceNow }) {
    return Object.entries(figures)
      .map(([name, value]) => {
        const [then, now] = [insteadOf?.[name], sourceNow?.[name]].map((count) =>
          count === undefined ? this.t("nothingYet") : this.format.count(count),
        );
        return this.t("byHandNow", {
          figure: this.room.figureName(contest, district, name),
          value: this.format.count(value),
          then,
          now,
        });
      })
      .join(" · ");
  }

  /** @param {StandingOverride} standingOverride */
  #row({ contest, source, district }) {
    const sourceName = this.election.sourceById.get(source)?.name ?? source;
    const button = make("button", { "data-orders": true, text: this.t("takeBack") });
    button.addEventListener("click", () =>
      this.room.ask({
        fields: { type: "override_withdrawn", contest, source, unit: district },
        what: this.t("takeBackWhat", { where: this.room.where(contest, district), source: sourceName }),
      }),
    );
    return make(
      "li",
      {},
      make("b", { text: `${this.room.where(contest, district)}, ${sourceName}` }),
      make("span"),
      button,
    );
  }

  #ask() {
    const { contest, source, unit } = this.room.place;
    const [figure, value] = [this.#figure.value, Number(this.#value.value)];
    this.room.ask({
      fields: { type: "figure_overridden", contest, source, unit, figures: { [figure]: value } },
      what: this.t("overrideWhat", {
        where: this.room.where(contest, unit),
        source: this.election.source(source).name,
        figure: this.room.figureName(contest, unit, figure),
        value: this.format.count(value),
      }),
    });
  }
}
