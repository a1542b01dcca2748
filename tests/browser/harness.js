// A night that a script feeds to an overlay, in place of a connection.
import { Night } from "/static/client/night.js";
import { covers } from "/static/client/subscription.js";
import { open } from "/static/overlays/open.js";

class ScriptedNight extends Night {
  constructor(script) {
    const listeners = new Map();
    super({
      send: (message) => this.answer(message),
      tell: (name, detail) => (listeners.get(name) ?? []).forEach((one) => one(detail)),
      now: () => performance.now(),
      random: Math.random,
    });
    this.script = script;
    this.asked = [];
    this.on = (name, listener) => listeners.set(name, [...(listeners.get(name) ?? []), listener]);
  }
  answer(message) {
    if (message.type !== "subscribe") return;
    this.asked.push(message);
    this.tellTotals(message);
  }
  tellTotals(message) {
    const { contest, source, units } = message;
    const totals = this.script.totals
      .filter(
        (one) => one.contest === contest && one.source === source && units.some((pattern) => covers(pattern, one.unit)),
      )
      .map(({ contest: _, source: __, ...entry }) => entry);
    this.receive({ type: "snapshot", id: message.id, contest, source, epoch: "9f2c", seq: 1, as_of: null, totals });
  }
}

window.clear = () => {
  window.onStage?.close();
  window.onStage = null;
  document.getElementById("stage").replaceChildren();
};

window.show = async (name, search, told) => {
  window.clear();
  const script = JSON.parse(told);
  const root = document.getElementById("stage");
  const client = new ScriptedNight(script);
  window.client = client;
  client.connecting();
  const opening = open({ name, search, page: location.origin, root, client });
  client.opened();
  client.receive({
    type: "hello",
    protocol: "sandik.v1",
    run: "gece",
    mode: script.mode,
    epoch: "9f2c",
    seq: 1,
    heartbeat_s: 10,
  });
  client.receive(script.state);
  window.onStage = await opening;
  if (script.lost) client.lose(1006);
  for (const message of script.messages) client.receive(message);
  window.onStage.redraw();
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
};

/** Count on: so many times other figures for everything that was asked for, each drawn before the next comes. */
window.countOn = async (times) => {
  const { client } = window;
  const first = client.script.totals;
  const moved = (votes, round) =>
    Object.fromEntries(
      Object.entries(votes).map(([id, count], index) => [
        id,
        count + Math.round((count * ((round * 7 + index * 3) % 11)) / 20),
      ]),
    );
  for (let round = 1; round <= times; round += 1) {
    client.script.totals = first.map((one) => ({ ...one, votes: moved(one.votes, round) }));
    for (const message of client.asked) client.tellTotals(message);
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  }
};
window.ready = true;
