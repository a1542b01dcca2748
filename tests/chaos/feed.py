"""A producer that can be killed at any moment, and goes on after what the log has acknowledged.

It says the same tallies in the same order in each of its lives, by the load tester's schedule: some more of some boxes
every quarter of a second, for ever, so that there is always something that must arrive.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from eventlog.clock import Wall
from eventlog.run import find_run
from producers.publish import Publisher, entry
from sandik.load.feed import Feed, Prior
from sandik.load.plan import COUNTER, Schedule
from sandik.process import run_until_stopped
from sandik.wiring import open_log
from schemas.definition import Election

SOURCE: Final = "observers"
"""Whose figures it sends. The other sources are left to the simulated night."""

GROWS: Final = COUNTER
"""What only grows in its figures: a client that sees it fall has stepped back."""

RATE_HZ: Final = 8.0
_TICK_S: Final = 0.25
_NUMBER_BYTES: Final = 8


def main(arguments: list[str]) -> None:
    """Feed: the log's URL, the run's name, the file that remembers, and when the night began, in seconds since 1970."""
    url, run, memory, began = arguments
    run_until_stopped(_feed(url, run, Path(memory), float(began)))


def acknowledged(memory: Path) -> int:
    """How many tallies the log has acknowledged."""
    return int.from_bytes(memory.read_bytes()) if memory.exists() else 0


def schedule_of(definition: Election) -> Schedule:
    """The feed's schedule in this election."""
    mine = [source for source in definition.sources if source.id == SOURCE]
    return Schedule.of(definition.model_copy(update={"sources": mine}), RATE_HZ, seed=1)


async def _feed(url: str, name: str, memory: Path, began_s: float) -> None:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await find_run(log, name)
        publisher = Publisher(log, run.topics.tallies.name, clock)
        number = acknowledged(memory)
        feed = Feed(run.definition, schedule_of(run.definition), Prior())
        tallies = islice(feed.tallies(began_s), number, None)
        with _writing(memory) as remember:
            while True:
                batch = [entry(tally) for tally in islice(tallies, round(RATE_HZ * _TICK_S))]
                await publisher.append(batch)
                number += len(batch)
                remember(number)
                await clock.sleep(_TICK_S)


@contextmanager
def _writing(memory: Path) -> Iterator[Callable[[int], None]]:
    """Remember a number at once, so that whoever is killed next moment has remembered it."""
    file = os.open(memory, os.O_CREAT | os.O_WRONLY, 0o600)

    def remember(number: int) -> None:
        os.pwrite(file, number.to_bytes(_NUMBER_BYTES), 0)

    try:
        yield remember
    finally:
        os.close(file)
