// Answers what is held and what touches what, from a question on standard input.
import { readFileSync } from "node:fs";

import { isHeld, touches } from "../../gateway/pages/client/held.js";

const { night, definition, places = [], names = [], contest, units = [] } = JSON.parse(readFileSync(0, "utf8"));
const held = places.map(([of, unit]) => isHeld(night, definition, of, unit));
const touched = Object.fromEntries(
  names.map((name) => [name, units.map((unit) => touches(name, definition, contest, unit))]),
);
console.log(JSON.stringify({ held, touches: touched }));
