"""Everything that has a field for each count, or a list of counts, has those that are declared."""

import re
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from sandik.client.subscription import Figures as ClientFigures
from schemas import comparison
from schemas.comparison import Said
from schemas.fields import MAX_BOX_COUNT, MAX_DISTRICT_BOXES, MAX_DISTRICT_COUNT
from schemas.figures import (
    COUNT_NAMED,
    COUNTS,
    DECLARED,
    EVERYWHERE,
    OPTIONAL,
    REPORTED,
    ROW_COUNTS,
    SET_BY_HAND,
    STATED,
    Given,
)
from schemas.quarantine import SetAsideFigures
from schemas.tally import Counted, Reported, Tally, encode, parse_tallies
from schemas.totals import Cell, Row, Totals
from schemas.wire import Entry
from tabulation.counting.cells import Content, Sums
from tabulation.counting.ledgers import BoxLedger, ReportLedger

ROOT = Path(__file__).parents[2]
PAGES = "gateway/pages"
AT = datetime(2024, 3, 31, 20, tzinfo=UTC)


def of_model(model: Any) -> list[str]:
    """The names of a pydantic model's fields."""
    return list(model.model_fields)


def in_file(path: str, opening: str, closing: str) -> list[str]:
    """The names of counts between two texts of a file, in their order."""
    _, _, rest = (ROOT / path).read_text(encoding="utf-8").partition(opening)
    inside, closed, _ = rest.partition(closing)
    assert closed, f"{path} has no {opening!r}"
    return [name for name in re.findall(r"[a-z_]+", inside) if name in COUNT_NAMED]


PLACES = {
    "schemas/tally.py Counted": ([one.name for one in structs.fields(Counted)], STATED),
    "schemas/tally.py Reported": ([one.name for one in fields(Reported)], REPORTED),
    "schemas/totals.py Totals": (of_model(Totals), COUNTS),
    "schemas/totals.py Row": (Row._fields, ROW_COUNTS),
    "schemas/wire.py Entry": (of_model(Entry), COUNTS),
    "schemas/comparison.py Said": (of_model(Said), STATED),
    "schemas/comparison.py Figures": (of_model(comparison.Figures), REPORTED),
    "schemas/comparison.py BoxFigures": (of_model(comparison.BoxFigures), STATED),
    "schemas/quarantine.py SetAsideFigures": (of_model(SetAsideFigures), REPORTED),
    "tabulation/counting/cells.py Sums": ([one.name for one in fields(Sums)], COUNTS),
    "tabulation/counting/cells.py Content": (Content._fields, STATED),
    "sandik/client/subscription.py Figures": ([one.name for one in fields(ClientFigures)], COUNTS),
    "gateway/pages/client/subscription.js UNHEARD": (
        in_file(f"{PAGES}/client/subscription.js", "const UNHEARD = {", "}"),
        COUNTS,
    ),
    "gateway/pages/client/index.d.ts Entry": (
        in_file(f"{PAGES}/client/index.d.ts", "export interface Entry {", "}"),
        COUNTS,
    ),
    "gateway/pages/control/overrides.js COUNTS": (
        in_file(f"{PAGES}/control/overrides.js", "const COUNTS = [", "]"),
        SET_BY_HAND,
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_has_a_field_for_each_count_has_those_that_are_declared(place: str) -> None:
    found, declared = PLACES[place]
    named = [name for name in found if name in COUNT_NAMED]

    assert ([], []) == (sorted(set(declared) - set(named)), sorted(set(named) - set(declared))), "lacks, has too many"


def test_totals_have_no_count_that_is_not_declared() -> None:
    whole_numbers = {name for name, one in Totals.model_fields.items() if one.annotation is int}

    assert {*COUNTS, "version", "excess", "closed"} == whole_numbers


def test_what_is_kept_of_a_report_has_the_order_of_the_declaration() -> None:
    """It is kept without names; of contests that do not count blank votes apart it has no place for them."""
    assert (*STATED, "votes") == Content._fields
    assert EVERYWHERE == COUNTS[: len(EVERYWHERE)]


def test_a_comparison_adds_up_what_is_compared() -> None:
    one = comparison.Part(boxes=1, **dict.fromkeys(STATED, 2), votes={"a": 3})

    assert comparison.Part(boxes=2, **dict.fromkeys(STATED, 4), votes={"a": 6}) == one + one


def is_optional(annotation: Any) -> bool:
    """Whether a field may be silent, as `int | None`."""
    return type(None) in get_args(annotation)


def bound(annotation: Any) -> int:
    """The most that a number of this type may be."""
    annotation = next(
        (part for part in get_args(annotation) if part is not type(None) and is_optional(annotation)), annotation
    )
    (most,) = [part.le for part in annotation.__metadata__[0].metadata if getattr(part, "le", None) is not None]
    return int(most)


def test_counts_have_the_bounds_of_a_box_and_of_a_district() -> None:
    counted = {one.name: one.type for one in structs.fields(Counted)}
    reported = Reported.__annotations__

    assert dict.fromkeys(STATED, MAX_BOX_COUNT) == {name: bound(counted[name]) for name in STATED}
    assert {name: COUNT_NAMED[name].most_in_district for name in REPORTED} == {
        name: bound(reported[name]) for name in REPORTED
    }
    assert {MAX_DISTRICT_BOXES, MAX_DISTRICT_COUNT} == {count.most_in_district for count in DECLARED}


def statement(kind: type[Counted | Reported], counts: Iterable[str]) -> Any:
    """A statement with another number for each count."""
    fields_of: dict[str, Any] = {name: 11 * place for place, name in enumerate(STATED, 1) if name in set(counts)}
    fields_of |= {"contest": "mayor", "district": "tr/34/uskudar", "source": "aa", "revision": 1, "at": AT}
    if kind is Counted:
        return Counted(type="counted", box=7, votes={"a": 5}, **fields_of)
    return Reported(type="reported", boxes_opened=1, votes={"a": 5}, **fields_of)


@pytest.mark.parametrize("kind", [Counted, Reported])
def test_what_a_statement_may_be_silent_on_is_not_written(kind: type[Counted | Reported]) -> None:
    silent: Tally = statement(kind, set(STATED) - set(OPTIONAL))
    written = encode(silent)

    assert [silent] == parse_tallies([written])
    assert {name: None if COUNT_NAMED[name].is_declared else 0 for name in OPTIONAL} == {
        name: getattr(silent, name) for name in OPTIONAL
    }
    assert not [name for name in OPTIONAL if name.encode() in written]


@pytest.mark.parametrize("kind", [Counted, Reported])
def test_every_count_of_a_statement_is_written_and_read_again(kind: type[Counted | Reported]) -> None:
    event: Tally = statement(kind, STATED)

    assert [event] == parse_tallies([encode(event)])


@pytest.mark.parametrize("kind", [Counted, Reported])
def test_every_count_of_a_statement_comes_to_the_totals_under_its_name(kind: type[Counted | Reported]) -> None:
    """They are written out one by one where speed matters, and kept without names: so their order is tested."""
    cell, all_counts = Cell("mayor", "aa", "tr/34/uskudar"), Given(blank=True)
    if kind is Counted:
        ledger: BoxLedger | ReportLedger = BoxLedger(cell, ("a",), 9, given=all_counts)
    else:
        ledger = ReportLedger(cell, Sums.zero(("a",)), 9, given=all_counts)
    ledger.apply(statement(kind, STATED), 0)

    totals = ledger.totals(ZoneInfo("Europe/Istanbul"))

    stated = {name: 11 * place for place, name in enumerate(STATED, 1)}
    assert stated | {"boxes_opened": 1, "annulled": 0, "flagged": 1} == {name: getattr(totals, name) for name in COUNTS}


@pytest.mark.parametrize("name", SET_BY_HAND)
def test_the_control_room_names_what_may_be_set_by_hand(name: str) -> None:
    turkish, english = (
        re.findall(rf'^  {name}: "(.+)",$', (ROOT / PAGES / "control" / file).read_text(encoding="utf-8"), re.MULTILINE)
        for file in ("words-tr.js", "words-en.js")
    )

    assert [COUNT_NAMED[name].turkish] == turkish
    assert [COUNT_NAMED[name].english] == english


def test_the_page_of_the_stream_says_what_each_count_is() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")

    assert [] == [count.name for count in DECLARED if f"| `{count.name}` | {count.meaning} |\n" not in page]
