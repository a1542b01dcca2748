"""Records of the control topic that cannot be read, as they are set aside: like tallies, with reason and bytes. Pure.

What has no effect for another reason, as an order that nobody trusted has signed, is no such record: the audit has it.
"""

from collections.abc import Callable, Mapping
from typing import Final

import orjson

from schemas.control import parse_epoch, parse_restored
from schemas.fields import Record, other_version
from schemas.progress import parse_moved
from schemas.quarantine import Quarantined, Reason, quarantined
from schemas.trust import MAX_ORDER_BYTES, Verdict

MAX_KEPT_BYTES: Final = 64 * 1024
"""What is kept of a record, as much as a tally may have: a control record may have a hundred times as much, and the
whole lies at its position for ever."""

MAX_DETAIL_CHARS: Final = 500

_OTHERS: Final[Mapping[str, Callable[[bytes | None], object | None]]] = {
    "epoch_begun": parse_epoch,
    "replay_moved": parse_moved,
    "run_restored": parse_restored,
}
"""Records that are no orders, and what reads them."""


def broken_control(topic: str, record: Record, verdict: Verdict | None) -> Quarantined | None:
    """The record as it is to be set aside; `None` where it can be read, or another release of sandik wrote it.

    `verdict` is what became of it as an order.
    """
    if verdict is not None and verdict.order is not None:
        return None
    detail = verdict.refusal if verdict is not None else _fault(record.value)
    if detail is None or other_version(record.value) is not None:
        return None
    key, value = record.key or b"", record.value or b""
    is_too_large = verdict is not None and len(value) > MAX_ORDER_BYTES
    reason: Reason = "too_large" if is_too_large else "malformed"
    if len(key) > MAX_KEPT_BYTES or len(value) > MAX_KEPT_BYTES:
        detail = f"{detail}; of {len(value)} bytes the first {MAX_KEPT_BYTES} are here"
    return quarantined(
        reason,
        detail[:MAX_DETAIL_CHARS],
        topic=topic,
        partition=0,
        offset=record.offset,
        key=key[:MAX_KEPT_BYTES],
        value=value[:MAX_KEPT_BYTES],
    )


def _fault(value: bytes | None) -> str | None:
    """What is wrong with a record that is no order; `None` where it can be read, or is of a type of a later release."""
    kind = orjson.loads(value or b"{}")["type"]
    if not isinstance(kind, str):
        return "its type is no text"
    read = _OTHERS.get(kind)
    return f"it says {kind}, and cannot be read" if read is not None and read(value) is None else None
