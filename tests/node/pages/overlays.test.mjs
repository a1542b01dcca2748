import assert from "node:assert/strict";
import { test } from "node:test";

import { MANIFEST } from "../../../gateway/pages/overlays/manifest.js";

for (const { name, walks } of MANIFEST.overlays) {
  test(`${name} is a template, and walks as the manifest says`, async () => {
    const template = await import(`../../../gateway/pages/overlays/${name}.js`);
    for (const part of ["needs", "model", "create"]) assert.equal(typeof template[part], "function", part);
    assert.equal("walk" in template, walks);
  });
}
