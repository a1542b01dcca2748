"""Looking for seeds that fail, and saying of one that does how to see it again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.simulation.seeded.faults import Fault
from tests.simulation.seeded.minimise import minimise
from tests.simulation.seeded.world import faults_of, play


@dataclass(frozen=True)
class Finding:
    """A seed that fails: with which faults, as few as it takes, and how."""

    seed: int
    faults: tuple[Fault, ...]
    wrong: str

    def __str__(self) -> str:
        faults = "".join(f"\n    {fault}," for fault in self.faults)
        return (
            f"seed {self.seed}: {self.wrong}\n  with no more faults than ({faults}\n  )\n"
            f"  All that happens: python -m tests.simulation.seeded --seed {self.seed} --trace"
        )


def first_failure(seeds: Iterable[int]) -> Finding | None:
    """The first of the seeds that fails, with as few faults as it takes."""
    return next((found for seed in seeds if (found := failure(seed)) is not None), None)


def failure(seed: int) -> Finding | None:
    """How the seed fails, with as few faults as it takes; none where it does not."""
    if not play(seed).wrong:
        return None

    def fails(faults: Sequence[Fault]) -> bool:
        return bool(play(seed, faults).wrong)

    faults = tuple(minimise(faults_of(seed), fails))
    return Finding(seed, faults, play(seed, faults).wrong[0])
