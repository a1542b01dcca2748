from collections.abc import Sequence

import pytest

from tabulation.on_air.held_units import HeldUnits
from tests.gateway.nights import DISTRICTS, election

ISTANBUL = [district for district in DISTRICTS if district.startswith("tr/34/")]


@pytest.mark.parametrize(
    ("districts", "names"),
    [
        ([], ()),
        (["tr/34/uskudar"], ("mayor/tr/34/uskudar",)),
        (ISTANBUL, ("mayor/tr/34",)),
        (["tr/34/uskudar", "tr/06/cankaya"], ("mayor/tr/06", "mayor/tr/34/uskudar")),
        (DISTRICTS, ("mayor",)),
    ],
)
def test_what_is_held_is_named_by_the_largest_units_that_are_held_whole(
    districts: Sequence[str], names: tuple[str, ...]
) -> None:
    assert names == HeldUnits(election()).named({("mayor", district) for district in districts})


def test_the_units_above_what_is_held_are_named_alike() -> None:
    units = HeldUnits(election())

    assert ("mayor", "mayor/tr/34") == units.above(["mayor/tr/34/uskudar"])
    assert () == units.above(["mayor"])
