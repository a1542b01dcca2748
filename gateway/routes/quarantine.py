"""The quarantine as an operator works through it: in groups of one reason, source and unit, and /v1/quarantine by page.

A night of one broken feed sets aside hundreds of records at once. Groups are small enough for the control room to be
told of all of them each second; the records of one are asked for where somebody opens it. What is asked for is settled
by orders, one for each record (see `control`): the positions of a whole selection are in its answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.admission.access import Grant
from gateway.gateway import Gateway
from gateway.routes.answers import Coded, json_answer, run_state_of
from gateway.routes.middleware import grant_of
from schemas.quarantine import REPAIRABLE, Quarantined, statement_of
from tabulation.counting.quarantine import Quarantine

SHOWN: Final = 100
"""Records that one answer lists: as many as a screen can hold."""

MAX_SHOWN_CHARS: Final = 500
"""How much of a quarantined record's bytes an answer repeats: a box with its 49 candidates."""

_FIELDS: Final = ("reason", "source", "unit", "text", "offset", "limit")


class QuarantineEndpoint:
    """The route of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def answer(self, request: Request) -> Response:
        """A page of the records that wait and match, the newest first, with the positions of all that match."""
        require_control_room(grant_of(request))
        queue = run_state_of(self._gateway).quarantine
        asked = _Asked.of(request.query_params)
        found = [record for record in queue.waiting if asked.matches(queue, record)]
        page = found[asked.offset : asked.offset + asked.limit]
        body = {
            "total": len(found),
            "offset": asked.offset,
            "records": [described(queue, record) for record in page],
            "positions": [record.position.decode() for record in found],
            "releasable": [record.position.decode() for record in found if _is_releasable(queue, record)],
        }
        return json_answer(orjson.dumps(body), headers={"cache-control": "no-store"})


def require_control_room(grant: Grant) -> None:
    """Raises `Coded` for whoever may not see what the public does not."""
    if not grant.allows("control_room"):
        raise Coded(
            403,
            "needs_control_room",
            "This is for the control room. Bring a token of scope control_room or operator.",
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for; `None` for any. A source or unit of "" is that of records of which it cannot be read."""

    reason: str | None
    source: str | None
    unit: str | None
    text: str
    offset: int
    limit: int

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "_Asked":
        """What a query says. Raises `HTTPException`."""
        unknown = sorted(query.keys() - {*_FIELDS, "token"})
        if unknown:
            raise HTTPException(400, f"There is no {', '.join(unknown)} here. Give any of {', '.join(_FIELDS)}.")
        return cls(
            query.get("reason"),
            query.get("source"),
            query.get("unit"),
            query.get("text", "").casefold(),
            _number("offset", query.get("offset", "0")),
            min(_number("limit", query.get("limit", str(SHOWN))), SHOWN),
        )

    def matches(self, queue: Quarantine, record: Quarantined) -> bool:
        reason, source, unit = _group_of(queue, record)
        if (self.reason or reason, self.source if self.source is not None else source) != (reason, source):
            return False
        if self.unit is not None and self.unit != unit:
            return False
        return not self.text or any(self.text in one.casefold() for one in _searched(record))


def _number(name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 6:  # noqa: PLR2004  no list here is a million long
        raise HTTPException(400, f"{text!r} is no {name}. Give a number, from 0 on.")
    return int(text)


def _searched(record: Quarantined) -> Iterator[str]:
    yield record.position.decode()
    yield record.detail
    yield record.original.decode(errors="replace")


def _group_of(queue: Quarantine, record: Quarantined) -> tuple[str, str, str]:
    found = queue.statement(record.position.decode())
    return (record.reason, "", "") if found is None else (record.reason, found.cell.source, found.cell.district)


def groups(queue: Quarantine) -> list[dict[str, object]]:
    """What waits, by reason, source and unit, in an order that stays the same as records come and go."""
    counts: dict[tuple[str, str, str], list[int]] = {}
    for record in queue.waiting:
        found = counts.setdefault(_group_of(queue, record), [0, 0])
        found[0] += 1
        found[1] += _is_releasable(queue, record)
    return [
        {"reason": reason, "source": source, "unit": unit, "count": count, "releasable": releasable}
        for (reason, source, unit), (count, releasable) in sorted(counts.items())
    ]


def summary(queue: Quarantine) -> dict[str, object]:
    """What the control room is told of the quarantine each second."""
    return {
        "waiting": queue.waiting_count,
        "skipped": queue.skipped,
        "changes": queue.changes,
        "reasons": queue.reasons,
        "groups": groups(queue),
        "newest": [described(queue, record) for record in islice(queue.waiting, SHOWN)],
        "uncounted": [described(queue, record) for record in islice(queue.uncounted, SHOWN)],
    }


def _is_releasable(queue: Quarantine, record: Quarantined) -> bool:
    assessment = queue.assessment(record.position.decode())
    return record.reason in REPAIRABLE and (assessment is None or assessment.refusal is None)


def described(queue: Quarantine, record: Quarantined) -> dict[str, object]:
    """One record: why it is set aside, what it says as far as it can be read, and what can be done about it."""
    position = record.position.decode()
    assessment, found = queue.assessment(position), queue.statement(position)
    return {
        "position": position,
        "reason": record.reason,
        "detail": record.detail,
        "releasable": _is_releasable(queue, record),
        "verdict": assessment.verdict if assessment is not None else None,
        "refusal": assessment.refusal if assessment is not None else None,
        "contest": found.cell.contest if found is not None else None,
        "source": found.cell.source if found is not None else None,
        "statement": statement_of(found).model_dump() if found is not None else None,
        "said": record.original[:MAX_SHOWN_CHARS].decode(errors="replace"),
    }
