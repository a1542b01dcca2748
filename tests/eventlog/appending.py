"""A process that appends to an embedded log: `python -m tests.eventlog.appending PATH TOPIC NAME BATCHES`.

It appends batches of ten records, `NAME batch n`, and prints the number of each batch once it is acknowledged. With
`BATCHES` 0 it appends one record for each line that it is sent. `appending` runs it.
"""

import asyncio
import contextlib
import itertools
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.sqlite.log import SqliteLog
from tests.patience import LIMIT_S

BATCH = 10


@contextlib.asynccontextmanager
async def appending(path: Path, topic: str, name: str, batches: int) -> AsyncIterator[Process]:
    """Another process that appends; killed at the end, if it has not ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.eventlog.appending", str(path), topic, name, str(batches)),
        stdin=PIPE,
        stdout=PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def said(process: Process) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def append_batches(log: EventLog, topic: str, name: str, count: int) -> None:
    """Append, and say what was acknowledged."""
    for batch in itertools.islice(itertools.count(), count):
        await log.append(topic, [Entry(b"k", f"{name} {batch} {n}".encode()) for n in range(BATCH)])
        print(batch, flush=True)  # noqa: T201  the test reads it


async def append_when_told(log: EventLog, topic: str) -> None:
    """Append a record whenever a line comes."""
    print("ready", flush=True)  # noqa: T201  the test waits for it
    while await asyncio.to_thread(sys.stdin.readline):
        await log.append(topic, [Entry(b"k", b"told")])


async def main() -> None:
    """Do as the arguments say."""
    path, topic, name, count = sys.argv[1:]
    async with SqliteLog(Path(path), Wall()) as log:
        if int(count):
            await append_batches(log, topic, name, int(count))
        else:
            await append_when_told(log, topic)


if __name__ == "__main__":
    asyncio.run(main())
