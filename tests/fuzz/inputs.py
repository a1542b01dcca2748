"""Trying inputs of a target by their numbers: input K of seed N is the same bytes wherever, whatever came before it."""

import random
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.bounds import Bound
from tests.fuzz.mutator import mutated
from tests.fuzz.target import Broken, Check, Opened, Target
from tests.simulation.seeded.minimise import minimise

ROOT: Final = Path(__file__).parents[2]
_MOST_TRIES: Final = 2_000
"""Shorter forms of an input that are tried."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that breaks a law. `kind` is the same for inputs that break it in the same place."""

    target: str
    seed: int
    number: int
    kind: str
    said: str
    trace: str = ""

    def __str__(self) -> str:
        again = f"python -m tests.fuzz --target {self.target} --seed {self.seed} --input {self.number}"
        return f"{self.target}: {self.kind}: {self.said[:300]}\n  See it again: {again}"


def input_of(target: Target, corpus: Sequence[bytes], seed: int, number: int) -> bytes:
    """The bytes of an input."""
    return mutated(random.Random(f"{seed}-{target.name}-{number}"), corpus)


def attempt(target: Target, bound: Bound, check: Check, data: bytes, at: tuple[int, int] = (0, 0)) -> Finding | None:
    """Give the product these bytes; what is wrong with what comes of it. `at` is their seed and number."""
    try:
        bound.attempt(check, data)
    except Exception as error:  # noqa: BLE001  whatever it is, that is what is looked for
        return _finding(target, *at, error)
    return None


def try_one(target: Target, bound: Bound, opened: Opened, seed: int, number: int) -> Finding | None:
    """Try one input."""
    return attempt(target, bound, opened.check, input_of(target, opened.corpus, seed, number), (seed, number))


def shortest(target: Target, bound: Bound, check: Check, data: bytes, kind: str) -> bytes:
    """As few of the bytes as break the law in the same way."""
    tries = 0

    def fails(pieces: Sequence[bytes]) -> bool:
        nonlocal tries
        tries += 1
        if tries > _MOST_TRIES:
            return False
        found = attempt(target, bound, check, b"".join(pieces))
        return found is not None and found.kind == kind

    whole: Sequence[bytes] = data.splitlines(keepends=True)
    lines = minimise(whole, fails)
    left = b"".join(lines)
    return bytes(minimise(left, lambda some: fails([bytes(some)])))


def _finding(target: Target, seed: int, number: int, error: Exception) -> Finding:
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, Broken):
        return Finding(target.name, seed, number, " ".join(str(error).split()[:7]), str(error), trace)
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if ROOT in Path(frame.filename).parents and ".venv" not in frame.filename
    ]
    place = ours[-1] if ours else traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    return Finding(target.name, seed, number, f"{type(error).__name__} at {where}", str(error), trace)
