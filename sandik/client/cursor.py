"""What a delta means to a cursor. Pure; `gateway/pages/client/cursor.js` is the same in JavaScript."""

from typing import Literal

from schemas.wire import Cursor

Verdict = Literal["next", "gap", "old", "awaiting"]
"""What to do with a delta.

next: apply it. gap: it begins beyond the cursor, or in another epoch; ask anew, without a cursor. old: it ends before
the cursor and is left out. awaiting: there is no cursor until the snapshot comes, so it is left out.
"""


def judge(cursor: Cursor | None, epoch: str | None, begins: int, ends: int) -> Verdict:
    """What a delta of the connection's `epoch`, from seq `begins` to `ends`, is to a cursor."""
    if cursor is None:
        return "awaiting"
    if epoch != cursor.epoch or begins > cursor.seq:
        return "gap"
    return "old" if ends < cursor.seq else "next"
