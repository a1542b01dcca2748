"""Totals as they are written, and the state hash: equal exactly where every cell's figures are, in any order."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.figures import COUNTS
from schemas.totals import STATE_BYTES, Cell, Row, State, Totals, digest_of, encode_rows, joined, parse_totals, state_of
from tests.builders import DISTRICTS, NIGHT


def totals(**changes: object) -> Totals:
    fields: dict[str, object] = dict.fromkeys(
        ("boxes_opened", "annulled", "registered", "cast", "valid", "invalid", "unattributed", "flagged", "version"), 1
    )
    fields |= {
        "contest": "mayor",
        "source": "aa",
        "district": "tr/34/uskudar",
        "as_of": NIGHT,
        "votes": {"b": 2, "a": 1},
    }
    return Totals.model_validate(fields | changes)


def test_totals_survive_the_way_through_the_log() -> None:
    assert totals() == parse_totals(totals().encode())


def test_the_excess_of_single_boxes_is_read_as_none_where_nothing_is_said_of_it() -> None:
    """So are the records of earlier releases, whose bytes are those of totals without an excess."""
    assert b"excess" not in totals().encode()
    assert 0 == parse_totals(totals().encode()).excess
    assert totals(excess=7) == parse_totals(totals(excess=7).encode())


def test_equal_totals_are_equal_bytes_whatever_the_order_of_their_votes() -> None:
    assert totals().encode() == totals(votes={"a": 1, "b": 2}).encode()


def test_the_cell_is_the_key() -> None:
    assert Cell("mayor", "aa", "tr/34/uskudar") == totals().cell
    assert b"mayor/aa/tr/34/uskudar" == totals().cell.key()


@pytest.mark.parametrize("wrong", [{"as_of": datetime(2024, 3, 31)}, {"cast": -1}, {"cast": 1.5}, {"votes": {"a": -1}}])  # noqa: DTZ001  a time without its zone is what is refused
def test_totals_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        totals(**wrong)


def test_rows_are_written_with_their_votes_by_candidate() -> None:
    row = Row("mayor", "aa", "tr", "country", 1, 2, 3, 4, 5, 6, 7, 8, {"b": 2, "a": 1})
    (said,) = orjson.loads(encode_rows([row]))

    assert {*Row._fields} - {"blank"} == {*said}, "without blank votes there is no field for them"
    (said,) = orjson.loads(encode_rows([row._replace(blank=0)]))
    assert list(Row._fields) == list(said)
    assert ["a", "b"] == list(said["votes"])


ANY = st.builds(
    lambda district, version, minutes, counts, votes: Totals(
        contest="mayor",
        source="aa",
        district=district,
        version=version,
        as_of=NIGHT + timedelta(minutes=minutes),
        votes=votes,
        **dict(zip(COUNTS, counts, strict=True)),
    ),
    st.sampled_from(DISTRICTS),
    st.integers(0, 5),
    st.integers(0, 3),
    st.tuples(*[st.integers(0, 3)] * len(COUNTS)),
    st.dictionaries(st.sampled_from(["imamoglu", "kurum"]), st.integers(0, 3)),
)
ONE_EACH = st.lists(ANY, unique_by=lambda totals: totals.district)


def figures_of(votes: dict[str, int]) -> Totals:
    return Totals.model_validate(
        dict.fromkeys(COUNTS, 0)
        | {"contest": "mayor", "source": "aa", "district": "tr/34/adalar", "version": 1, "as_of": NIGHT, "votes": votes}
    )


def figures(totals: list[Totals]) -> set[bytes]:
    """What the hash must tell apart: everything but the version, instants as instants."""
    return {one.model_copy(update={"version": 0, "as_of": one.as_of.astimezone(UTC)}).encode() for one in totals}


@given(some=ONE_EACH, others=ONE_EACH)
def test_states_are_equal_exactly_if_the_figures_are(some: list[Totals], others: list[Totals]) -> None:
    assert (figures(some) == figures(others)) == (state_of(some) == state_of(others))


@given(totals=ONE_EACH)
def test_the_excess_of_single_boxes_is_not_hashed(totals: list[Totals]) -> None:
    """So archives that were sealed before there was one still hold."""
    assert state_of(totals) == state_of([one.model_copy(update={"excess": 7}) for one in totals])


@given(totals=ONE_EACH, data=st.data())
def test_neither_order_nor_version_nor_time_zone_matters(totals: list[Totals], data: st.DataObject) -> None:
    shuffled = [
        one.model_copy(
            update={"version": one.version + 7, "as_of": one.as_of.astimezone(UTC), "votes": reordered(one.votes)}
        )
        for one in data.draw(st.permutations(totals))
    ]

    assert state_of(totals) == state_of(shuffled)


def reordered(votes: dict[str, int]) -> dict[str, int]:
    return dict(reversed(votes.items()))


@given(totals=st.lists(ANY))
def test_the_highest_version_of_a_cell_counts(totals: list[Totals]) -> None:
    standing: dict[str, Totals] = {}
    for one in totals:
        if one.district not in standing or one.version > standing[one.district].version:
            standing[one.district] = one

    assert state_of(standing.values()) == state_of(totals)


@given(totals=ONE_EACH)
def test_parts_add_up_to_the_whole(totals: list[Totals]) -> None:
    assert state_of(totals) == joined(state_of([one]) for one in totals)


@given(totals=st.lists(ANY))
def test_a_state_kept_cell_by_cell_is_the_state_of_what_was_put_last(totals: list[Totals]) -> None:
    state = State()
    last: dict[str, Totals] = {}
    for one in totals:
        before = digest_of(last[one.district]) if one.district in last else 0
        found = state.replace(before, digest_of(one))
        last[one.district] = one
        assert state.hash() == found

    assert state_of(last.values()) == state.hash()


def test_no_totals_are_the_empty_state() -> None:
    assert bytes(STATE_BYTES) == state_of([]) == joined([]) == State().hash()
