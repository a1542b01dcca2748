"""The state hash: equal exactly where every cell's figures are, in any order and however they are put together."""

from datetime import UTC, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.figures import COUNTS
from schemas.statehash import EMPTY, State, digest_of, joined, state_of
from schemas.totals import Totals
from tests.builders import DISTRICTS, NIGHT

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
    assert EMPTY == state_of([]) == joined([]) == State().hash()
