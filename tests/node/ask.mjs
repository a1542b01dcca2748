/**
 * Asks a module of the pages for what it exports. Standard input: {module, questions: [[name, ...arguments]]}, where a
 * function is called. Standard output: the answers, Maps as lists of pairs.
 */

import { readFileSync } from "node:fs";

const { module, questions } = JSON.parse(readFileSync(0, "utf8"));
const exported = await import(new URL(`../../gateway/pages/${module}.js`, import.meta.url).href);
const answers = questions.map(([name, ...given]) =>
  typeof exported[name] === "function" ? exported[name](...given) : exported[name],
);
process.stdout.write(JSON.stringify(answers, (_, value) => (value instanceof Map ? [...value] : value)));
