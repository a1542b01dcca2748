/**
 * CasparCG and SPX-GC: they call update(string), play(), stop(), next() and remove() on the page's window.
 * What comes as a string is the parameters: JSON, the old <templateData> XML, or as in an address.
 */

/** How long a removed graphic may take to go. */
const FAREWELL_MS = 400;

/** The parameters in a playout system's string. */
export function parametersIn(text) {
  if (text && typeof text === "object") return text;
  const said = String(text ?? "").trim();
  if (!said) return {};
  if (said.startsWith("{")) return JSON.parse(said);
  if (said.startsWith("<")) return inXml(said);
  return Object.fromEntries(new URLSearchParams(said));
}

function inXml(text) {
  const found = new DOMParser().parseFromString(text, "text/xml").querySelectorAll("componentData");
  return Object.fromEntries([...found].map((one) => [one.id, one.querySelector("data")?.getAttribute("value") ?? ""]));
}

/** Put a stage's controls where playout systems look for them. */
export function control(stage, target = globalThis) {
  target.update = (text) => {
    try {
      stage.update(parametersIn(text));
    } catch (error) {
      console.warn(`sandik: update() got what it cannot read (${error.message}). Give JSON: {"unit": "tr/34/fatih"}.`);
    }
  };
  target.play = () => stage.play();
  target.stop = () => { stage.stop(); };
  target.next = () => stage.next();
  target.remove = () => {
    stage.stop();
    setTimeout(() => stage.close(), FAREWELL_MS);
  };
}

/** Where a gateway is on the playout machine itself; a template's operator says where it is otherwise. */
const GATEWAY = "http://localhost:8765";

/** Fields that whoever operates SPX-GC fills in; they reach update() under these names. */
function field(name, kind) {
  const standard = Array.isArray(kind.standard) ? kind.standard.join(",") : kind.standard === true ? "1" : kind.standard === false ? "0" : String(kind.standard);
  const shared = { field: name, title: `${name} (${kind.label})`, value: standard };
  if (!kind.words) return { ...shared, ftype: "textfield" };
  return { ...shared, ftype: "dropdown", items: kind.words.map((word) => ({ text: word, value: word })) };
}

/** An overlay as SPX-GC's `SPXGCTemplateDefinition` describes a template. */
export function spxDefinition({ title, parameters }, shared, layer) {
  const asked = ["gateway", "token", "contest", "unit", "source"]
    .map((name) => ({ field: name, ftype: "textfield", title: name, value: name === "gateway" ? GATEWAY : "" }));
  const options = Object.entries({ ...parameters, theme: shared.theme, lang: shared.lang }).map(([name, kind]) => field(name, kind));
  return {
    description: `sandik · ${title}`, playserver: "OVERLAY", playchannel: "1", playlayer: String(layer), webplayout: String(layer),
    out: "manual", dataformat: "json", uicolor: "2", DataFields: [...asked, ...options],
  };
}
