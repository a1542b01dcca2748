"""Control records: orders as they come and as a trusted key would sign them, runs, epochs, a replay's clock."""

from datetime import timedelta
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eventlog.run import Run, RunTopics
from schemas.control import (
    ORDER,
    Called,
    EpochBegun,
    RunCreated,
    RunRestored,
    parse_control,
    parse_epoch,
    parse_restored,
)
from schemas.errors import DefinitionError
from schemas.moments import epoch_ms
from schemas.progress import PartitionProgress, ReplayMoved, parse_moved
from schemas.quarantine import Quarantined
from schemas.trust import OrderSigner, Verdict, encode_order
from tabulation.orders.control import MAX_KEPT_BYTES, Control, broken_control
from tabulation.orders.effects import Holds, Overrides
from tabulation.replay_clock import ReplayProgress
from tests.builders import NIGHT, small_election
from tests.fuzz.target import Opened, Target, expect, simple
from tests.gateway.nights import Written
from tests.schemas.orders import order

ELECTION: Final = small_election()
SIGNER: Final = OrderSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
LIVE: Final = Run(RunTopics("night", 4), "live", "e1e1", ELECTION)
REPLAY: Final = Run(RunTopics("night", 4), "replay", "e1e1", ELECTION)
NOW: Final = NIGHT + timedelta(hours=1)
NOW_MS: Final = epoch_ms(NIGHT)
UNIT: Final = "tr/34/uskudar"

GOOD: Final = encode_order(
    order(Called, contest="mayor", unit="tr/41", candidate="kurum").model_copy(update={"id": "the-good-one"}), SIGNER
)

_PLACE: Final = {"contest": "mayor", "unit": UNIT}
_CELL: Final = {**_PLACE, "source": "aa"}
_MOMENT: Final = NIGHT.isoformat()
_FIELDS: Final[tuple[dict[str, Any], ...]] = (
    *(
        {"type": "embargo_set", "until": _MOMENT, "deliver_by": _MOMENT},
        {"type": "embargo_set"},
        {"type": "embargo_lifted"},
    ),
    *({"type": "held", **_PLACE}, {"type": "released", **_PLACE}, {"type": "taken", **_PLACE}),
    {"type": "figure_overridden", **_CELL, "figures": {"cast": 4, "votes.kurum": 3}, "instead_of": {"cast": 2}},
    *({"type": "override_withdrawn", **_CELL}, {"type": "quarantine_released", "position": "sandik.night.tallies/0/1"}),
    {"type": "quarantine_rejected", "position": "sandik.night.tallies/3/1"},
    *({"type": "called", **_PLACE, "candidate": "kurum"}, {"type": "call_withdrawn", **_PLACE}),
    *({"type": "replay_paused"}, {"type": "replay_resumed"}, {"type": "replay_sought", "to": _MOMENT}),
    *({"type": "replay_stepped", "records": 2}, {"type": "replay_speed_set", "speed": 60.0}),
)
_MOVED: Final = ReplayMoved(
    run="night",
    epoch="e1e1",
    at=NIGHT,
    clock=NIGHT,
    speed=60.0,
    status="playing",
    first=NIGHT,
    last=NOW,
    positions=(1, 2, 3, 4),
)


def corpus() -> tuple[bytes, ...]:
    """A record of every kind; orders with a signature and without."""
    said = {"v": 1, "run": "night", "epoch": "e1e1", "by": "Ayşe", "at": _MOMENT, "reason": "a test"}
    orders = [
        ORDER.validate_python({**said, "id": f"order-{number:08}", **fields}, strict=False)
        for number, fields in enumerate(_FIELDS)
    ]
    return (
        *(encode_order(one, signer) for one in orders for signer in (SIGNER, None)),
        RunCreated(run="night", mode="live", epoch="e1e1", at=NIGHT, definition=ELECTION).encode(),
        EpochBegun(run="night", epoch="e2e2", take=1, at=NIGHT).encode(),
        RunRestored(run="night", epoch="e1e1", incarnation="0123abcd", at=NIGHT).encode(),
        _MOVED.encode(),
    )


def check(data: bytes) -> None:
    """The record has its effect or none, nobody who folds it ends, and the order behind it counts."""
    signed = _signed(data)
    for run in (LIVE, REPLAY):
        for value in {data, signed}:
            _check_fold(run, value)
    try:
        created = parse_control(data)
    except (ValueError, DefinitionError):
        created = None
    for found in (created, parse_epoch(data), parse_restored(data), parse_moved(data)):
        if found is not None:
            expect(type(found).model_validate_json(found.encode()) == found, "a record does not come back")


def _signed(data: bytes) -> bytes:
    """The same as an operator would have signed it, as far as it is an object."""
    try:
        fields = orjson.loads(data)
        unsigned = {name: value for name, value in fields.items() if name != "signature"}
        order_like = _Fields(unsigned)
        return encode_order(order_like, SIGNER)  # type: ignore[arg-type]  # it is asked for nothing but its JSON
    except (ValueError, AttributeError, TypeError):
        return data


class _Fields:
    """An order of any fields."""

    def __init__(self, fields: dict[str, object]) -> None:
        self._fields = fields

    def model_dump_json(self) -> bytes:
        return orjson.dumps(self._fields)


def _check_fold(run: Run, value: bytes) -> None:
    control = Control(run, [SIGNER.public])
    before = _standing(control)
    verdict = control.fold(Written(0, value, timestamp=NOW_MS))
    if verdict is None or not (verdict.stands or verdict.missed):
        expect(_standing(control) == before, "a refused record changes what stands")
    _check_verdict(verdict, value)
    _fold_elsewhere(run, value, verdict, control)
    good = control.fold(Written(1, GOOD, timestamp=NOW_MS))
    expect(good is not None and good.counts, "an order behind it does not count")
    expect(control.position == 2, "a position is lost")


def _standing(control: Control) -> tuple[object, ...]:
    return control.embargo, control.calls, control.unverified(NOW)


def _check_verdict(verdict: Verdict | None, value: bytes) -> None:
    if verdict is not None and verdict.order is not None:
        found = verdict.order
        expect(ORDER.validate_json(encode_order(found, None)) == found, "an order does not come back")
        orjson.dumps(found.model_dump())  # as the audit tells it
    broken = broken_control("sandik.night.control", Written(0, value, timestamp=NOW_MS), verdict)
    if broken is not None:
        record = Quarantined.model_validate_json(broken.encode())
        expect(record == broken and record.original == value[:MAX_KEPT_BYTES], "other bytes are set aside")


def _fold_elsewhere(run: Run, value: bytes, verdict: Verdict | None, control: Control) -> None:
    """As the order relay and a gateway with a replay's clock do."""
    holds, overrides, marks = Holds(run.definition), Overrides(), ReplayProgress(run.epoch)
    if verdict is not None and verdict.order is not None and verdict.stands:
        holds.apply(0, verdict.order, NOW_MS)
        overrides.apply(0, verdict.order)
    moved = parse_moved(value)
    if moved is not None:
        marks.hear(0, moved)
        marks.owed({0: 9, 1: 9, 2: 9, 3: 9})
        for partition in range(4):
            control.clock.receive_progress(PartitionProgress(partition=partition, mark=0))
        for later_s in (0, 1, 3_600):
            found = control.clock.at(NOW + timedelta(seconds=later_s))
            if found is not None:
                found.model_dump_json()
    control.embargo.is_in_force(NOW)


TARGET: Final = Target(
    "control", "control records, also with a good signature", 120, simple(lambda: Opened(corpus(), check))
)
