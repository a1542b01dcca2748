"""/v1/control: everything about a run that an operator watches beside the figures. For the control room only."""

from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway import Gateway
from gateway.routes.answers import json_answer, run_state_of
from gateway.routes.middleware import grant_of
from gateway.run_state import RunState
from schemas.mending import MENDABLE
from schemas.override import Override
from schemas.quarantine import Quarantined
from schemas.set_aside import statement_of
from schemas.trust import Verdict
from tabulation.orders.by_hand import figure_of
from tabulation.view.quarantine import Quarantine

SHOWN: Final = 100
"""Alarms, quarantined records and orders that one answer lists, the newest: as many as a screen can hold."""

MAX_SHOWN_CHARS: Final = 500
"""How much of a quarantined record's bytes an answer repeats: a box with its 49 candidates."""


class ControlDoor:
    """The route of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def answer(self, request: Request) -> Response:
        """How the run is held, and what waits for an operator."""
        grant = grant_of(request)
        if not grant.allows("control_room"):
            raise HTTPException(403, "This is for the control room. Bring a token of scope control_room or operator.")
        run_state = run_state_of(self._gateway)
        body = orjson.dumps({**self._state(run_state), "scope": grant.scope, "subject": grant.subject})
        return json_answer(body, headers={"cache-control": "no-store"})

    def _state(self, run_state: RunState) -> dict[str, object]:
        gateway, run = self._gateway, run_state.run
        now = gateway.clock.now()
        return {
            "run": run.name,
            "mode": run.mode,
            "epoch": run.epoch,
            "seq": run_state.program.seq,
            "at": now,
            "signed_only": bool(gateway.settings.operators),
            "trusted": [key.fingerprint for key in gateway.settings.operators],
            "unverified": [verdict.offset for verdict in gateway.unverified()],
            "unready": gateway.unready(),
            "embargoed": gateway.embargo.is_in_force(now),
            "embargo": gateway.embargo.until,
            "hold": run_state.program.pending(),
            "overrides": [_standing(override, run_state) for override in run_state.program.overrides],
            "calls": [call.model_dump() for call in run_state.control.calls],
            "feeds": {source: feed.model_dump() for source, feed in gateway.feeds_now().items()},
            "alarms": [asdict(alarm) for alarm in islice(reversed(run_state.alarms.raised), SHOWN)],
            "quarantine": _quarantine(run_state),
            "audit": [_described(verdict) for verdict in islice(reversed(run_state.control.audit), SHOWN)],
        }


def _standing(override: Override, run_state: RunState) -> dict[str, object]:
    """Figures set by hand, with what their source says of them now: `null` where it has reported nothing."""
    reported = run_state.program.on_air.reported(override.cell)
    now = None if reported is None else {name: figure_of(reported, name) for name in override.figures}
    return override.model_dump() | {"source_now": now}


def _quarantine(run_state: RunState) -> Mapping[str, object]:
    queue = run_state.quarantine
    return {
        "waiting": queue.waiting_count,
        "skipped": queue.skipped,
        "reasons": queue.reasons,
        "newest": [_shown(queue, record) for record in islice(queue.waiting, SHOWN)],
        "uncounted": [_shown(queue, record) for record in islice(queue.uncounted, SHOWN)],
    }


def _shown(queue: Quarantine, record: Quarantined) -> dict[str, object]:
    position = record.position.decode()
    assessment, found = queue.assessment(position), queue.statement(position)
    refusal = assessment.refusal if assessment is not None else None
    return {
        "position": position,
        "reason": record.reason,
        "detail": record.detail,
        "releasable": record.reason in MENDABLE and refusal is None,
        "verdict": assessment.verdict if assessment is not None else None,
        "refusal": refusal,
        "contest": found.cell.contest if found is not None else None,
        "source": found.cell.source if found is not None else None,
        "statement": statement_of(found).model_dump() if found is not None else None,
        "said": record.original[:MAX_SHOWN_CHARS].decode(errors="replace"),
    }


def _described(verdict: Verdict) -> dict[str, object]:
    order = verdict.order.model_dump() if verdict.order is not None else {"type": None}
    return order | {
        "offset": verdict.offset,
        "key": verdict.key,
        "counts": verdict.counts,
        "kept": verdict.kept,
        "refusal": verdict.refusal,
    }
