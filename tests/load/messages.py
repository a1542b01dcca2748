"""Messages of a gateway, and a client's way through them, for tests of what is checked."""

from typing import Any

import orjson

from sandik.load.clients import Step, Subject, SubjectState, step
from sandik.load.plan import Track

DISTRICT = "tr/34/uskudar"
TRACK = Track(places=(0, 2, 5), cycle=10, base=100)
"""Changes 0, 2, 5, 10, 12, 15, 20 … are the district's; its counter showed 100 before."""

FOREIGN = Subject(0, {"type": "subscribe", "id": "load"})
FED = Subject(0, {"type": "subscribe", "id": "load"}, {DISTRICT: TRACK})


def entry(**fields: Any) -> dict[str, Any]:
    return {"unit": DISTRICT, **fields}


def hello() -> bytes:
    return orjson.dumps({"type": "hello", "epoch": "e1", "seq": 0})


def snapshot(seq: int, *entries: dict[str, Any], epoch: str = "e1") -> bytes:
    return orjson.dumps({"type": "snapshot", "id": "load", "epoch": epoch, "seq": seq, "totals": entries})


def delta(start: int, seq: int, *entries: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": "delta", "id": "load", "from": start, "seq": seq, "totals": entries})


def walk(subject: Subject, *payloads: bytes) -> list[Step]:
    """Take the messages one after the other."""
    state, steps = SubjectState(subject), []
    for payload in payloads:
        steps.append(step(state, payload))
        state = steps[-1].after
    return steps


def faults(subject: Subject, *payloads: bytes) -> list[str]:
    """The kinds of everything that was wrong on the way."""
    return [kind for taken in walk(subject, *payloads) for kind, _ in taken.faults]
