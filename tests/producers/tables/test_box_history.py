from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.tables.box_history import BoxHistory
from schemas.tally import Counted, Withdrawn
from schemas.totals import Cell
from tabulation.counting.box_ledger import BoxLedger
from tests.builders import counted, withdrawn

MORE = {"imamoglu": 151, "kurum": 100}


def history(*tallies: Counted | Withdrawn) -> BoxHistory:
    found = BoxHistory()
    for tally in tallies:
        found.add(tally)
    return found


@pytest.mark.parametrize(
    "events",
    [
        [counted()],
        [counted(revision=2), counted(MORE, revision=3)],
        [counted(MORE, revision=3), counted(revision=2)],
        [counted(MORE, revision=4)],
        [counted(MORE, box=1002)],
        [counted({"imamoglu": 150, "kurum": 100, "bagimsiz_1": 0})],
        [],
    ],
)
def test_what_is_new_or_there_word_for_word_can_be_published(events: list[Counted]) -> None:
    known = history(counted(), counted(MORE, revision=3))

    assert [] == known.cannot_count(events)
    assert 3 == known.highest


@pytest.mark.parametrize(
    ("known", "event", "says"),
    [
        ([counted()], counted(MORE), "box 1001 of tr/34/uskudar was published before at revision 1 with other counts"),
        ([withdrawn()], counted(revision=2), "at revision 2 with other counts"),
        ([withdrawn()], counted(), "was published before at revision 2, which is higher than 1"),
        ([counted(), counted(MORE, released=1)], counted({"kurum": 1}), "with other counts"),
    ],
)
def test_what_could_not_count_is_told(known: list[Counted | Withdrawn], event: Counted, says: str) -> None:
    (fault,) = history(*known).cannot_count([event])

    assert says in fault


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), max_size=4), st.integers(1, 4), st.integers(0, 2))
def test_what_can_count_stands_or_has_stood_in_the_ledger_and_the_rest_is_told(
    before: Sequence[tuple[int, int]], revision: int, votes: int
) -> None:
    ledger, known = BoxLedger(Cell("mayor", "aa", "tr/34/uskudar"), ("a",), 1), BoxHistory()
    for offset, (number, count) in enumerate(before):
        tally = counted({"a": count}, revision=number, box=1)
        if ledger.apply(tally, offset) != "conflict":
            known.add(tally)
    event = counted({"a": votes}, revision=revision, box=1)
    told = known.cannot_count([event])
    outcome = ledger.apply(event, len(before))

    assert outcome in ({"conflict", "stale"} if told else {"counted", "duplicate", "stale"})
    assert told or outcome != "stale" or (revision, votes) in before
