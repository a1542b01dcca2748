/**
 * Opens an overlay anywhere: finds its template, connects it, and gives the playout system its controls.
 */

import { host } from "./hosted.js";
import { FollowedNight } from "./night.js";
import { control } from "./playout.js";
import { Stage } from "./stage.js";

/** Every overlay there is, and the file it is in. */
export const OVERLAYS = ["lead-board", "duel", "lower-third", "strap", "ticker", "sources", "district-map", "council"];

/**
 * Open an overlay in `root`. `page` is any address of the gateway's, with the token where there is one; `client` is
 * what follows the night where that is no connection: an archive's, or a test's.
 */
export async function open({ name, search, page, root, client }) {
  if (!OVERLAYS.includes(name)) {
    console.warn(`sandik: there is no overlay ${name}. There are: ${OVERLAYS.join(", ")}`);
    return null;
  }
  const template = await import(`./${name}.js`);
  const stage = new Stage({ name, template, night: new FollowedNight(page, client), search, root });
  control(stage);
  const hosted = host(stage);
  document.title = `sandık · ${template.title}`;
  await stage.load();
  hosted?.loaded();
  return stage;
}
