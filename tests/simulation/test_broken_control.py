"""No record of a control topic ends whoever reads it: what cannot be used has no effect, and what follows counts."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.run import Run, RunTopics
from schemas.control import EmbargoSet, parse_control, parse_epoch
from schemas.progress import PartitionProgress, parse_moved
from schemas.trust import OrderVerifier
from tabulation.orders.control import Control
from tabulation.orders.effects import Holds, Overrides
from tabulation.replay_clock import ReplayProgress, is_surprising
from tests.gateway.nights import Written, election
from tests.schemas.orders import written

REPLAY: Final = Run(RunTopics("night", 1), "replay", "e1e1", election())
LIVE: Final = replace(REPLAY, mode="test")
EDGES: Final = (
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-12:00",
)
NOW: Final = datetime(2024, 3, 31, 20, tzinfo=UTC)

_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(EDGES)
_anything = st.recursive(
    _scalars,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=6,
)


def _order(kind: str, **fields: object) -> dict[str, object]:
    common = {
        "run": "night",
        "epoch": "e1e1",
        "id": "order-00000001",
        "by": "Ayşe",
        "at": NOW.isoformat(),
        "reason": "a test",
    }
    return {"v": 1, "type": kind, **common, **fields}


SOUND: Final[tuple[dict[str, object], ...]] = (
    {"v": 1, "type": "epoch_begun", "run": "night", "epoch": "e2e2", "take": 1, "at": NOW.isoformat()},
    {
        "v": 1,
        "type": "replay_moved",
        "run": "night",
        "epoch": "e1e1",
        "at": NOW.isoformat(),
        "clock": NOW.isoformat(),
        "speed": 60.0,
        "status": "playing",
        "first": NOW.isoformat(),
        "last": NOW.isoformat(),
        "positions": [0],
    },
    {
        "v": 1,
        "type": "run_created",
        "run": "night",
        "epoch": "e1e1",
        "mode": "test",
        "at": NOW.isoformat(),
        "definition": {},
    },
    _order("embargo_set", until=NOW.isoformat(), deliver_by=NOW.isoformat()),
    _order("embargo_lifted"),
    _order("held", contest="mayor", unit="tr/34"),
    _order("released", contest="mayor", unit=None),
    _order("called", contest="mayor", unit="tr/34", candidate="kurum"),
    _order("call_withdrawn", contest="mayor", unit="tr/34"),
    _order("quarantine_released", position="sandik.night.tallies/0/1"),
    _order("replay_sought", to=NOW.isoformat()),
    _order("replay_speed_set", speed=60.0),
    _order("figure_overridden", contest="mayor", source="aa", unit="tr/34/uskudar", figure="votes.kurum", value=1),
)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A sound record with some fields replaced, or added, or anything at all."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.binary(max_size=40) | _anything.map(_json))
    record = dict(draw(st.sampled_from(SOUND)))
    for name in draw(st.lists(st.sampled_from([*record, "signature", "deliver_by"]), max_size=3)):
        record[name] = draw(_anything)
    return _json(record)


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return b"{}"


def fold_everywhere(records: list[tuple[bytes | None, int]]) -> None:
    """As gateway, aggregator, director and whoever looks for the run fold them."""
    for run in (REPLAY, LIVE):
        control = Control(run)
        verifier, marks = OrderVerifier(run.name, run.epoch, run.mode, run.definition, []), ReplayProgress(run.epoch)
        holds, overrides = Holds(run.definition), Overrides()
        told = None
        for offset, (value, appended_ms) in enumerate(records):
            control.fold(Written(offset, value or b"", timestamp=appended_ms))
            verdict = verifier.verify(offset, value, appended_ms)
            if verdict is not None and verdict.order is not None and verdict.stands:
                holds.apply(offset, verdict.order)
                overrides.apply(offset, verdict.order)
            moved = parse_moved(value)
            if moved is not None:
                marks.hear(offset, moved)
            with suppress(ValueError):  # a run that cannot be read is told to who looks for it
                parse_control(value or b"")
            begun = parse_epoch(value)
            if begun is not None:
                begun.follows(run.name, 0)
            control.clock.receive_progress(PartitionProgress(partition=0, mark=offset))
            for late_s in (0, 3, 3600):
                now = NOW + timedelta(seconds=late_s)
                found = control.clock.at(now)
                is_surprising(told, NOW, found, now)
                told = found
                control.embargo.is_in_force(now)
                control.unverified(now)
        marks.owed({0: 10})


@given(st.lists(st.tuples(st.none() | broken(), st.integers(-1, 2**63 - 1)), max_size=6))
def test_no_record_of_the_control_topic_ends_who_folds_it(records: list[tuple[bytes | None, int]]) -> None:
    fold_everywhere(records)


@pytest.mark.parametrize("epoch", [[], {}, {"a": []}, [["e2e2"]], None, 7, True])
@pytest.mark.parametrize("kind", ["epoch_begun", "run_created"])
def test_an_epoch_that_is_no_name_has_no_effect_and_the_next_order_counts(kind: str, epoch: object) -> None:
    control = Control(LIVE)
    control.fold(Written(0, orjson.dumps({"type": kind, "epoch": epoch})))
    control.fold(Written(1, written(EmbargoSet)))
    assert control.embargo.is_in_force(NOW)
