/**
 * Opens an overlay anywhere: finds its template, connects it, and gives the playout system its controls.
 */

import { host } from "./hosted.js";
import { MANIFEST } from "./manifest.js";
import { FollowedNight } from "./night.js";
import { shownOf } from "./on-air.js";
import { renamed } from "./parameters.js";
import { knownBy, Playout } from "./playout.js";
import { Stage, transition } from "./stage.js";

/** @import { NightClient, Template } from "./types.d.ts" */

/**
 * @typedef {object} OpenOptions
 * @property {string} name
 * @property {string} search
 * @property {string} page
 * @property {HTMLElement} root
 * @property {NightClient} [client]
 */

/**
 * Open an overlay in `root`. `page` is any address of the gateway's, with the token where there is one; `client` is
 * what follows the night where that is no connection: an archive's, or a test's.
 * @param {OpenOptions} openOptions
 */
export async function open({ name, search, page, root, client }) {
  const about = MANIFEST.overlays.find((one) => one.name === name);
  if (!about) {
    console.warn(
      `sandik: there is no overlay ${name}. There are: ${MANIFEST.overlays.map((one) => one.name).join(", ")}`,
    );
    return null;
  }
  const template = /** @type {Template} */ (await import(`./${name}.js`));
  const stage = new Stage({ about, template, night: new FollowedNight(page, client), search, root });
  new Playout({
    steps: about,
    parameters: stage.address,
    playing: stage.plays,
    known: knownBy({ fields: renamed(about.parameters) }),
    show: (state) => stage.show({ ...shownOf(state, about), token: state.parameters.token }),
    remove: () => transition().then(() => stage.close()),
  }).control(globalThis);
  host(stage);
  document.title = `sandık · ${about.title}`;
  await stage.load();
  return stage;
}
