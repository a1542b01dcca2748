/**
 * How every source is doing.
 */

import { make, setAttribute, setText } from "../dom.js";
import { Rows } from "./rows.js";

/** @import { Feed, PanelTools, RoomState, Source } from "./types.d.ts" */

export class FeedsPanel {
  #rows;

  /** @param {PanelTools} tools */
  constructor({ root, words, format, election }) {
    this.t = words;
    this.format = format;
    this.election = election;
    const list = make("ul", { class: "feeds" });
    this.#rows = new Rows(list, () =>
      make("li", {}, make("b"), make("span", { class: "state" }), make("span", { class: "number" })),
    );
    root.append(list);
  }

  /**
   * How a feed is, and what of its word is set aside, ignored, dated ahead or impossible.
   * @param {Feed} feed
   * @param {boolean} isOfReports whether the source reports whole districts, of which one may count with a lower
   * revision
   */
  #word(feed, isOfReports) {
    const { t, format } = this;
    const word = feed.set_aside
      ? t("setAside", { state: t(feed.state), n: format.count(feed.set_aside) })
      : t(feed.state);
    const odd = /** @type {const} */ (["restarted", "ahead", "impossible"])
      .filter((name) => feed[name])
      .map((name) =>
        t(name === "restarted" && isOfReports ? "restartedReportsFeed" : `${name}Feed`, {
          n: format.count(feed[name]),
        }),
      );
    return [word, ...odd].join(" · ");
  }

  /**
   * Show the feeds, in the definition's order.
   * @param {RoomState} state
   */
  draw({ feeds }) {
    const { t, format } = this;
    const sources = this.election.sources.filter(({ id }) => id in feeds);
    this.#rows.draw(sources, ({ id }) => id, "");
    sources.forEach(({ id, name }, index) => {
      const [source, state, age] = this.#rows.parent.children[index].children;
      const feed = feeds[id];
      setText(source, name);
      setText(state, this.#word(feed, sources[index].reports === "districts"));
      setAttribute(state, "data-state", feed.state);
      setText(age, feed.age_s === null ? t("never") : t("lastChange", { age: format.age(feed.age_s) }));
    });
  }
}
