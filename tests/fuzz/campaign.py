"""A campaign: the targets' inputs shared out among processes, each of which may die without taking the others along.

A process tells the number of each input before it tries it, in memory that it shares: so one that crashes, or takes no
more than time (a hang outside of Python), leaves behind what did it, and the rest of its inputs goes to another.
"""

import logging
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final

from tests.fuzz.bounds import MAX_JUMP_BYTES, Bound, peak_bytes, resident_bytes
from tests.fuzz.every import TARGETS, inputs_of
from tests.fuzz.inputs import Finding, try_one

MAX_GROWTH_MIB: Final = 96
"""How much more memory a process may have at its end than after its first fifth: caches of types and of libraries."""

_CHUNKS: Final = 4
"""Parts that a target's inputs are tried in, each in a process of its own."""

_SILENT_S: Final = 600.0
"""How long one input may take, on however busy a machine."""

_POLL_S: Final = 0.5
_MAX_KINDS: Final = 20
_LOOK_EVERY: Final = 200

_CONTEXT: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Part:
    """Some inputs of a target."""

    target: str
    numbers: range


@dataclass(slots=True)
class Outcome:
    """What came of a target's inputs: how many were tried, in what time, and one finding of each kind."""

    tried: int = 0
    seconds: float = 0.0
    findings: dict[str, Finding] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        """Keep the first of its kind."""
        self.kinds[finding.kind] += 1
        self.findings.setdefault(finding.kind, finding)


class _Worker:
    """A process with a part of the inputs."""

    def __init__(self, part: Part, seed: int) -> None:
        self.part = part
        self.outcome = Outcome()
        self.current: Any = _CONTEXT.Value("q", part.numbers.start)
        self.ours, theirs = _CONTEXT.Pipe(duplex=False)
        self.process = _CONTEXT.Process(target=_work, args=(part, seed, self.current, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.moved_s = time.monotonic()
        self.seen = -1

    def look(self) -> list[Finding | int]:
        """What it has told since the last look."""
        told: list[Finding | int] = []
        try:
            while self.ours.poll():
                told.append(self.ours.recv())
        except EOFError:
            self.process.join()
        if self.current.value != self.seen:
            self.seen, self.moved_s = self.current.value, time.monotonic()
        return told

    @property
    def is_stuck(self) -> bool:
        """Whether it has been at one input for far too long."""
        return time.monotonic() - self.moved_s > _SILENT_S

    def end(self) -> None:
        """End it, however it is."""
        self.process.kill()
        self.process.join()
        self.ours.close()


def run(
    names: list[str], seed: int, inputs: int, jobs: int, on_progress: Callable[[str, int], None]
) -> dict[str, Outcome]:
    """Try so many inputs in all, or until somebody interrupts. `on_progress` is told how many more were tried."""
    outcomes = {name: Outcome() for name in names}
    waiting = deque(_parts(names, inputs))
    workers: list[_Worker] = []
    try:
        while waiting or workers:
            while waiting and len(workers) < jobs:
                workers.append(_Worker(waiting.popleft(), seed))
            time.sleep(_POLL_S)
            for worker in list(workers):
                outcome = outcomes[worker.part.target]
                for told in worker.look():
                    if isinstance(told, Finding):
                        outcome.add(told)
                    else:
                        outcome.tried += told
                        on_progress(worker.part.target, told)
                if worker.process.is_alive() and not worker.is_stuck:
                    continue
                workers.remove(worker)
                left = _ended(worker, seed, outcome)
                if left is not None:
                    waiting.appendleft(left)
    except KeyboardInterrupt:
        pass  # what was tried by then is told all the same
    finally:
        for worker in workers:
            worker.end()
    return outcomes


def _ended(worker: _Worker, seed: int, outcome: Outcome) -> Part | None:
    """Why a worker is no more; the inputs that it has not tried."""
    is_stuck, number, numbers = worker.process.is_alive(), worker.current.value, worker.part.numbers
    worker.end()
    if number >= numbers.stop:
        return None
    how = "an input never ends" if is_stuck else f"an input ends the process ({worker.process.exitcode})"
    outcome.add(Finding(worker.part.target, seed, number, how, how))
    return Part(worker.part.target, range(number + 1, numbers.stop))


def _parts(names: list[str], inputs: int) -> list[Part]:
    found = []
    for name in names:
        count = inputs_of(TARGETS[name], inputs)
        size = -(-count // _CHUNKS)
        found += [Part(name, range(begin, min(count, begin + size))) for begin in range(0, count, size)]
    return sorted(found, key=lambda part: part.numbers.start)


def _work(part: Part, seed: int, current: Any, told: Connection) -> None:
    """What a process does: try its inputs, one after the other."""
    logging.disable(logging.CRITICAL)
    target, kinds = TARGETS[part.target], Counter[str]()

    def tell(finding: Finding) -> None:
        kinds[finding.kind] += 1
        if len(kinds) <= _MAX_KINDS:
            told.send(finding)

    settled = part.numbers.start + len(part.numbers) // 5
    first_bytes = since = 0
    most_bytes = peak_bytes()
    with target.opened() as opened, Bound(target.cpu_s) as bound:
        for number in part.numbers:
            current.value = number
            finding = try_one(target, bound, opened, seed, number)
            if finding is not None:
                tell(finding)
            if number == settled:
                first_bytes = resident_bytes()
            since += 1
            if since == _LOOK_EVERY:
                told.send(since)
                since, earlier_bytes, most_bytes = 0, most_bytes, peak_bytes()
                if number > settled and most_bytes - earlier_bytes > MAX_JUMP_BYTES:
                    law = f"one of the {_LOOK_EVERY} inputs up to this takes {(most_bytes - earlier_bytes) >> 20} MiB"
                    tell(Finding(part.target, seed, number, "memory jumps", law))
        grown_mib = (resident_bytes() - first_bytes) >> 20
        if first_bytes and grown_mib > MAX_GROWTH_MIB:
            law = f"memory grows by {grown_mib} MiB over {len(part.numbers)} inputs"
            tell(Finding(part.target, seed, part.numbers.stop - 1, "memory grows", law))
    told.send(since)
    current.value = part.numbers.stop
    told.close()
