/**
 * A single-file template for CasparCG and SPX-GC.
 *
 * `sandik graphics` writes playout-data.js, on-air.js, overlays/playout.js, frame.js and this text into one file, after
 * a `const TEMPLATE = {name, gateway, steps, names, lists, fields}`: Chromium lets a page that was opened from a folder
 * import nothing. `names` are all that it can be told: what else a playout system sends along is not ours.
 * `fields` says which of them f0, f1, … are, and former names; of `lists` a form may have several fields.
 */

/** How long a removed graphic may take to go. */
const REMOVAL_MS = 400;

function begin() {
  const frame = new Frame(document.body);
  const { name, steps } = TEMPLATE;
  /** @param {import("../overlays/types.d.ts").OnAir} state */
  const show = (state) => {
    const { parameters: told, ...how } = shownOf(state, steps);
    const { gateway = TEMPLATE.gateway, token, ...parameters } = told;
    frame.open(overlayAddress(gateway, name, token));
    frame.show({ ...how, parameters, token });
  };
  const remove = () => setTimeout(() => frame.close(), REMOVAL_MS);
  const parameters = Object.fromEntries(new URLSearchParams(location.search));
  const playout = new Playout({ steps, parameters, known: knownBy(TEMPLATE), show, remove });
  playout.control(window);
  show(playout.state);
}

// SPX-GC runs this file without a screen, only to read its definition
if (typeof fetch === "function") begin();
