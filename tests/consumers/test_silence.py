"""A reader that falls silent, though the log has more, keeps nobody from the rest of the night."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from consumers.aggregate import Progress, fold_run
from consumers.archive import Archiver, ArchiveSettings
from consumers.archive import Progress as ArchiveProgress
from eventlog import port
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog, Reader
from eventlog.run import create_run
from tests.builders import counted, small_election
from tests.consumers.test_aggregate import FAST, publish
from tests.consumers.test_amendments import until_votes
from tests.gateway.unreliable import Unreliable
from tests.patience import LIMIT_S


class _Silent(Unreliable):
    """A log of which one topic's readers can be muted for good; those that are opened after that are well."""

    def __init__(self, below: EventLog, topic: str) -> None:
        super().__init__(below)
        self._topic = topic

    def reader(self, topic: str, positions: Mapping[int, int]) -> Reader:
        return super().reader(topic, positions) if topic == self._topic else self.below.reader(topic, positions)


@pytest.mark.parametrize("topic", ["tallies", "totals", "control"])
async def test_an_aggregator_of_which_a_reader_falls_silent_begins_anew(
    log: EventLog, unique: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "SILENT_S", 0.2)
    run = await create_run(log, unique, small_election(), mode="test", epoch="e1e1", clock=Wall(), partitions=4)
    silent, progress = _Silent(log, getattr(run.topics, topic).name), Progress()
    folding = asyncio.create_task(fold_run(silent, run, Wall(), FAST, progress))
    try:
        await publish(log, run, counted({"kurum": 1}, box=1003))
        await until_votes(log, run, 1, "kurum")
        votes = 1
        async with asyncio.timeout(LIMIT_S):
            while not progress.errors["LogSilent"]:
                silent.mute()  # again and again: after a rebalance its readers are others
                votes += 1
                await log.append(run.topics.control.name, [Entry(b"nothing", b"{}")])
                await publish(log, run, counted({"kurum": votes}, box=1001, revision=votes))
                await asyncio.sleep(0.01)
        await publish(log, run, counted({"kurum": 7}, box=1002))
        await until_votes(log, run, 8 + votes, "kurum")
    finally:
        folding.cancel()
        await asyncio.wait({folding}, timeout=LIMIT_S)


@pytest.mark.parametrize("topic", ["tallies", "control"])
async def test_an_archiver_of_which_a_reader_falls_silent_begins_to_read_anew(
    log: EventLog, unique: str, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "SILENT_S", 0.2)
    run = await create_run(log, unique, small_election(), mode="test", epoch="e1e1", clock=Wall(), partitions=4)
    silent, progress = _Silent(log, getattr(run.topics, topic).name), ArchiveProgress()
    settings = ArchiveSettings(roll_ms=20, retry=FAST.retry)
    archiver = Archiver(silent, run, tmp_path / "archive", Wall(), settings, progress=progress)
    following = asyncio.create_task(archiver.follow())
    try:
        async with asyncio.timeout(LIMIT_S):
            while not progress.archived:  # noqa: ASYNC110  nothing else tells of it
                await asyncio.sleep(0.01)
            silent.mute()
            while not progress.errors["LogSilent"]:
                await log.append(getattr(run.topics, topic).name, [Entry(b"nothing", b"{}")])
                await asyncio.sleep(0.01)
            await log.append(run.topics.tallies.name, [Entry(b"nothing", b"{}")])
            while progress.behind or progress.unwritten_s is not None:  # noqa: ASYNC110  as above
                await asyncio.sleep(0.01)
    finally:
        following.cancel()
        await asyncio.wait({following}, timeout=LIMIT_S)
