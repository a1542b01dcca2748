"""Whether a unit is held: the gateway's word is what clients make of its names, by the definition's tree."""

from collections.abc import Mapping
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from sandik.client.held import is_held
from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.gate import Gate
from tabulation.on_air.cells import OnAir
from tabulation.on_air.held_units import HeldUnits
from tests.builders import NIGHT

PARENTS = {"p1": "c", "tr/1": "c", "tr/10": "c", "empty": "c", "tr/1/a": "tr/10", "x": "tr/1", "y": "tr/1", "z": "p1"}
"""Ids that say nothing of the tree, or something else than it: `tr/1/a` lies in `tr/10`."""


def election(parents: Mapping[str, str]) -> Election:
    """Provinces in the country `c`, and districts in them."""
    below = (
        Unit(id=one, level="province" if parent == "c" else "district", name=one, parent=parent)
        for one, parent in parents.items()
    )
    return Election(
        id="e",
        name="E",
        date=NIGHT.date(),
        parties=(),
        sources=(Source(id="aa", name="AA"), Source(id="bb", name="BB")),
        contests=tuple(Contest(id=one, name=one, candidates=(Candidate(id="a", name="A"),)) for one in ("m", "n")),
        units=(Unit(id="c", level="country", name="C"), *below),
    )


ELECTION = election(PARENTS)
DISTRICTS = tuple(unit.id for unit in ELECTION.districts)
PLACES = [(contest, unit) for contest in ("m", "n") for unit in (*ELECTION.unit_by_id, "nowhere") if unit != "empty"]
"""Every unit that has figures, and one that is not there."""


class Night(NamedTuple):
    held: tuple[str, ...] = ()
    held_in_part: tuple[str, ...] = ()


CELLS = st.sets(st.tuples(st.sampled_from(["m", "n"]), st.sampled_from(["aa", "bb"]), st.sampled_from(DISTRICTS)))


def told(cells: set[tuple[str, str, str]]) -> tuple[Night, list[bool]]:
    """What a gateway says of these held cells, and of each place whether it is held."""
    on_air, units = OnAir(ELECTION), HeldUnits(ELECTION)
    for contest, source, district in sorted(cells):
        on_air.fold_gate(Gate(contest=contest, source=source, district=district, gate=1, held=True))
    hold = units.named(on_air.held)
    return Night(hold, units.above(hold)), [on_air.is_held(*place) for place in PLACES]


@given(CELLS)
def test_a_client_finds_what_the_gateway_holds(cells: set[tuple[str, str, str]]) -> None:
    night, expected = told(cells)

    naive = [
        any(contest == of and unit in ELECTION.path(district) for of, _, district in cells) for contest, unit in PLACES
    ]
    assert naive == expected == [is_held(night, ELECTION, *place) for place in PLACES]


def test_all_of_a_large_country_but_one_district_are_few_names() -> None:
    parents = {f"p{number}": "c" for number in range(81)} | {f"d{number}": f"p{number % 81}" for number in range(973)}
    units = HeldUnits(election(parents))
    hold = units.named({("m", f"d{number}") for number in range(1, 973)})

    assert (80 + 12, 2) == (len(hold), len(units.above(hold)))
