/**
 * What a delta means to a cursor. Pure: `sandik/client/subscription.py` is the same in Python.
 */

/** @import { Cursor } from "./index.d.ts" */

/**
 * What a delta of the connection's `epoch`, from seq `begins` to `ends`, is to a cursor:
 * "next": apply it. "gap": it begins beyond the cursor, or in another epoch; ask anew, without a cursor. "old": it ends
 * before the cursor and is left out. "awaiting": there is no cursor until the snapshot comes, so it is left out.
 * @param {Cursor | null} cursor
 * @param {string | null} epoch
 * @param {number} begins
 * @param {number} ends
 */
export function judge(cursor, epoch, begins, ends) {
  if (!cursor) return "awaiting";
  if (epoch !== cursor.epoch || begins > cursor.seq) return "gap";
  return ends < cursor.seq ? "old" : "next";
}
