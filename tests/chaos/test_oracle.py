"""The oracle of the chaos: it finds every figure that is not the naive sum."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.builders import counted
from tests.chaos.oracle import differences, rolled_up
from tests.consumers.oracle import sums

BOXES = [counted(district="tr/34/uskudar", box=1), counted(district="tr/34/adalar", box=2)]
EXPECTED = rolled_up(sums(BOXES))


def rows(**changed: object) -> list[dict[str, Any]]:
    """What a reader that is right shows; of the country, this is changed."""
    found = [
        {"contest": contest, "source": source, "unit": unit, **figures}
        for (contest, source, unit), figures in EXPECTED.items()
    ]
    return [row | changed if row["unit"] == "tr" else row for row in found]


def test_figures_are_rolled_up_to_every_unit_above() -> None:
    units = {unit: figures["boxes_opened"] for (_, _, unit), figures in EXPECTED.items()}

    assert units == {"tr": 2, "tr/34": 2, "tr/34/uskudar": 1, "tr/34/adalar": 1}


def test_who_shows_the_sums_differs_nowhere() -> None:
    assert differences(EXPECTED, rows()) == []


@pytest.mark.parametrize("changed", [{"valid": 0}, {"votes": {}}, {"boxes_opened": 0}])
def test_any_other_figure_is_a_difference(changed: Mapping[str, object]) -> None:
    assert len(differences(EXPECTED, rows(**changed))) == 1


def test_a_unit_that_should_not_be_there_is_a_difference() -> None:
    assert len(differences({}, rows())) == len(EXPECTED)
