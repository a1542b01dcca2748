/**
 * A single-file template for CasparCG and SPX-GC: both call update(string), play(), stop(), next() and remove().
 *
 * `sandik graphics` writes playout-data.js, frame.js and this text into one file, after a `const TEMPLATE = {name,
 * gateway, fields}`: Chromium lets a page that was opened from a folder import nothing. `fields` says which parameter
 * f0, f1, … are.
 */

/** How long a removed graphic may take to go. */
const REMOVAL_MS = 400;
/** What a template's data may name beside the overlay's parameters. */
const ADDRESS = ["gateway", "token"];

/** @typedef {{ name: string, gateway: string, fields: Readonly<Record<string, string>> }} SingleFileTemplate */

class Playout {
  #frame;
  #parameters;
  #playing = false;
  #step = 0;
  #template;

  /**
   * @param {SingleFileTemplate} template
   * @param {HTMLElement} root
   * @param {string} search
   */
  constructor(template, root, search) {
    this.#template = template;
    this.#frame = new Frame(root);
    this.#parameters = this.#known(Object.fromEntries(new URLSearchParams(search)));
    this.#show();
  }

  /** @param {unknown} text */
  update(text) {
    try {
      const given = this.#known(parametersIn(text));
      for (const [name, value] of Object.entries(given)) {
        if (value === "" || value === null) delete this.#parameters[name];
        else this.#parameters[name] = String(value);
      }
    } catch (error) {
      console.warn(`sandik: update() got what it cannot read (${error}). Give JSON: {"unit": "tr/34/fatih"}.`);
      return;
    }
    this.#show();
  }

  play() {
    this.#playing = true;
    this.#show();
  }

  stop() {
    this.#playing = false;
    this.#step = 0;
    this.#show();
  }

  next() {
    this.#step += 1;
    this.#show();
  }

  remove() {
    this.stop();
    setTimeout(() => this.#frame.close(), REMOVAL_MS);
  }

  /**
   * What this template has, by its own names; everything else that a playout system sends along is not ours.
   * @param {Readonly<Record<string, any>>} given
   */
  #known(given) {
    const { fields } = this.#template;
    const names = new Set([...ADDRESS, ...Object.values(fields)]);
    return Object.fromEntries(
      Object.entries(given)
        .map(([name, value]) => [fields[name] ?? name, value])
        .filter(([name, value]) => names.has(name) && value !== undefined),
    );
  }

  #show() {
    const { gateway = this.#template.gateway, token, ...parameters } = this.#parameters;
    this.#frame.open(overlayAddress(gateway, this.#template.name, token));
    this.#frame.show({ parameters, playing: this.#playing, step: this.#step, token });
  }
}

// SPX-GC runs this file without a screen, only to read its definition
if (typeof fetch === "function") {
  const playout = new Playout(TEMPLATE, document.body, location.search);
  const controls = {
    update: (/** @type {unknown} */ text) => playout.update(text),
    play: () => playout.play(),
    stop: () => playout.stop(),
    next: () => playout.next(),
    remove: () => playout.remove(),
  };
  Object.assign(window, controls);
}
