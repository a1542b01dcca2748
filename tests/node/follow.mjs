/**
 * A client in Node that says what it shows, a line of JSON at every change.
 * Arguments: the gateway's address, what is wanted as JSON, the units to look at as JSON.
 */

import { connect } from "../../gateway/pages/client/index.js";

const [url, wanted, units] = [process.argv[2], JSON.parse(process.argv[3]), JSON.parse(process.argv[4])];
const subscriptions = wanted.map(({ max_rate_hz: maxRateHz, ...one }) => ({ ...one, maxRateHz }));
const night = connect({ url, subscriptions, retry: { firstMs: 20, longestMs: 100 }, openingMs: 1_000, helloMs: 2_000 });

night.on("change", () => {
  const shown = {};
  for (const { contest, source } of subscriptions) {
    for (const unit of units) {
      const entry = night.entry(contest, source, unit);
      if (entry) shown[`${contest} ${source} ${unit}`] = entry;
    }
  }
  process.stdout.write(`${JSON.stringify([shown, night.gaps])}\n`);
});
