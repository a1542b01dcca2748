"""Records of totals and quarantine, as a gateway with a client folds them, and as whoever relays orders does."""

from datetime import timedelta
from typing import Any, Final

import orjson
from pydantic import ValidationError

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.admission.access import Grant
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.asides import GATE, NOTICE, OVERRIDE, Gate, Notice, Override
from schemas.moments import epoch_ms
from schemas.progress import PARTITION_PROGRESS, Late, PartitionProgress, Watermark
from schemas.quarantine import Assessment, quarantined
from schemas.tally import encode
from schemas.totals import TOTALS, Totals, encode_rows, state_of
from schemas.wire import SERVER_MESSAGE
from tabulation.orders.effects import RelayedOrders
from tabulation.replay_clock import ReplayProgress
from tests.builders import counted
from tests.fuzz.clients import Ear, payloads
from tests.fuzz.target import Broken, Opened, Target, expect, simple
from tests.gateway.nights import START, Written, election, totals

ELECTION: Final = election()
RUN: Final = Run(RunTopics("night", 1), "test", "e1e1", ELECTION)
GOOD: Final = totals("tr/06/cankaya", {"kurum": 9, "imamoglu": 4}, version=10**15)
LAST: Final = totals("tr/34/adalar", {"kurum": 2}, version=10**15)
NOW: Final = START + timedelta(minutes=2)
NOW_MS: Final = epoch_ms(START)
_OF: Final[dict[str, Any]] = {"contest": "mayor", "source": "aa", "district": "tr/34/uskudar"}
ROOM: Final = Grant("control_room")
ASK: Final = b'{"type":"subscribe","id":"s1","contest":"mayor","units":["tr","tr/*","tr/34/*","tr/06/*"],"source":"aa"}'


def corpus() -> tuple[bytes, ...]:
    """A record of every kind: its key, a line end, its value."""
    aside = quarantined(
        "conflict", "a test", topic="sandik.night.tallies", partition=0, offset=4, key=b"k", value=encode(counted())
    )
    own = totals(votes={"kurum": 3, "imamoglu": 5}, version=7)
    notice = Notice(**_OF, kind="restarted", offset=4, count=2, revision=1, stands=9, at=START, box=1001)
    override = Override(**_OF, override=3, at=START, figures={"cast": 9, "votes.kurum": 3}, version=7)
    keyed = (
        *(Gate(**_OF, gate=2, held=True, program=own), Gate(**_OF, gate=4, held=False, version=7), override, notice),
        *(PartitionProgress(partition=0, mark=1), Late(partition=0, offset=3)),
        Watermark(owned_since=1, second=2, positions={0: 3}),
        Assessment(position="sandik.night.tallies/0/4", verdict="newer", revision=1),
    )
    records = [(own.cell.key(), own.encode()), (GOOD.cell.key(), GOOD.encode()), (aside.position, aside.encode())]
    records += [(one.key, one.encode()) for one in keyed]
    marked = own.model_copy(update={"overridden": ("votes.kurum",), "excess": 12})
    records.append((marked.cell.key(), marked.encode()))
    return tuple(key + b"\n" + value for key, value in records)


def check(data: bytes) -> None:
    """A gateway folds it between good records: each is told to a client who asks, and nothing that is none of ours."""
    key, _, value = data.partition(b"\n")
    _check_parsed(value)
    gateway = Gateway("night", clock=Manual(NOW), settings=GatewaySettings())
    world = gateway.begin(RUN)
    public, room = Ear(), Ear()
    gateway.broadcaster.connect(public)
    gateway.broadcaster.connect(room, ROOM)
    gateway.fold([Written(0, GOOD.encode(), NOW_MS, GOOD.cell.key())])
    gateway.caught_up()
    for ear in (public, room):
        gateway.broadcaster.receive(ear, ASK.decode())
    gateway.turn()
    record = Written(1, value, NOW_MS, key)
    before = world.view.rows()
    gateway.fold([record])
    if world.view.skipped:
        expect(world.view.rows() == before, "a record that is skipped changes figures")
    gateway.fold([Written(2, LAST.encode(), NOW_MS, LAST.cell.key())])
    world.quarantine.fold(Written(0, value, NOW_MS, key))
    world.comparisons.fold(Written(0, value, NOW_MS, key))
    gateway.turn()
    gateway.watch()
    expect(world.program.seq == 3, "a position is lost")
    _check_told(gateway, public, room)
    _relay(record)


def _check_told(gateway: Gateway, public: Ear, room: Ear) -> None:
    world = gateway.run_state
    if world is None:
        raise Broken("the run is gone")
    for ear in (public, room):
        for payload in payloads(ear.written):
            SERVER_MESSAGE.validate_json(payload)
    expect(b'"tr/34/adalar"' in public.written, "a good record behind it is not told")
    for view in (world.view, world.program.live):
        orjson.loads(encode_rows(view.rows()))
        view.encoded_since("mayor", "aa", list(ELECTION.unit_by_id), 0)
    gateway.reading()
    world.quarantine.open.by_unit  # noqa: B018  it is worked out


def _relay(record: Written) -> None:
    relayed, marks = RelayedOrders(ELECTION), ReplayProgress(RUN.epoch)
    relayed.fold(record)
    marks.fold(record)
    relayed.overwritten(lambda _: True)


def _check_parsed(value: bytes) -> None:
    for kind in (TOTALS, GATE, OVERRIDE, NOTICE, PARTITION_PROGRESS):
        try:
            found = kind.validate_json(value)
        except ValidationError:
            continue
        expect(kind.validate_json(found.encode()) == found, f"a {type(found).__name__} does not come back")
        if isinstance(found, Totals):
            state_of([found])


TARGET: Final = Target(
    "totals",
    "totals, gates, overrides, notices, marks and quarantine, as a gateway folds them",
    40,
    simple(lambda: Opened(corpus(), check)),
)
