"""Elections of other shapes than country → province → district."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from schemas.definition import Candidate, Contest, Election, Level, Party, Source, Tree, Unit

CANDIDATES = (
    Candidate(id="a", name="A", party="red"),
    Candidate(id="b", name="B", party="blue"),
    Candidate(id="c", name="C"),
)


def shaped(units: Iterable[Unit], levels: Iterable[Level] = (), trees: Iterable[Tree] = (), **changes: Any) -> Election:
    """An election over these units, with one contest `m` and two sources of boxes."""
    fields: dict[str, Any] = {
        "id": "shaped",
        "name": "Shaped",
        "date": date(2026, 11, 1),
        "timezone": "UTC",
        "language": "en",
        "parties": (
            Party(id="red", name="Red", short_name="RED", color="#d7263d"),
            Party(id="blue", name="Blue", short_name="BLUE", color="#2364aa"),
        ),
        "sources": (Source(id="aa", name="AA"), Source(id="obs", name="Observers")),
        "contests": (Contest(id="m", name="M", candidates=CANDIDATES),),
        "levels": tuple(levels),
        "trees": tuple(trees),
        "units": tuple(units),
    }
    return Election(**(fields | changes))


def flat(*constituencies: str, boxes: int = 2) -> Election:
    """Country → constituency."""
    return shaped(
        (
            Unit(id="gb", level="nation", name="Britain"),
            *(
                Unit(id=f"gb/{one}", level="seat", name=one.title(), parent="gb", registered=500, boxes=((1, boxes),))
                for one in constituencies
            ),
        ),
        (Level(id="nation", name="Country"), Level(id="seat", name="Constituency", plural="Constituencies")),
    )


def deep(**changes: Any) -> Election:
    """Four levels, votes abroad directly under the country, and constituencies that cross provinces.

    Units `n/p/d/w1`, `n/p/d/w2` and `n/q/d/w` are wards; `n/q/prison` and `n/abroad` lie higher. Constituency `n/c/1`
    has `w1` and the prison, `n/c/2` the other wards; votes abroad are in none.
    """
    base = shaped(
        (
            Unit(id="n", level="country", name="Land"),
            Unit(id="n/p", level="province", name="P", parent="n"),
            Unit(id="n/q", level="province", name="Q", parent="n"),
            Unit(id="n/p/d", level="district", name="PD", parent="n/p"),
            Unit(id="n/q/d", level="district", name="QD", parent="n/q"),
            Unit(
                id="n/p/d/w1",
                level="ward",
                name="W1",
                parent="n/p/d",
                registered=700,
                boxes=((1, 3),),
                also_in=("n/c/1",),
            ),
            Unit(
                id="n/p/d/w2",
                level="ward",
                name="W2",
                parent="n/p/d",
                registered=500,
                boxes=((1, 2),),
                also_in=("n/c/2",),
            ),
            Unit(
                id="n/q/d/w",
                level="ward",
                name="W",
                parent="n/q/d",
                registered=300,
                boxes=((1, 1),),
                also_in=("n/c/2",),
            ),
            Unit(
                id="n/q/prison",
                level="ward",
                name="Prison",
                parent="n/q",
                registered=100,
                boxes=((9, 9),),
                also_in=("n/c/1",),
            ),
            Unit(id="n/abroad", level="province", name="Abroad", parent="n", registered=900, boxes=((1, 4),)),
            Unit(id="n/c/1", level="constituency", name="One", parent="n"),
            Unit(id="n/c/2", level="constituency", name="Two", parent="n"),
        ),
        (
            Level(id="country", name="Country"),
            Level(id="province", name="Province", plural="Provinces"),
            Level(id="district", name="District", plural="Districts"),
            Level(id="ward", name="Ward", plural="Wards"),
        ),
        (
            Tree(
                id="parliament",
                name="Parliament",
                levels=(Level(id="constituency", name="Constituency", plural="Constituencies"),),
            ),
        ),
    )
    return Election(**(dict(base) | changes))
