"""The aggregator on a million-event night: throughput from a cold start, and how long a warm restart takes.

And the real command on a smaller night, killed with `kill -9`: how long until it is back, and until another takes over.
"""

import asyncio
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Self

import uvloop

from benchmarks.logs import log_urls
from benchmarks.measure import spread
from benchmarks.night import election, events
from benchmarks.patience import LIMIT_S
from consumers.aggregate import Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, create_run
from producers.publish import Publisher, publish
from sandik.process import calm_garbage_collector, command_line
from sandik.wiring import open_log
from tabulation.counting.checkpoint import MARKER_KEY

EVENTS = 1_000_000
ROUNDS = 3


@dataclass
class Figures:
    """What was measured on one log, in seconds."""

    read_s: list[float] = field(default_factory=list)
    read_cpu_s: list[float] = field(default_factory=list)
    cold_s: list[float] = field(default_factory=list)
    cold_cpu_s: list[float] = field(default_factory=list)
    warm_s: list[float] = field(default_factory=list)


def aggregating() -> Iterator[str]:
    """Events a second from the log through validation, fold, publishing and checkpoint, beside reading alone."""
    calm_garbage_collector()
    with log_urls() as urls, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = {name: runner.run(_measure(url)) for name, url in urls.items()}
    yield f"| {EVENTS:,} events, one process | embedded log | Apache Kafka |"
    yield "|---|---:|---:|"
    embedded, kafka = found["embedded log"], found["Apache Kafka"]
    for what, seconds in (("reading alone", "read_cpu_s"), ("cold start to the end", "cold_cpu_s")):
        cells = (spread([EVENTS / value / 1000 for value in getattr(log, seconds)]).text() for log in (embedded, kafka))
        yield f"| {what}: thousand events a CPU second | {' | '.join(cells)} |"
    for what, seconds in (
        ("reading alone", "read_s"),
        ("cold rebuild", "cold_s"),
        ("warm restart from the checkpoint", "warm_s"),
    ):
        cells = (spread(getattr(log, seconds)).text(".2f") for log in (embedded, kafka))
        yield f"| {what}: seconds by the wall | {' | '.join(cells)} |"


def taking_over() -> Iterator[str]:
    """Seconds from `kill -9` of `sandik aggregate` until its partitions are folded again, by itself or by another."""
    with log_urls() as urls:
        found = {name: [_kill_and_wait(url) for _ in range(ROUNDS)] for name, url in urls.items()}
    embedded, kafka = found["embedded log"], found["Apache Kafka"]
    yield "| seconds by the wall | embedded log | Apache Kafka |"
    yield "|---|---:|---:|"
    for number, what in enumerate(("killed and started again", "killed, and another takes over")):
        cells = (spread([one[number] for one in log]).text(".2f") for log in (embedded, kafka))
        yield f"| {what} | {' | '.join(cells)} |"


def _kill_and_wait(url: str) -> tuple[float, float]:
    """Kill one of one aggregators, which starts again, then one of two, which does not; seconds of both."""
    where = ("--log", url, "--run", f"bench-{uuid.uuid4().hex[:8]}")
    for command in (
        ("simulate", *where, "--boxes-per-district", "40", "--speed", "0"),
        ("aggregate", *where, "--until-end"),
    ):
        subprocess.run(command_line(*command), check=True, stderr=subprocess.DEVNULL, timeout=LIMIT_S)
    with _Aggregate(where) as first:
        first.wait_for_partitions(8)
        first.kill()
        killed = time.perf_counter()
        with _Aggregate(where) as again:
            again.wait_for_partitions(8)
            back_s = time.perf_counter() - killed
            with _Aggregate(where) as other:  # not before: the two would share the partitions from the start
                other.wait_for_partitions(4)
                again.wait_for_partitions(4)
                again.kill()
                killed = time.perf_counter()
                other.wait_for_partitions(8)
                return back_s, time.perf_counter() - killed


class _Aggregate:
    """`sandik aggregate` as a process, and what it says of its partitions."""

    def __init__(self, where: tuple[str, ...]) -> None:
        command = command_line("--verbose", "aggregate", *where)
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def wait_for_partitions(self, count: int) -> None:
        """Return once it says that it folds so many partitions; end the benchmark where that takes `LIMIT_S`."""
        deadline = time.monotonic() + LIMIT_S
        said = []
        try:
            while (line := self._lines.get(timeout=max(0.0, deadline - time.monotonic()))) is not None:
                said.append(line)
                owned = re.search(r"Folding partitions \[([0-9, ]*)\]", line)
                if owned is not None and len(owned.group(1).split()) == count:
                    return
        except queue.Empty:
            sys.exit(
                f"The aggregator does not fold {count} partitions after {LIMIT_S} s. It said: {''.join(said[-20:])}"
            )
        sys.exit(f"The aggregator ended. It said: {''.join(said[-20:])}")

    def _read(self) -> None:
        """Read what it says as it says it: a pipe that is full would stop it."""
        for line in self._process.stderr or ():
            self._lines.put(line)
        self._lines.put(None)


async def _measure(url: str) -> Figures:
    clock = Wall()
    definition = election()
    figures = Figures()
    async with open_log(url, clock) as log:
        name = f"bench-{uuid.uuid4().hex[:8]}"
        run = await create_run(log, name, definition, mode="test", epoch="bench", clock=clock)
        await publish(Publisher(log, run.topics.tallies.name, clock), events(definition, EVENTS))
        for _ in range(ROUNDS):
            await _timed(_read_all(log, run), figures.read_s, figures.read_cpu_s)
        for _ in range(ROUNDS):
            await _spoil_checkpoints(log, run)
            await _timed(Aggregator(log, run, clock).run_until_end(), figures.cold_s, figures.cold_cpu_s)
            await _timed(Aggregator(log, run, clock).run_until_end(), figures.warm_s, [])
    return figures


async def _timed(work: Awaitable[object], wall_s: list[float], cpu_s: list[float]) -> None:
    began, began_cpu = time.perf_counter(), time.process_time()
    await work
    wall_s.append(time.perf_counter() - began)
    cpu_s.append(time.process_time() - began_cpu)


async def _spoil_checkpoints(log: EventLog, run: Run) -> None:
    """Make the next start a cold one: a checkpoint whose marker cannot be read is not used."""
    spoiled = [Entry(MARKER_KEY, b"spoiled", partition) for partition in range(run.topics.partitions)]
    await log.append(run.topics.ledger.name, spoiled)


async def _read_all(log: EventLog, run: Run) -> None:
    ends = await log.end_offsets(run.topics.tallies.name)
    async with log.reader(run.topics.tallies.name, dict.fromkeys(ends, 0)) as reader:
        while dict(reader.positions) != ends:
            await reader.read(max_records=2_000, wait_ms=1_000)
