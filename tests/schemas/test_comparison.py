import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.comparison import BoxApart, Comparison, Pair, Part, Said, parse_comparison

PARTS = st.builds(
    Part,
    boxes=st.integers(0, 9),
    registered=st.integers(0, 99),
    cast=st.integers(0, 99),
    valid=st.integers(0, 99),
    invalid=st.integers(0, 99),
    unattributed=st.integers(0, 99),
    votes=st.dictionaries(st.sampled_from(["x", "y", "z"]), st.integers(0, 99)),
)


def comparison(**changes: object) -> Comparison:
    empty = Part()
    said: dict[str, object] = {"contest": "mayor", "district": "tr/34/uskudar", "a": "aa", "b": "anka", "version": 3}
    parts = dict.fromkeys(("only_a", "only_b", "both_a", "both_b"), empty)
    return Comparison.model_validate({**said, **parts, "differing": 0, **changes})


@given(PARTS, PARTS, PARTS)
def test_parts_add_up_in_any_order(a: Part, b: Part, c: Part) -> None:
    assert (a + b) + c == c + (b + a)
    assert a == a + Part()
    assert (a + b).votes.get("x", 0) == a.votes.get("x", 0) + b.votes.get("x", 0)


def test_a_box_that_only_one_source_has_is_apart_by_all_its_votes() -> None:
    said = Said(unattributed=2, votes={"x": 5, "y": 1})

    assert 8 == BoxApart(box=1, a=said, b=None).votes_apart
    assert 8 == BoxApart(box=1, a=None, b=said).votes_apart
    assert 4 + 1 + 2 == BoxApart(box=1, a=said, b=Said(votes={"x": 1})).votes_apart


def test_a_record_is_found_by_its_pair_and_reads_as_it_was_written() -> None:
    said = comparison()

    assert Pair("mayor", "tr/34/uskudar", "aa", "anka") == said.pair
    assert b"mayor/tr/34/uskudar/aa/anka" == said.pair.key()
    assert said == parse_comparison(said.encode())


@pytest.mark.parametrize("changes", [{"a": "anka", "b": "aa"}, {"a": "aa", "b": "aa"}, {"both_a": Part(boxes=1)}])
def test_a_comparison_that_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        comparison(**changes)
