/**
 * An operator's signature, made in the page: the private key never leaves it, and is kept nowhere.
 *
 * What is signed is the order's JSON with its keys sorted, behind a line that says what it is for: `schemas/trust.py`.
 */

const PURPOSE = "sandik.control.v1\n";
const FINGERPRINT_CHARS = 16;
const ALGORITHM = { name: "Ed25519" };

/**
 * JSON with its keys sorted at every depth and no space: the same value is the same text.
 * @param {unknown} value
 * @returns {string}
 */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`);
  return `{${fields.join(",")}}`;
}

/**
 * A key that signs, from a private Ed25519 key in PEM. Throws an `Error` that says "no_key" or "no_ed25519".
 * @param {string} pem
 * @param {Crypto} [crypto]
 */
export async function signerFrom(pem, crypto = globalThis.crypto) {
  if (!crypto?.subtle) throw new Error("no_ed25519");
  const der = derOf(pem);
  try {
    const jwk = await crypto.subtle.exportKey(
      "jwk",
      await crypto.subtle.importKey("pkcs8", der, ALGORITHM, true, ["sign"]),
    );
    const key = await crypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
    return new OrderSigner(
      key,
      await fingerprintOf(bytesOf((jwk.x ?? "").replaceAll("-", "+").replaceAll("_", "/")), crypto),
      crypto,
    );
  } catch (error) {
    throw new Error(error instanceof Error && error.name === "NotSupportedError" ? "no_ed25519" : "no_key", {
      cause: error,
    });
  }
}

class OrderSigner {
  #key;
  #crypto;

  /**
   * @param {CryptoKey} key
   * @param {string} fingerprint
   * @param {Crypto} crypto
   */
  constructor(key, fingerprint, crypto) {
    this.#key = key;
    this.#crypto = crypto;
    /** What the audit calls the key. */
    this.fingerprint = fingerprint;
  }

  /**
   * The order with its signature.
   * @param {Readonly<Record<string, unknown>>} order
   */
  async sign(order) {
    const message = new TextEncoder().encode(PURPOSE + canonical(order));
    const signature = await this.#crypto.subtle.sign(ALGORITHM, this.#key, message);
    return { ...order, signature: btoa(String.fromCharCode(...new Uint8Array(signature))) };
  }
}

/** @param {string} pem */
function derOf(pem) {
  const body = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(pem);
  if (!body) throw new Error("no_key");
  return bytesOf(body[1].replace(/\s+/g, ""));
}

/** @param {string} base64 */
function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/**
 * @param {BufferSource} raw
 * @param {Crypto} crypto
 */
async function fingerprintOf(raw, crypto) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", raw));
  return [...digest]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .slice(0, FINGERPRINT_CHARS);
}
