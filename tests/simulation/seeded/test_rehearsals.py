"""Rehearsals of faults in virtual time, which `test_nights` plays too: the same seed is the same rehearsal."""

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.seeded.rehearsal import play


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Warnings of simulated outages are as expected."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_the_same_seed_is_the_same_rehearsal() -> None:
    assert play(5).trace == play(5).trace
    assert play(5).trace != play(6).trace


@pytest.mark.parametrize("seed", [6465, 7725, 7770])
def test_an_append_that_is_made_again_stays_on_its_side_of_an_amendment(seed: int) -> None:
    """What was set aside before it is otherwise counted as its copy comes behind: acknowledged by nobody, or late."""
    assert not play(seed).wrong
