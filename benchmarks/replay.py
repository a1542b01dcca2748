"""A replay: how exactly records come when they are due at 60x, and how fast a whole night goes through log and fold."""

import asyncio
import tempfile
import time
import uuid
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks.logs import log_urls
from consumers.aggregate import Aggregator
from consumers.archive import Archiver
from eventlog.archive import Archive, open_archive
from eventlog.archive_files import moment
from eventlog.clock import Wall
from eventlog.port import EventLog
from eventlog.run import Run, create_run
from eventlog.sqlite.log import SqliteLog
from producers.publish import Publisher, entry, publish
from producers.replaying.inputs import ArchivedNight
from producers.replaying.replay import AppendedRecords, ArchiveReplay, ReplayObserver, ReplaySettings
from producers.simulating.library import read_scenario
from producers.simulating.simulate import night
from sandik.process import calm_garbage_collector
from sandik.wiring import open_log

SPEED = 60.0
TIMED_S = 15
ROUNDS = 3
_BUSIEST = 4  # in tenths: at about 40 % of the time between the first record and the last


@dataclass
class Figures:
    """What was measured on one log. Late: from when a record was due."""

    handed_ms: list[float] = field(default_factory=list)
    durable_ms: list[float] = field(default_factory=list)
    publish_cpu_s: list[float] = field(default_factory=list)
    publish_s: list[float] = field(default_factory=list)
    fold_cpu_s: list[float] = field(default_factory=list)
    fold_s: list[float] = field(default_factory=list)


def replay() -> Iterator[str]:
    """Timing at 60x, and events a second from the archive to the totals."""
    calm_garbage_collector()
    with (
        tempfile.TemporaryDirectory(prefix="sandik-bench-") as folder,
        log_urls() as urls,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        archive = runner.run(_archived(Path(folder)))
        found = {name: runner.run(_measure(url, archive)) for name, url in urls.items()}
    events = archive.manifest.count("tallies")
    yield f"| {TIMED_S} s of İstanbul's busiest at {SPEED:.0f}x, ms late | records | p50 | p99 | worst |"
    yield "|---|---:|---:|---:|---:|"
    for name, one in found.items():
        for what, late in (("handed to the log", one.handed_ms), ("durable", one.durable_ms)):
            p50, p99, worst = (_quantile(late, at) for at in (0.5, 0.99, 1))
            yield f"| {name}: {what} | {len(late):,} | {p50:.1f} | {p99:.1f} | {worst:.1f} |"
    yield ""
    yield f"| {events:,} events, thousand a second, best of {ROUNDS} | {' | '.join(found)} |"
    yield "|---|" + "---:|" * len(found)
    for what, name in (
        ("archive → log, by the wall", "publish_s"),
        ("archive → log, a CPU second", "publish_cpu_s"),
        ("log → fold → totals, by the wall", "fold_s"),
        ("log → fold → totals, a CPU second", "fold_cpu_s"),
    ):
        cells = (f"{events / min(getattr(one, name)) / 1000:,.1f}" for one in found.values())
        yield f"| {what} | {' | '.join(cells)} |"


def _quantile(values: list[float], at: float) -> float:
    return sorted(values)[min(len(values) - 1, int(at * len(values)))]


async def _archived(folder: Path) -> Archive:
    """All of İstanbul from one source, archived."""
    clock, scenario = Wall(), read_scenario()
    async with SqliteLog(folder / "night.db", clock) as log:
        run = await create_run(log, "night", scenario.definition(), mode="test", epoch="bench", clock=clock)
        staged = night(scenario, 1, sources=["aa"])
        await publish(Publisher(log, run.topics.tallies.name, clock), (entry(event) for _, event in staged))
        await Archiver(log, run, folder / "archive", clock).run_until_end()
    return open_archive(folder / "archive")


async def _measure(url: str, archive: Archive) -> Figures:
    figures = Figures()
    async with open_log(url, Wall()) as log:
        await _time(log, archive, figures)
        for _ in range(ROUNDS):
            run = await _run(log, archive)
            await _timed(_replay(log, run, archive, ReplaySettings(speed=0)), figures.publish_s, figures.publish_cpu_s)
            await _timed(Aggregator(log, run, Wall()).run_until_end(), figures.fold_s, figures.fold_cpu_s)
    return figures


async def _time(log: EventLog, archive: Archive, figures: Figures) -> None:
    bounds = ArchivedNight(archive)
    begin_us = bounds.first_us + (bounds.last_us - bounds.first_us) * _BUSIEST // 10
    end_us = begin_us + round(TIMED_S * SPEED * 1_000_000)

    def note(sent: AppendedRecords) -> None:
        if sent.due_us[-1] <= begin_us:
            return  # what was before is published at full speed
        for due_us in sent.due_us:
            figures.handed_ms.append((sent.handed_us - due_us) / SPEED / 1000)
            figures.durable_ms.append((sent.durable_us - due_us) / SPEED / 1000)

    settings = ReplaySettings(speed=SPEED, begin=moment(begin_us), end=moment(end_us))
    await _replay(log, await _run(log, archive), archive, settings, ReplayObserver(on_appended=note))


async def _run(log: EventLog, archive: Archive) -> Run:
    manifest = archive.manifest
    name = f"bench-{uuid.uuid4().hex[:8]}"
    return await create_run(
        log, name, manifest.definition, mode="replay", epoch="bench", clock=Wall(), partitions=manifest.partitions
    )


async def _replay(
    log: EventLog, run: Run, archive: Archive, settings: ReplaySettings, observer: ReplayObserver | None = None
) -> None:
    publisher = Publisher(log, run.topics.tallies.name, Wall())
    await ArchiveReplay(publisher, run, ArchivedNight(archive), settings, lambda: uuid.uuid4().hex, observer).play()


async def _timed(work: Awaitable[object], wall_s: list[float], cpu_s: list[float]) -> None:
    began, began_cpu = time.perf_counter(), time.process_time()
    await work
    wall_s.append(time.perf_counter() - began)
    cpu_s.append(time.process_time() - began_cpu)
