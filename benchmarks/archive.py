"""An archive of half a million tallies: writing it, its size, and verifying it beside a query in DuckDB and in Polars.

The peers' queries are those of docs/archive.md: they come to the same totals, and check nothing.
"""

import asyncio
import re
import resource
import runpy
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

import duckdb

from benchmarks.measure import spread
from benchmarks.night import election, events
from consumers.archive import Archiver
from consumers.verify import verify
from eventlog.clock import Wall
from eventlog.run import create_run
from producers.publish import Publisher, publish
from sandik.process import calm_garbage_collector
from sandik.wiring import open_log

EVENTS = 500_000
ROUNDS = 3
PROCESSES = 2
PAGE = Path(__file__).parents[1] / "docs" / "archive.md"


def archive() -> Iterator[str]:
    """Events a second written; seconds by the wall and of CPU for verifying, and for the same totals elsewhere."""
    calm_garbage_collector()
    with tempfile.TemporaryDirectory(prefix="sandik-bench-") as name:
        folder = Path(name)
        written_cpu_s = asyncio.run(_write(folder))
        log_bytes, archive_bytes = _size(folder, "log.db*"), _size(folder / "archive", "*")
        (folder / "query.py").write_text(_shown("python"))
        peers: dict[str, Callable[[], object]] = {
            f"sandik verify, {PROCESSES} processes": lambda: verify(folder / "archive", processes=PROCESSES),
            "DuckDB": _query_duckdb,
            "Polars": lambda: runpy.run_path(str(folder / "query.py")),
        }
        taken: dict[str, list[tuple[float, float]]] = {peer: [] for peer in peers}
        with chdir(folder / "archive"):
            for _ in range(ROUNDS):
                for peer, work in peers.items():
                    taken[peer].append(_timed(work))
    sizes = f"The embedded log: {log_bytes / 1e6:,.0f} MB; the archive: {archive_bytes / 1e6:,.0f} MB."
    yield f"Writing: {EVENTS / written_cpu_s:,.0f} events a CPU second. {sizes}"
    yield ""
    yield f"| {EVENTS:,} events in Parquet | seconds by the wall | CPU seconds |"
    yield "|---|---:|---:|"
    for peer, rounds in taken.items():
        wall, cpu = (spread(list(values)).text(".2f") for values in zip(*rounds, strict=True))
        yield f"| {peer} | {wall} | {cpu} |"


async def _write(folder: Path) -> float:
    """A night in an embedded log, and its archive; returns the CPU seconds that archiving took."""
    clock = Wall()
    definition = election()
    async with open_log(f"sqlite:{folder / 'log.db'}", clock) as log:
        run = await create_run(log, "bench", definition, mode="test", epoch="bench", clock=clock)
        await publish(Publisher(log, run.topics.tallies.name, clock), events(definition, EVENTS))
        began_s = _cpu_s()
        await Archiver(log, run, folder / "archive", clock).run_until_end()
        return _cpu_s() - began_s


def _query_duckdb() -> object:
    with duckdb.connect() as connection:
        return connection.sql(_shown("sql")).fetchall()


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the wall, and of CPU, in this process and its children."""
    began, began_cpu_s = time.perf_counter(), _cpu_s()
    work()
    return time.perf_counter() - began, _cpu_s() - began_cpu_s


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _size(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())


def _shown(language: str) -> str:
    """The page's one block in that language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)
