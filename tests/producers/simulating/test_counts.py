from hypothesis import given
from hypothesis import strategies as st

from producers.chance import seeded
from producers.simulating.counts import MAX_REGISTERED, _cast, box_biases, deal
from producers.simulating.library import read_scenario
from producers.simulating.scenario import District, Result

SILE = read_scenario().shrink(districts=["tr/34/sile"]).districts[0]


def test_no_roll_is_over_the_limit_and_rolls_add_up() -> None:
    counts = deal(SILE, box_biases(SILE.boxes, seeded(1)), {contest: {} for contest in SILE.results}, 2)
    assert sum(counts.registered) == SILE.registered
    assert 0 < min(counts.registered) <= max(counts.registered) <= MAX_REGISTERED


def test_boxes_of_one_school_lean_together() -> None:
    biases = box_biases(8_000, seeded(1))
    inside = sum((biases[box] - biases[box + 1]) ** 2 for box in range(0, 8_000, 8))
    across = sum((biases[box + 7] - biases[(box + 8) % 8_000]) ** 2 for box in range(0, 8_000, 8))
    assert inside < across / 2


def test_a_lean_moves_votes_between_the_leaders() -> None:
    biases = [-2.0] * 65 + [2.0] * 66
    leanings = {contest: {"imamoglu": 1.0, "kurum": -1.0} for contest in SILE.results}
    mayor = deal(SILE, biases, leanings, 2).contests["metropolitan_mayor"]
    votes = [mayor.of(box).get("imamoglu", 0) for box in range(SILE.boxes)]
    assert sum(votes[:65]) / 65 < 0.6 * sum(votes[65:]) / 66


def test_a_contest_in_which_nobody_voted_has_empty_boxes() -> None:
    nobody = District(
        id="tr/1/x", name="X", boxes=3, registered=9, results={"c": Result(cast=0, valid=0, votes={"a": 0, "b": 0})}
    )
    counts = deal(nobody, [0.0] * 3, {"c": {}}, 1).contests["c"]
    assert [counts.of(box) for box in range(3)] == [{}, {}, {}]
    assert sum(counts.cast) == 0


@given(
    rolls=st.lists(st.integers(0, 350), min_size=1, max_size=12),
    part=st.floats(0, 1),
    overfull=st.dictionaries(st.integers(0, 11), st.integers(1, 8), max_size=6),
    seed=st.integers(0, 99),
)
def test_only_overfull_boxes_have_more_cast_than_registered(
    rolls: list[int], part: float, overfull: dict[int, int], seed: int
) -> None:
    total = int(sum(rolls) * part)
    officials = {box: extra for box, extra in overfull.items() if box < len(rolls)}
    cast = _cast(rolls, [float(roll) for roll in rolls], officials, total, seeded(seed))
    assert sum(cast) == total
    for box, (votes, roll) in enumerate(zip(cast, rolls, strict=True)):
        assert 0 <= votes <= roll + officials.get(box, 0)
