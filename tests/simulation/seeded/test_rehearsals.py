"""Rehearsals of faults in virtual time: whatever happens to a replay or its followers, it ends as its night did."""

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.seeded.faults import Fault
from tests.simulation.seeded.minimise import minimise
from tests.simulation.seeded.rehearsal import faults_of, play

SEEDS = 60


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Warnings of simulated outages are as expected."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.slow
def test_whatever_happens_the_last_take_is_the_whole_night() -> None:
    found = next((seed for seed in range(SEEDS) if play(seed)), None)

    assert found is None, f"seed {found}: {shortest(found)}"


def shortest(seed: int | None) -> list[Fault]:
    """As few of the seed's faults as it takes."""
    return minimise(faults_of(seed), lambda some: bool(play(seed, some)))
