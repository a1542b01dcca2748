"""Looking for seeds that fail, and saying of one that does how to see it again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from tests.simulation.seeded import rehearsal, world
from tests.simulation.seeded.faults import Fault
from tests.simulation.seeded.minimise import minimise

STAGES: Final[dict[str, ModuleType]] = {"night": world, "rehearsal": rehearsal}
"""What can be played of a seed: a night as it happens, and one that is replayed."""

_REHEARSED: Final = 5
"""One of so many seeds is rehearsed, too: the loops of a replay are fewer."""


@dataclass(frozen=True)
class Finding:
    """A seed that fails: on which stage, with which faults, as few as it takes, and how."""

    seed: int
    stage: str
    faults: tuple[Fault, ...]
    wrong: str

    def __str__(self) -> str:
        faults = "".join(f"\n    {fault}," for fault in self.faults)
        return (
            f"seed {self.seed}, {self.stage}: {self.wrong}\n  with no more faults than ({faults}\n  )\n"
            f"  All that happens: python -m tests.simulation.seeded --seed {self.seed} --stage {self.stage} --trace"
        )


def first_failure(seeds: Iterable[int]) -> Finding | None:
    """The first of the seeds that fails, with as few faults as it takes."""
    return next((found for seed in seeds if (found := failure(seed)) is not None), None)


def failure(seed: int) -> Finding | None:
    """How the seed fails, with as few faults as it takes; none where it does not."""
    return next((_shortest(seed, stage) for stage in _stages(seed) if STAGES[stage].play(seed).wrong), None)


def _stages(seed: int) -> Iterator[str]:
    yield "night"
    if seed % _REHEARSED == 0:
        yield "rehearsal"


def _shortest(seed: int, stage: str) -> Finding:
    play = STAGES[stage].play

    def fails(faults: Sequence[Fault]) -> bool:
        return bool(play(seed, faults).wrong)

    faults = tuple(minimise(STAGES[stage].faults_of(seed), fails))
    return Finding(seed, stage, faults, play(seed, faults).wrong[0])
