"""A run in the log: creating one, and finding out what it is."""

import re
from dataclasses import dataclass
from typing import Final

from eventlog.clock import Clock
from eventlog.port import Entry, EventLog
from eventlog.topics import DEFAULT_PARTITIONS, RunTopics
from schemas.control import Mode, RunCreated, parse_control
from schemas.definition import Election
from schemas.errors import RunConflict, UnknownRun, UsageError

RUN_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,99}")
"""What a run may be called: what Kafka allows in a topic's name, without the dot that separates its parts."""

_READ_WAIT_MS: Final = 1_000
"""How long one read of the control topic may wait; the record is known to be there, so this only bounds a retry."""


@dataclass(frozen=True, slots=True)
class Run:
    """An existing run: where its records are and what it is about."""

    topics: RunTopics
    mode: Mode
    epoch: str
    definition: Election

    @property
    def name(self) -> str:
        """The run's name."""
        return self.topics.run


async def create_run(
    log: EventLog,
    name: str,
    definition: Election,
    *,
    mode: Mode,
    epoch: str,
    clock: Clock,
    partitions: int = DEFAULT_PARTITIONS,
) -> Run:
    """Create the run, or join it where it exists with the same definition and mode.

    Raises `RunConflict` where it exists with others, `UsageError` where the name cannot be a topic's.
    """
    if not RUN_NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a run's name. Use letters, digits, '-' and '_', 100 at most.")
    topics = RunTopics(name, partitions)
    await log.create(topics.all())
    if (await log.end_offsets(topics.control.name))[0] == 0:
        created = RunCreated(run=name, mode=mode, epoch=epoch, at=clock.now(), definition=definition)
        await log.append(topics.control.name, [Entry(b"run", created.encode())])
    run = await find_run(log, name)
    if run.definition != definition:
        raise RunConflict(name, "definition")
    if run.mode != mode:
        raise RunConflict(name, "mode")
    return run


async def find_run(log: EventLog, name: str) -> Run:
    """Read from the log what the run is: the first `run_created` stands. Raises `UnknownRun`."""
    control = RunTopics(name).control.name
    if not RUN_NAME.fullmatch(name) or not await log.exists(control):
        raise UnknownRun(name)
    end = (await log.end_offsets(control))[0]
    async with log.reader(control, {0: 0}) as reader:
        while reader.positions[0] < end:
            for batch in await reader.read(max_records=16, wait_ms=_READ_WAIT_MS):
                for record in batch.records:
                    created = parse_control(record.value or b"{}")
                    if created is not None:
                        partitions = await log.partitions(RunTopics(name).tallies.name)
                        return Run(RunTopics(name, partitions), created.mode, created.epoch, created.definition)
    raise UnknownRun(name)
