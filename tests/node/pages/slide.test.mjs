import assert from "node:assert/strict";
import { test } from "node:test";

import { Order } from "../../../gateway/pages/slide.js";

test("an order is shown once it has stood for a while, and one that is gone by then was never there", () => {
  /** @type {string[]} */
  const shown = [];
  /** @type {(() => void) | null} */
  let task = null;
  const order = new Order((now) => shown.push(now.join("")), {
    later: (what) => {
      task = what;
      return 1;
    },
    never: () => {
      task = null;
    },
  });
  order.jump(["a", "b", "c"]);
  order.want(["b", "a", "c"]);
  order.want(["a", "b", "c"]);
  assert.equal(task, null);
  order.want(["b", "a", "c"]);
  order.want(["c", "b", "a"]);
  assert.equal(order.shown.join(""), "abc");
  /** @type {(() => void) | null} */ (task)?.();
  assert.deepEqual(shown, ["cba"]);
});
