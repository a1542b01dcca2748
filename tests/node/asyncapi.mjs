/**
 * Validates an AsyncAPI document from standard input with AsyncAPI's own parser; prints what it found out.
 */

import { readFileSync } from "node:fs";

import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const complaints = diagnostics
  .filter(({ severity }) => severity <= 1) // errors and warnings; not hints
  .map(({ message, path }) => `${path.join(".")}: ${message}`);
process.stdout.write(
  JSON.stringify({
    complaints,
    version: document?.version() ?? null,
    operations:
      document
        ?.operations()
        .all()
        .map((operation) => operation.id())
        .sort() ?? [],
    messages:
      document
        ?.messages()
        .all()
        .map((message) => message.id())
        .sort() ?? [],
  }),
);
