import assert from "node:assert/strict";
import { test } from "node:test";

import { broughtBy, withoutSecrets } from "../../../gateway/pages/control/brought.js";

const at = (/** @type {string} */ address) => broughtBy(new URL(address));

test("a demo's link brings a token, a name and a key", () => {
  const brought = at("http://localhost:8765/control#token=a.b.c&key=MC4C%2BAQ%2F%3D&name=Demo");
  assert.deepEqual(
    [brought.token, brought.name, brought.pem],
    ["a.b.c", "Demo", "-----BEGIN PRIVATE KEY-----\nMC4C+AQ/=\n-----END PRIVATE KEY-----\n"],
  );
});

test("a key in a link is taken at an address of this machine alone", () => {
  for (const host of ["localhost:8765", "127.0.0.1", "[::1]:80"])
    assert.notEqual(at(`http://${host}/control#key=MC4C`).pem, null);
  for (const host of ["gateway.example", "localhost.example", "10.0.0.1"])
    assert.equal(at(`https://${host}/control#token=a&key=MC4C`).pem, null);
});

test("a key in the query, which goes to the gateway, is not taken", () => {
  assert.equal(at("http://localhost/control?key=MC4C").pem, null);
});

test("a token is in the query or behind the address; the newer one is behind it", () => {
  assert.equal(at("https://g.example/control?token=old").token, "old");
  assert.equal(at("https://g.example/control?token=old#token=new").token, "new");
  assert.deepEqual(at("https://g.example/control"), { token: "", name: "", pem: null });
});

test("the address keeps what is looked at, and no secret", () => {
  const without = (/** @type {string} */ address) => withoutSecrets(new URL(address));
  assert.equal(without("https://g.example/control?token=a&unit=tr/34&lang=en#key=b"), "/control?unit=tr/34&lang=en");
  assert.equal(without("https://g.example/control?token=a"), "/control");
});
