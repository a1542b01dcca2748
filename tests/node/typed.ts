/** The client's types as someone who uses it meets them: checked, never run. */

import {
  awaitDefinition,
  type Change,
  connect,
  covers,
  type Entry,
  type EventMessage,
  fetchDefinition,
  type Handle,
  type LiveNight,
  type Mode,
  mayReconnect,
  retryDelay,
  routeUrl,
  type Status,
  streamUrl,
  subscriptionId,
} from "@sandik/client";

const definition = await awaitDefinition({ url: "http://localhost:8765", onWait: (error) => console.log(error) });
const contest: string | undefined = definition.contests[0]?.id;
const again: string = (await fetchDefinition()).name;

const night: LiveNight = connect({
  url: "ws://localhost:8765",
  token: () => localStorage.getItem("token") ?? undefined,
  subscriptions: [{ contest: contest ?? "mayor", source: "aa", units: ["tr/34", "tr/34/*"], maxRateHz: 2 }],
  retry: { firstMs: 100 },
});

console.log(await fetchDefinition({ version: night.definitionVersion }));
const off: () => void = night.on("change", ({ contest: where, units }: Change) => console.log(where, units.length));
night.on("event", (message: EventMessage) => console.log(message.event === "leader_changed" && message.before));
night.on("connection", ({ status, code }) => {
  const known: Status = status;
  console.log(known, code?.toFixed());
});
night.on("fault", ({ code, message }) => console.log(code, message));
night.on("state", ({ feeds }) => console.log(feeds["aa"]?.age_s?.toFixed(1)));
night.on("pending", ({ pending }) => console.log(pending + 1));
night.on("hello", ({ heartbeat_s }) => console.log(heartbeat_s * 3));

night.renew();
night.renew("token");

const entry: Entry | undefined = night.entry("mayor", "aa", "tr/34");
const votes: number | undefined = entry?.votes["imamoglu"];
const mode: Mode | null = night.mode;
const followed: Handle = night.subscribe({ contest: "council", source: "aa", units: ["tr"] });

night.hold();
night.take();
night.release();
followed.close();
off();
night.close();
console.log(
  votes,
  mode,
  again,
  night.held.length,
  night.replay?.speed,
  night.calls[0]?.by,
  night.holding,
  night.pending,
);
console.log(
  covers("tr/*", "tr/34"),
  mayReconnect(4500),
  retryDelay(2),
  routeUrl("/v1/totals", "/").href,
  streamUrl("/"),
);
console.log(subscriptionId({ contest: "mayor", source: "aa", units: [] }), night.newest("a", "b", "c")?.unit);

// @ts-expect-error  there is no such news
night.on("anything", () => {});
// @ts-expect-error  figures are never changed in place
if (entry) entry.valid = 0;
// @ts-expect-error  a subscription says which source
night.subscribe({ contest: "mayor", units: ["tr"] });
// @ts-expect-error  what is known is read, not written
night.status = "open";
