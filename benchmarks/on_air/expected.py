"""What an overlay must say at the end of a night: figures counted from the log, written as Turks write them."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from benchmarks.on_air.oracle import Oracle, Sum

PLACE: Final = "tr/34"
DISTRICT: Final = "tr/34/kadikoy"
SOURCE: Final = "aa"
OTHER_SOURCE: Final = "anka"
MAYOR: Final = "metropolitan_mayor"
COUNCIL: Final = "district_council"

OVERLAYS: Final = {
    "lead-board": f"contest={MAYOR}&unit={PLACE}&source={SOURCE}",
    "duel": f"contest={MAYOR}&unit={PLACE}&source={SOURCE}",
    "lower-third": f"contest={MAYOR}&unit={DISTRICT}&source={SOURCE}",
    "strap": f"contest={MAYOR}&unit={PLACE}&source={SOURCE}&of=all&seconds=3",
    "ticker": f"contest={MAYOR}&unit={PLACE}&source={SOURCE}",
    "sources": f"contest={MAYOR}&unit={PLACE}&source={SOURCE}&sources={SOURCE},{OTHER_SOURCE}",
    "district-map": f"contest={MAYOR}&unit={PLACE}&source={SOURCE}",
    "council": f"contest={COUNCIL}&unit={DISTRICT}&source={SOURCE}&seats=37",
    "majority": f"contest={COUNCIL}&unit={DISTRICT}&source={SOURCE}&seats=37",
}
"""Every overlay, and what it is asked to show."""


def turkish(number: int) -> str:
    """A count as Turks write it: 11.360.000."""
    return f"{number:,}".replace(",", ".")


def shares(votes: Mapping[str, int], valid: int) -> list[str]:
    """The candidates' shares as Turks write them, most first; with the votes of nobody yet they add up to %100,00."""
    parts = [*sorted(votes.values(), reverse=True), valid - sum(votes.values())]
    exact = [Fraction(10_000 * part, valid) for part in parts]
    points = [int(share) for share in exact]
    for index in sorted(range(len(parts)), key=lambda one: points[one] - exact[one])[: 10_000 - sum(points)]:
        points[index] += 1
    return [f"%{share // 100},{share % 100:02d}" for share in points[:-1]]


def expected(name: str, oracle: Oracle, districts: list[str]) -> list[str]:
    """The texts that this overlay must show, all of them; a strap shows events, and no totals."""
    if name == "strap":
        return []
    if name == "ticker":
        return [text for one in districts for text in _race(oracle.sum(MAYOR, SOURCE, one))]
    if name == "sources":
        return [text for one in (SOURCE, OTHER_SOURCE) for text in _votes(oracle.sum(MAYOR, one, PLACE), 3)]
    if name in ("council", "majority"):
        return [turkish(oracle.sum(COUNCIL, SOURCE, DISTRICT).opened)]
    place, rows = {"lower-third": (DISTRICT, 2), "lead-board": (PLACE, 5), "duel": (PLACE, 2)}.get(name, (PLACE, 0))
    total = oracle.sum(MAYOR, SOURCE, place)
    (_, first), (_, second) = total.votes.most_common(2)
    return [*_votes(total, rows), turkish(first - second), shares(total.votes, total.valid)[0]]


def _votes(total: Sum, rows: int) -> list[str]:
    return [turkish(total.opened), *(turkish(votes) for _, votes in total.votes.most_common(rows))]


def _race(total: Sum) -> list[str]:
    return [turkish(total.opened), *shares(total.votes, total.valid)[:2]]
