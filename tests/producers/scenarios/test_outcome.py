from hypothesis import given
from hypothesis import strategies as st

from producers.scenarios.outcome import settle

DISTRICTS = st.lists(
    st.fixed_dictionaries({name: st.integers(0, 5_000) for name in ("a", "b", "c")}), min_size=1, max_size=6
)


@given(DISTRICTS, st.floats(0, 0.6), st.floats(0, 0.4))
def test_shares_come_out_to_the_vote_and_every_district_keeps_its_votes(
    districts: list[dict[str, int]], first: float, second: float
) -> None:
    settled = settle(districts, {"a": first, "b": second})
    valid = sum(sum(votes.values()) for votes in districts)
    assert [sum(votes.values()) for votes in settled] == [sum(votes.values()) for votes in districts]
    assert abs(sum(votes["a"] for votes in settled) - first * valid) <= 1
    assert abs(sum(votes["b"] for votes in settled) - second * valid) <= 1
    assert min(count for votes in settled for count in votes.values()) >= 0


def test_equal_shares_are_equal_votes() -> None:
    settled = settle([{"a": 10, "b": 90, "c": 1}, {"a": 80, "b": 5, "c": 3}], {"a": 0.4, "b": 0.4})
    assert sum(votes["a"] for votes in settled) == sum(votes["b"] for votes in settled) == round(0.4 * 189)


def test_an_outcome_may_name_every_candidate() -> None:
    settled = settle([{"a": 60, "b": 40}, {"a": 10, "b": 90}], {"a": 0.5, "b": 0.5})
    assert [100, 100] == [sum(votes.values()) for votes in settled]
    assert sum(votes["a"] for votes in settled) == sum(votes["b"] for votes in settled) == 100


def test_a_district_keeps_its_character() -> None:
    settled = settle([{"a": 900, "b": 100, "c": 10}, {"a": 100, "b": 900, "c": 10}], {"a": 0.6, "b": 0.35})
    assert settled[0]["a"] > settled[0]["b"]
    assert settled[1]["b"] > settled[1]["a"]
