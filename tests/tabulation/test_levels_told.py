"""One screen with sources that tell a contest at different levels: each unit is the naive sum of what is told in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.asides import Gate
from schemas.control import FigureOverridden, Held, Released, unknown_in
from schemas.definition import Election, Source, Unit
from schemas.errors import DefinitionError
from schemas.figures import STATED
from schemas.tally import Counted, Reported, Tally
from schemas.totals import Cell, Totals
from tabulation.counting.comparisons import Comparisons
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.columns import Columns, Shape
from tabulation.derived.explain import GapQuestion, explain
from tabulation.on_air import HeldUnits
from tabulation.orders.effects import Holds, RelayedOrders
from tabulation.program import Program
from tabulation.view import View
from tests.builders import NIGHT, counted, reported, small_election, value_of
from tests.shapes import deep

LEVELS = {"dha": "province", "trt": "country"}


def election(**levels: str) -> Election:
    """Boxes of `aa`, districts of `agency`, provinces of `dha`, and of `trt` the country alone."""
    base = small_election(4)
    sources = [Source(id="aa", name="AA"), Source(id="agency", name="Ajans", reports="districts")]
    sources += [
        Source(id=source, name=source.upper(), reports="districts", levels={"mayor": level})
        for source, level in (LEVELS | levels).items()
    ]
    return Election(**{**dict(base), "sources": tuple(sources)})


NIGHT_OF = election()
LATER_MS = int(NIGHT.timestamp() * 1000) + 60_000
SOURCES = ("aa", "agency", "dha", "trt")


@dataclass(frozen=True)
class Stored:
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0


def partition_of(key: bytes) -> int:
    return len(key) % 3


def districts_in(unit: str) -> list[str]:
    return [district.id for district in NIGHT_OF.districts if unit in (district.id, *NIGHT_OF.ancestors[district.id])]


def told_units(source: str) -> dict[str, list[str]]:
    """Naively: each unit that a source tells, with the cells in it."""
    level = LEVELS.get(source, "district")
    cells = [unit.id for unit in NIGHT_OF.units if unit.level == level]
    depth = {"country": 0, "province": 1, "district": 2}
    units = [unit for unit in NIGHT_OF.units if depth[unit.level] <= depth[level]]
    return {one.id: [cell for cell in cells if one.id in (cell, *NIGHT_OF.ancestors[cell])] for one in units}


def night(chance: Random, tallies: int) -> Iterator[Tally]:
    """Statements of all four sources, in the order in which they came; those of a cell have rising revisions."""
    revision: dict[tuple[str, int], int] = {}
    for _ in range(tallies):
        source = chance.choice(SOURCES)
        cell = chance.choice([cell for unit in told_units(source).values() for cell in unit])
        box = chance.randrange(1001, 1005) if source == "aa" else 0
        revision[source + cell, box] = number = revision.get((source + cell, box), 0) + 1
        votes = {"imamoglu": chance.randrange(150), "kurum": chance.randrange(100)}
        where: dict[str, Any] = {"district": cell, "source": source, "revision": number}
        if source == "aa":
            yield counted(votes, **where, box=box, type="counted" if number == 1 else "corrected")
        else:
            boxes = min(number, 4 * len(districts_in(cell)))
            yield reported(votes, **where, boxes_opened=boxes, type="report_corrected", registered=300 * boxes)


def views(definition: Election, tallies: list[Tally]) -> tuple[TallyFold, View]:
    """What the aggregator and a gateway make of a night: totals of each changed cell after every tally."""
    fold, view = TallyFold(definition, "tallies", partition_of), View(definition)
    offset = 0
    for at, tally in enumerate(tallies):
        key = tally.district.encode()
        outputs = fold.apply(partition_of(key), [Stored(at, key, value_of(tally))])
        assert [] == [one.detail for one in outputs.quarantined]
        for cell in outputs.changed:
            view.fold(Stored(offset, cell.key(), fold.ledgers[cell].totals(definition.zone).encode(), LATER_MS))
            offset += 1
    return fold, view


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_every_unit_of_every_source_is_the_naive_sum_of_its_cells_and_no_other_is_there(seed: int, count: int) -> None:
    tallies = list(night(Random(seed), count))
    _, view = views(NIGHT_OF, tallies)
    standing: dict[tuple[str, str, int], Counted | Reported] = {}
    for tally in tallies:
        assert tally is not None
        standing[tally.source, tally.district, getattr(tally, "box", 0)] = tally  # type: ignore[assignment]  # counts

    for source in SOURCES:
        told = told_units(source)
        for unit in NIGHT_OF.unit_by_id:
            figures = view.figures("mayor", source, unit)
            said = [one for (of, cell, _), one in standing.items() if of == source and cell in told.get(unit, ())]
            assert bool(said) == (figures is not None), (source, unit)
            if figures is None:
                continue
            assert {name: sum(getattr(one, name) or 0 for one in said) for name in STATED if name != "blank"} == {
                name: figures.counts[name] for name in STATED if name != "blank"
            }
            opened = sum(1 if isinstance(one, Counted) else one.boxes_opened for one in said)
            assert opened == figures.counts["boxes_opened"]
            assert sum(one.votes["imamoglu"] for one in said) == figures.votes["imamoglu"]
            assert 4 * len(districts_in(unit)) == figures.boxes_total
            assert len(told[unit]) == figures.claims.districts
            complete = dict.fromkeys(told[unit], 0)
            for one in said:
                complete[one.district] += 1 if isinstance(one, Counted) else one.boxes_opened
            assert figures.claims.complete == all(
                boxes == 4 * len(districts_in(cell)) for cell, boxes in complete.items()
            )
    for source in SOURCES:
        entries = view.changed_since("mayor", source, [*NIGHT_OF.unit_by_id], 0)
        assert {entry["unit"] for entry in entries} <= told_units(source).keys()


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_told_is_what_a_naive_look_at_the_tree_finds(source: str) -> None:
    told = told_units(source)

    assert {unit: tuple(cells) for unit, cells in told.items()} == {
        unit: cells for unit in NIGHT_OF.unit_by_id if (cells := NIGHT_OF.cells_in("mayor", source, unit))
    }
    assert set(NIGHT_OF.cells_of("mayor", source)) == {cell for cells in told.values() for cell in cells}
    assert NIGHT_OF.cells_of("district_mayor", source) == tuple(one.id for one in NIGHT_OF.districts)
    for cell in NIGHT_OF.cells_of("mayor", source):
        assert [cell, *(one for one in NIGHT_OF.ancestors[cell] if one in told)] == [
            *NIGHT_OF.path_of("mayor", source, cell)
        ]


def test_branches_that_skip_the_level_are_told_by_their_counting_units_and_other_trees_where_cells_make_them_up() -> (
    None
):
    base = deep()
    source = Source(id="dha", name="DHA", reports="districts", levels={"m": "province"})
    land = Election(**{**dict(base), "sources": (*base.sources, source)})

    assert {"n/p", "n/q", "n/abroad"} == set(land.cells_of("m", "dha"))
    assert () == land.cells_in("m", "dha", "n/q/prison")
    assert () == land.cells_in("m", "dha", "n/c/1"), "it has a part of a province"
    assert land.why_not_told("m", "dha", "n/c/1").endswith("and not of n/c/1")
    assert {"n/p", "n/q", "n/abroad"} == set(land.cells_in("m", "dha", "n"))
    seats = Source(id="seats", name="S", reports="districts", levels={"m": "constituency"})
    if "constituency" in base.level_by_id:
        land = Election(**{**dict(base), "sources": (seats,)})
        assert {"n/c/1", "n/c/2", "n/abroad"} == set(land.cells_of("m", "seats"))
        assert () == land.cells_in("m", "seats", "n/p")


def refusal(tally: Tally) -> tuple[str, str]:
    key = tally.district.encode()
    fold = TallyFold(NIGHT_OF, "tallies", partition_of)
    (one,) = fold.apply(partition_of(key), [Stored(0, key, value_of(tally))]).quarantined
    return one.reason, one.detail


def test_a_report_at_another_level_is_set_aside_with_where_the_source_tells() -> None:
    assert (
        "unknown_district",
        "dha tells mayor by İl (province), and not of tr/34/uskudar: tr/34/uskudar is a part of tr/34",
    ) == refusal(reported(source="dha"))
    assert (
        "unknown_district",
        "trt tells mayor by Ülke (country), and not of tr/34: tr/34 is a part of tr",
    ) == refusal(reported(source="trt", district="tr/34"))
    assert ("unknown_district", "no district 'tr/34' in the election definition") == refusal(
        reported(source="agency", district="tr/34")
    )


def totals(source: str, cell: str, version: int = 1, **votes: int) -> Totals:
    valid = sum(votes.values())
    counts: dict[str, Any] = {"boxes_opened": 2, "registered": 600, "cast": valid, "valid": valid}
    zeros: dict[str, Any] = {"annulled": 0, "invalid": 0, "unattributed": 0, "flagged": 0}
    return Totals(
        contest="mayor", source=source, district=cell, version=version, as_of=NIGHT, **counts, **zeros, votes=votes
    )


def order(kind: Any, unit: str | None, number: int = 1, **more: Any) -> Any:
    fields = {"contest": "mayor", "unit": unit, "at": NIGHT, "by": "someone"}
    return kind.model_construct(type=kind.model_fields["type"].annotation.__args__[0], **(fields | more))


def gates(unit: str | None) -> list[tuple[str, str]]:
    """The cells that a hold of a unit holds."""
    holds, relayed = Holds(NIGHT_OF), RelayedOrders(NIGHT_OF)
    holds.apply(3, order(Held, unit))
    return sorted((gate.source, gate.district) for gate in relayed.owed(holds, lambda _: True))


def test_a_hold_holds_each_source_at_its_own_level_and_none_that_tells_only_what_lies_above() -> None:
    gebze = [("aa", "tr/41/gebze"), ("agency", "tr/41/gebze")]
    assert gebze == gates("tr/41/gebze")
    assert sorted([*gebze, ("dha", "tr/41")]) == gates("tr/41")
    every = [(source, cell) for source in SOURCES for cell in NIGHT_OF.cells_of("mayor", source)]
    assert sorted(every) == gates(None)


def test_a_held_province_shows_what_it_showed_and_is_named() -> None:
    program = Program(NIGHT_OF)
    first, newer = totals("dha", "tr/41", imamoglu=5), totals("dha", "tr/41", 2, imamoglu=9)
    district = totals("aa", "tr/41/gebze", imamoglu=4)
    gate = Gate(contest="mayor", source="dha", district="tr/41", gate=0, held=True, program=first, version=None)
    for offset, (key, value) in enumerate(
        [
            (first.cell.key(), first.encode()),
            (gate.key, gate.encode()),
            (newer.cell.key(), newer.encode()),
            (district.cell.key(), district.encode()),
        ]
    ):
        program.fold(Stored(offset, key, value, LATER_MS))

    shown, live = (view.figures("mayor", "dha", "tr") for view in (program.view, program.live))

    assert shown is not None
    assert live is not None
    assert (5, 9) == (shown.votes["imamoglu"], live.votes["imamoglu"])
    assert ("mayor/tr/41",) == program.hold
    assert {"mayor/tr/41": 1} == program.pending()
    assert program.is_held("mayor", "tr")
    assert not program.is_held("mayor", "tr/41/gebze"), "no source that tells it is held there"
    found = program.view.figures("mayor", "aa", "tr/41/gebze")
    assert found is not None
    assert 4 == found.votes["imamoglu"]
    names = HeldUnits(NIGHT_OF)
    assert ("mayor/tr/34/adalar", "mayor/tr/41") == names.named({("mayor", "tr/41"), ("mayor", "tr/34/adalar")})
    assert ("mayor",) == names.named({("mayor", "tr")})


def test_figures_are_set_by_hand_where_the_source_tells_them() -> None:
    def unknown(source: str, unit: str) -> str | None:
        figures = {"votes.imamoglu": 5}
        return unknown_in(order(FigureOverridden, unit, source=source, figures=figures), NIGHT_OF)

    assert None is unknown("dha", "tr/41")
    assert None is unknown("trt", "tr")
    assert None is unknown("aa", "tr/41/gebze")
    assert (
        "dha tells mayor by İl (province), and not of tr/41/gebze: tr/41/gebze is a part of tr/41. "
        "Set figures where the source tells them."
    ) == unknown("dha", "tr/41/gebze")
    assert "Set figures where boxes are" in (unknown("aa", "tr/41") or "")
    assert None is unknown_in(order(Released, "tr/41"), NIGHT_OF)


def test_flat_rows_of_a_unit_that_is_not_told_have_no_number_of_it() -> None:
    view, columns = View(NIGHT_OF), Columns(NIGHT_OF)
    view.apply(0, totals("dha", "tr/41", imamoglu=52, kurum=25))

    def row(unit: str, source: str) -> dict[str, Any]:
        shape = Shape(1, "en", ("imamoglu",))
        figures, cells = view.figures("mayor", source, unit), columns.cells_in("mayor", source, unit)
        return {**columns.row("mayor", NIGHT_OF.unit_by_id[unit], figures, shape, cells=cells)}

    assert (1, 52) == (row("tr/41", "dha")["told"], row("tr/41", "dha")["imamoglu_votes"])
    hidden = row("tr/41/gebze", "dha")
    assert (0, "", "", "", 4) == tuple(
        hidden[name] for name in ("told", "valid", "boxes_opened_text", "imamoglu_votes", "boxes_total")
    )
    assert (1, 0) == (row("tr/41/gebze", "aa")["told"], row("tr/41/gebze", "aa")["valid"])
    assert row("tr/41/gebze", "dha").keys() == row("tr/41/gebze", "aa").keys()


class Run:
    name, mode, epoch, take, partitions, definition = "n", "test", "e", 0, 3, NIGHT_OF


def test_sources_are_compared_where_both_have_a_cell_or_a_sum() -> None:
    view = View(NIGHT_OF)
    for offset, record in enumerate(
        [
            totals("agency", "tr/34/adalar", imamoglu=30, kurum=20),
            totals("agency", "tr/34/kadikoy", imamoglu=20, kurum=5),
            totals("dha", "tr/34", imamoglu=52, kurum=25),
        ]
    ):
        view.apply(offset, record)

    def compared(unit: str, a: str = "agency", b: str = "dha") -> Any:
        question = GapQuestion("mayor", unit, a, b)
        rolled = Comparisons(NIGHT_OF).roll_up(*question, view.version)
        return explain(Run(), "e", view, rolled, question)  # type: ignore[arg-type]  # enough of a run

    province = compared("tr/34")
    assert province.lead is not None
    assert -2 == province.lead.votes.gap
    assert (50, 52) == (province.a.votes["imamoglu"], province.b.votes["imamoglu"])
    district = compared("tr/34/adalar")
    assert district.lead is None
    assert "dha tells mayor by İl (province), and not of tr/34/adalar" in (district.reason or "")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"levels": {"mayor": "province"}}, 'Give it "reports": "districts"'),
        ({"levels": {"x": "province"}, "reports": "districts"}, "is about contest 'x', which is not there"),
        (
            {"levels": {"mayor": "region"}, "reports": "districts"},
            "names level 'region' for 'mayor'. There are: country",
        ),
    ],
)
def test_a_level_that_cannot_be_is_refused_with_what_to_do(source: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        Election(**{**dict(small_election()), "sources": (Source(id="dha", name="DHA", **source),)})


def test_a_definition_without_levels_is_written_as_before() -> None:
    assert "levels" not in small_election().model_dump()["sources"][0]
    assert Cell("mayor", "dha", "tr/34") in {Cell("mayor", "dha", cell) for cell in NIGHT_OF.cells_of("mayor", "dha")}
    assert {"tr", "tr/34", "tr/41", *(one.id for one in NIGHT_OF.districts)} == NIGHT_OF.every_cell


def test_the_roll_of_a_unit_is_that_of_its_districts_or_unknown() -> None:
    assert 3 * 1200 == NIGHT_OF.roll_of("mayor", "tr/34")
    units = tuple(
        Unit(**{**dict(unit), "registered": None}) if unit.id == "tr/34/adalar" else unit for unit in NIGHT_OF.units
    )
    assert None is Election(**{**dict(NIGHT_OF), "units": units}).roll_of("mayor", "tr/34")
