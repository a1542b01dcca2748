"""From tallies in Apache Kafka to totals: the aggregator beside Kafka Streams and Bytewax, and after `kill -9`.

The peers are small programs under `benchmarks/peers/streams`, written as one would for production. Each runs as a
process of its own on one core, reads a night and writes its totals to a topic of its own. It has ended when that topic
says what the tallies come to, or when nothing has been written for long: then what is wrong is counted.
"""

import asyncio
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError

from benchmarks.gateway.process import SERVER_CORE, cpu_s, family, leave_server_core
from benchmarks.gateway.servers import PEERS, Missing
from benchmarks.logs import log_urls
from benchmarks.measure import spread
from benchmarks.night import election, events
from benchmarks.patience import LIMIT_S
from eventlog.clock import Wall
from eventlog.port import Entry, Topic
from eventlog.run import create_run
from producers.publish import Publisher, publish
from sandik.process import command_line
from sandik.wiring import open_log
from schemas.totals import parse_totals
from tests.kafka.jars import NoKafka, fetch_jars

EVENTS: Final = 500_000
ROUNDS: Final = 3
QUIET_S: Final = 20.0
"""So long after its last record a peer counts as done, whatever it has written: it commits many times in that."""

_PROGRAMS: Final = PEERS / "streams"

Cells = dict[str, dict[str, int]]
"""Votes by candidate, by `CONTEST|SOURCE|DISTRICT`; who has none is not there."""


class Night(NamedTuple):
    """A run with its tallies: where its broker is, and a folder in which a peer may keep things."""

    url: str
    run: str
    folder: Path

    @property
    def servers(self) -> str:
        """The broker's `host:port`."""
        return self.url.removeprefix("kafka://")

    def topic(self, part: str) -> str:
        """The name of one of the run's topics."""
        return f"sandik.{self.run}.{part}"


class Told(NamedTuple):
    """What a record of a topic of totals says."""

    cell: str
    votes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Peer:
    """A way from tallies to totals: how it is started on a night, and how what it writes is read."""

    command: Callable[[Night], Sequence[str]]
    out: str
    read: Callable[[bytes, bytes], Told | None]


@dataclass
class Figures:
    """What was measured of one peer: CPU seconds of an undisturbed night, and cells that were wrong after a kill."""

    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)


def streams() -> Iterator[str]:
    """CPU seconds from Kafka to totals beside Kafka Streams and Bytewax, and what is wrong after `kill -9`."""
    leave_server_core()
    with log_urls() as urls, tempfile.TemporaryDirectory(prefix="sandik-bench-") as folder:
        peers, missing = _peers(Path(folder) / "classes")
        found = {name: Figures() for name in peers}
        for round_number in range(ROUNDS):
            for name, peer in peers.items():
                night, expected = asyncio.run(_staged(urls["Apache Kafka"], Path(folder)))
                if round_number == ROUNDS - 1:
                    _kill_halfway(night, peer, expected, found[name])
                else:
                    _run(night, peer, expected, found[name])
    heads = ("CPU s", "seconds", "cells wrong after `kill -9`", "seconds from there")
    yield f"| {EVENTS:,} tallies from Kafka to totals, one core | {' | '.join(heads)} |"
    yield "|---|---:|---:|---:|---:|"
    for name, figures in found.items():
        cells = [spread(figures.cpu_s).text(), spread(figures.wall_s).text()]
        wrong, back_s = figures.wrong[0], figures.back_s[0]
        yield f"| {name} | {' | '.join(cells)} | {wrong} | {back_s:.1f} |"
    for line in missing:
        yield ""
        yield line


def _peers(classes: Path) -> tuple[dict[str, Peer], list[str]]:
    """Who takes part, and a line for each who cannot. What is compiled goes to `classes`."""
    peers = {"sandik": Peer(_sandik, "totals", _read_ours)}
    missing = []
    try:
        streams = _kafka_streams(classes)
        peers["Kafka Streams, processor, exactly once"] = Peer(streams("processor", "exactly_once_v2"), "out", _read)
        peers["Kafka Streams, processor, at least once"] = Peer(streams("processor", "at_least_once"), "out", _read)
        peers["Kafka Streams, DSL, exactly once"] = Peer(streams("dsl", "exactly_once_v2"), "out", _read)
    except (Missing, NoKafka) as reason:
        missing.append(f"Kafka Streams is left out: {reason}")
    if importlib.util.find_spec("bytewax") is None:
        missing.append("Bytewax is left out: install it with `pip install -c constraints/dev.txt --group peers`.")
    else:
        peers["Bytewax"] = Peer(_bytewax, "out", _read)
    return peers, missing


def _sandik(night: Night) -> Sequence[str]:
    return command_line("aggregate", "--log", night.url, "--run", night.run)


def _kafka_streams(classes: Path) -> Callable[[str, str], Callable[[Night], Sequence[str]]]:
    """Compile it; what writes its command lines. Raises `Missing` and `NoKafka`."""
    if shutil.which("javac") is None:
        raise Missing("there is no Java compiler; install Debian's package default-jdk-headless.")
    libraries = f"{fetch_jars(_PROGRAMS / 'pom.xml')}/*"
    compiling = ["javac", "-d", str(classes), "-cp", libraries, str(_PROGRAMS / "Totals.java")]
    subprocess.run(compiling, check=True, timeout=LIMIT_S)

    def of(kind: str, guarantee: str) -> Callable[[Night], Sequence[str]]:
        def command(night: Night) -> Sequence[str]:
            options = (
                "-Xmx3g",
                "-XX:+UseSerialGC",
                f"-Djava.io.tmpdir={night.folder}",
                "-cp",
                f"{classes}:{libraries}",
            )
            topics = (night.topic("tallies"), night.topic("out"), night.run)
            return ["java", *options, "Totals", night.servers, *topics, kind, guarantee]

        return command

    return of


def _bytewax(night: Night) -> Sequence[str]:
    topics = (night.topic("tallies"), night.topic("out"), str(night.folder / night.run), "1")
    return [sys.executable, str(_PROGRAMS / "totals.py"), night.servers, *topics]


def _read_ours(_: bytes, value: bytes) -> Told | None:
    try:
        totals = parse_totals(value)
    except ValidationError:
        return None  # where the aggregator is, and the like
    return Told(f"{totals.contest}|{totals.source}|{totals.district}", _of_somebody(totals.votes))


def _read(key: bytes, value: bytes) -> Told:
    return Told(key.decode(), _of_somebody(orjson.loads(value)))


def _of_somebody(votes: Mapping[str, int]) -> dict[str, int]:
    return {candidate: count for candidate, count in votes.items() if count}


async def _staged(url: str, folder: Path) -> tuple[Night, Cells]:
    """A night of its own in the log, and what it comes to."""
    clock, definition = Wall(), election()
    night = Night(url, f"bench-{uuid.uuid4().hex[:8]}", folder)
    newest: dict[tuple[str, int], dict[str, int]] = {}

    def noted() -> Iterator[Entry]:
        for entry in events(definition, EVENTS):  # revisions only go up in it
            tally = orjson.loads(entry.value)
            newest[f"{tally['contest']}|{tally['source']}|{tally['district']}", tally["box"]] = tally["votes"]
            yield entry

    async with open_log(url, clock) as log:
        run = await create_run(log, night.run, definition, mode="test", epoch="bench", clock=clock)
        await log.create([Topic(night.topic("out"), 1)])
        await publish(Publisher(log, run.topics.tallies.name, clock), noted())
    sums: dict[str, Counter[str]] = {}
    for (cell, _), votes in newest.items():
        sums.setdefault(cell, Counter()).update(votes)
    return night, {cell: _of_somebody(votes) for cell, votes in sums.items()}


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A peer on the core that is its own."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, {SERVER_CORE})
    try:
        yield process
    finally:
        process.kill()
        process.wait(LIMIT_S)


def _run(night: Night, peer: Peer, expected: Cells, figures: Figures) -> None:
    """An undisturbed night."""
    began = time.perf_counter()
    with _running(peer.command(night)) as process:
        ended, wrong = asyncio.run(_followed(night, peer, expected))
        figures.cpu_s.append(cpu_s(family(process.pid)))
    figures.wall_s.append(ended - began)
    if wrong:
        raise RuntimeError(f"{wrong} cells are wrong on a night that nobody disturbed: {process.args!r}")


def _kill_halfway(night: Night, peer: Peer, expected: Cells, figures: Figures) -> None:
    """A night amid which the peer is killed, after half the time that it takes, and started again."""
    with _running(peer.command(night)):
        time.sleep(spread(figures.wall_s).median / 2)
    began = time.perf_counter()
    with _running(peer.command(night)):
        ended, wrong = asyncio.run(_followed(night, peer, expected))
    figures.wrong.append(wrong)
    figures.back_s.append(ended - began)


async def _followed(night: Night, peer: Peer, expected: Cells) -> tuple[float, int]:
    """When the topic of totals last changed, and how many cells are wrong then."""
    topic = TopicPartition(night.topic(peer.out), 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=night.servers, isolation_level="read_committed")
    await consumer.start()
    try:
        consumer.assign([topic])
        await consumer.seek_to_beginning(topic)
        wrong, changed = set(expected), time.perf_counter()
        heard = False
        while wrong and time.perf_counter() - changed < (QUIET_S if heard else LIMIT_S):
            for record in (await consumer.getmany(topic, timeout_ms=100)).get(topic, []):
                told = peer.read(record.key, record.value or b"")
                if told is None:
                    continue
                heard, changed = True, time.perf_counter()
                (wrong.discard if told.votes == expected.get(told.cell) else wrong.add)(told.cell)
        return changed, len(wrong)
    finally:
        await consumer.stop()
