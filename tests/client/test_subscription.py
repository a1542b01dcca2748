"""What one subscription covers, asks for and shows.

MERGED: What a delta means to a cursor.
"""

from dataclasses import fields

import pytest

from sandik.client.subscription import Figures, Verdict, Wanted, covers, judge
from schemas.wire import Cursor, Entry


def test_figures_have_every_field_of_an_entry() -> None:
    assert Entry.model_fields.keys() == {field.name for field in fields(Figures)}


@pytest.mark.parametrize(
    ("pattern", "unit", "expected"),
    [
        ("tr/34", "tr/34", True),
        ("tr/34", "tr/34/uskudar", False),
        ("tr/34/*", "tr/34/uskudar", True),
        ("tr/*", "tr/34/uskudar", False),
        ("tr/34/*", "tr/34", False),
        ("tr/3/*", "tr/34/uskudar", False),
    ],
)
def test_a_pattern_covers_its_unit_or_those_directly_below(pattern: str, unit: str, expected: bool) -> None:
    assert expected == covers(pattern, unit)


def test_an_id_is_the_same_for_the_same_wish_and_another_for_any_other() -> None:
    wishes = [
        Wanted("mayor", "aa", ("tr",)),
        Wanted("mayor", "aa", ("tr/*",)),
        Wanted("mayor", "anka", ("tr",)),
        Wanted("mayor", "aa", ("tr",), 2),
        Wanted("mayor", "aa", ("tr",), 2.5),
    ]
    assert len(wishes) == len({wish.id for wish in wishes})
    assert Wanted("mayor", "aa", ("tr",), 2).id == Wanted("mayor", "aa", ("tr",), 2.0).id


HERE = Cursor(epoch="e", seq=5)


@pytest.mark.parametrize(
    ("cursor", "epoch", "begins", "ends", "expected"),
    [
        (None, "e", 0, 9, "awaiting"),
        (HERE, "e", 5, 9, "next"),
        (HERE, "e", 2, 9, "next"),
        (HERE, "e", 2, 5, "next"),
        (HERE, "e", 2, 4, "old"),
        (HERE, "e", 6, 9, "gap"),
        (HERE, "other", 5, 9, "gap"),
    ],
)
def test_a_delta_is_judged_by_where_it_begins_and_ends(
    cursor: Cursor | None, epoch: str, begins: int, ends: int, expected: Verdict
) -> None:
    assert expected == judge(cursor, epoch, begins, ends)
