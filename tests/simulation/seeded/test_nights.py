"""Whole nights of faults in virtual time: whatever happens, everybody ends with what the oracle says, and on the way.

One seed in five is rehearsed as well: a replay of its night ends as the night did, whatever happens.

Many more of them: `make simulate SEEDS=10000`.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.seeded.finding import first_failure
from tests.simulation.seeded.world import play

SEEDS = 240
AT_ONCE = 40
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Warnings of simulated outages are as expected."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_no_fault_shows_a_wrong_number_a_gap_or_a_figure_under_embargo(first: int) -> None:
    found = first_failure(range(first, first + AT_ONCE))

    assert found is None, str(found)


def test_a_rebalance_that_breaks_off_leaves_nothing_that_is_ahead_of_its_checkpoint() -> None:
    """What lay before an amendment is otherwise judged by it, as it is read again."""
    assert not play(9399).wrong


def test_the_same_seed_is_the_same_night() -> None:
    assert play(5).trace == play(5).trace
    assert play(5).trace != play(6).trace


def test_the_same_seed_is_the_same_night_in_another_process() -> None:
    """Strings hash otherwise there, and objects lie elsewhere."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.simulation.seeded", "--seed", "5"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "77"},
    ).stdout

    assert play(5).trace in told
