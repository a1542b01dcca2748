from hypothesis import given
from hypothesis import strategies as st

from producers.chance import seeded
from producers.simulating.statements import StatedFigures, held_back, moved, slipped, unattributed

VOTES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 200))


def box(votes: dict[str, int]) -> StatedFigures:
    valid = sum(votes.values())
    return StatedFigures(registered=valid + 50, cast=valid + 5, valid=valid, unattributed=0, votes=votes)


@given(VOTES, st.integers(0, 700))
def test_so_many_votes_are_unattributed_as_are_wanted(votes: dict[str, int], wanted: int) -> None:
    said = unattributed(box(votes), wanted)
    assert said.unattributed == min(wanted, sum(votes.values()))
    assert sum(said.votes.values()) + said.unattributed == said.valid


@given(VOTES, st.integers(0, 99))
def test_votes_that_are_held_back_are_not_lost(votes: dict[str, int], seed: int) -> None:
    said = held_back(box(votes), seeded(seed))
    assert sum(said.votes.values()) + said.unattributed == said.valid


@given(VOTES, st.floats(0, 1))
def test_votes_that_move_stay_valid_and_votes_that_move_nowhere_become_invalid(
    votes: dict[str, int], part: float
) -> None:
    given_away = moved(box(votes), "a", "b", part)
    assert sum(given_away.votes.values()) == given_away.valid == box(votes).valid
    misjudged = moved(box(votes), "a", None, part)
    assert sum(misjudged.votes.values()) == misjudged.valid
    assert box(votes).valid - misjudged.valid == round(votes.get("a", 0) * part)
    assert misjudged.cast == box(votes).cast


@given(VOTES, st.integers(0, 99))
def test_a_slip_changes_votes_and_nothing_else(votes: dict[str, int], seed: int) -> None:
    assert slipped(box(votes), seeded(seed))._replace(votes=votes) == box(votes)


def test_the_only_row_of_a_box_can_only_be_lost() -> None:
    assert slipped(box({"a": 3}), seeded(1)).votes == {}
