"""The feed of a gateway under measurement: a process that appends totals records to the run's log, on schedule.

What the aggregator would publish is appended as it would publish it: absolute totals of a district, a rising version.
`registered` is the moment at which the record was due, in microseconds of the machine's monotonic clock, so that a
client knows how long it took (open model: a late append counts as waiting too).
"""

import asyncio
import enum
import multiprocessing
import time
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from types import TracebackType
from typing import Final, NamedTuple, Self

import orjson

from benchmarks.gateway.handshake import CONTEST, SOURCE
from benchmarks.gateway.process import leave_server_core
from benchmarks.patience import LIMIT_S
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import create_run
from sandik.wiring import open_log
from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.totals import Totals

EPOCH: Final = "bench"
CANDIDATES: Final = 4
"""Candidates whose votes change in a record: a delta of about 300 bytes, a busy province's."""

SLOT_S: Final = 0.005
"""Records due within this time are appended together: what a producer's linger does."""


def units(districts: int) -> list[str]:
    """The districts' ids, all below the province `tr/34`."""
    return [f"tr/34/d{number:04}" for number in range(districts)]


def election(districts: int) -> Election:
    """One province with so many districts."""
    names = tuple(Candidate(id=f"candidate_{number:02}", name=f"Candidate {number}") for number in range(CANDIDATES))
    return Election(
        id="bench",
        name="Bench",
        date=date(2024, 3, 31),
        parties=(),
        sources=(Source(id=SOURCE, name="AA"),),
        contests=(Contest(id=CONTEST, name="Mayor", candidates=names),),
        units=(
            Unit(id="tr", level="country", name="Türkiye"),
            Unit(id="tr/34", level="province", name="İstanbul", parent="tr"),
            *(
                Unit(id=id_, level="district", name=id_, parent="tr/34", boxes=((1, 1_000),))
                for id_ in units(districts)
            ),
        ),
    )


def totals(district: str, version: int, due_us: int) -> Totals:
    """Figures that all differ from those of the version before."""
    votes = {f"candidate_{number:02}": 10_000 + 10 * version + number for number in range(CANDIDATES)}
    cast = sum(votes.values())
    return Totals(
        contest=CONTEST,
        source=SOURCE,
        district=district,
        version=version,
        as_of=datetime(2024, 3, 31, 18, tzinfo=UTC) + timedelta(seconds=version),
        boxes_opened=100 + version,
        annulled=0,
        registered=due_us,
        cast=cast,
        valid=cast,
        invalid=0,
        unattributed=0,
        flagged=0,
        votes=votes,
    )


class Form(enum.Enum):
    """What a feed appends."""

    TOTALS = enum.auto()
    """Records as the aggregator publishes them."""
    COMMANDS = enum.auto()
    """The same as commands for Centrifugo's Kafka consumer: publish to the channel of the record's district."""

    def encode(self, record: Totals) -> bytes:
        """Encode a record in this form."""
        value = record.encode()
        if self is Form.TOTALS:
            return value
        publish = {"channel": record.district, "data": orjson.Fragment(value)}
        return orjson.dumps({"method": "publish", "payload": publish})


class Appends(NamedTuple):
    """How long after it was due a record was acknowledged by the log: what a client waits before the gateway."""

    mean_ms: float = 0
    p99_ms: float = 0


class Feed:
    """The harness's end: creates the run, then appends to its totals when told."""

    def __init__(self, url: str, run: str, districts: int, form: Form = Form.TOTALS) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, url, run, districts, form), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._received()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._process.is_alive():
            self._pipe.send(None)
        self._process.join(10)
        self._process.kill()
        self._pipe.close()

    def round(self) -> None:
        """Append one record of every district, together."""
        self._pipe.send(("round", ()))
        self._received()

    def begin(self, rate_hz: float, seconds: float, *, together: bool = False) -> None:
        """Append on schedule: each district so many times a second, `together` or spread evenly. `wait` says when."""
        self._pipe.send(("scheduled", (rate_hz, seconds, together)))

    def wait(self) -> Appends:
        """Wait for the schedule's end; how the appending went."""
        return self._received()

    def _received(self) -> Appends:
        if not self._pipe.poll(LIMIT_S):
            raise TimeoutError("The feed did not answer.")
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, Appends):
            raise TypeError(f"the feed answered {answer!r}")
        return answer


def _run(pipe: Pipe, url: str, run: str, districts: int, form: Form) -> None:
    leave_server_core()
    try:
        asyncio.run(_feed(pipe, url, run, districts, form))
    except Exception as error:  # noqa: BLE001  told to the harness, which raises it
        pipe.send(RuntimeError(f"feed: {error!r}"))


async def _feed(pipe: Pipe, url: str, name: str, districts: int, form: Form) -> None:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await create_run(log, name, election(districts), mode="test", epoch=EPOCH, clock=clock)
        feeder = _Feeder(log, run.topics.totals.name, units(districts), form)
        await feeder.round()
        pipe.send(Appends())
        while order := await asyncio.to_thread(pipe.recv):
            method, arguments = order
            pipe.send(await getattr(feeder, method)(*arguments))


class _Feeder:
    def __init__(self, log: EventLog, topic: str, districts: list[str], form: Form) -> None:
        self._log = log
        self._form = form
        self._topic = topic
        self._districts = districts
        self._version = 0
        self._waits_ms: list[float] = []

    async def round(self) -> Appends:
        await self._append(self._districts, time.monotonic())
        return Appends()

    async def scheduled(self, rate_hz: float, seconds: float, together: bool) -> Appends:  # noqa: FBT001  a pickled order
        begins = time.monotonic() + 0.1
        steps = round(rate_hz * seconds) * (1 if together else len(self._districts))
        step_s = seconds / steps
        self._waits_ms = []
        done = 0
        async with asyncio.timeout(seconds + LIMIT_S), asyncio.TaskGroup() as group:
            while done < steps:
                now = time.monotonic() - begins
                due = min(steps, int(now / step_s) + 1) if now >= 0 else 0
                for number in range(done, due):
                    moment = begins + number * step_s
                    whom = self._districts if together else [self._districts[number % len(self._districts)]]
                    group.create_task(self._append(whom, moment))
                done = max(done, due)
                await asyncio.sleep(max(0.0005, min(SLOT_S, begins + done * step_s - time.monotonic())))
        waits = sorted(self._waits_ms)
        return Appends(sum(waits) / len(waits), waits[int(len(waits) * 0.99)])

    async def _append(self, districts: list[str], due: float) -> None:
        self._version += 1
        due_us = round(due * 1_000_000)
        records = (totals(district, self._version, due_us) for district in districts)
        entries = [Entry(record.cell.key(), self._form.encode(record)) for record in records]
        await self._log.append(self._topic, entries)
        self._waits_ms.append(1_000 * (time.monotonic() - due))
