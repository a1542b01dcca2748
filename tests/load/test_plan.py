from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clients.session import Catalogue
from producers.simulating.library import read_scenario
from sandik.load.plan import DEFAULT_MIX, Mix, Schedule, Share, parse_mix, read_mix
from schemas.errors import UsageError
from schemas.totals import Cell
from tests.builders import DISTRICTS, small_election

EXAMPLE = Path(__file__).parents[2] / "examples" / "load-mix.toml"
ONE = '[[subscription]]\ncontest = "mayor"\nsource = "aa"\nunits = ["tr"]\n'


def share(weight: float) -> Share:
    return Share(weight=weight, contest="mayor", source="aa", units=("tr",))


def test_the_example_is_what_is_used_by_default() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == DEFAULT_MIX.read_text(encoding="utf-8")


def test_the_default_asks_for_what_the_simulator_has() -> None:
    catalogue = Catalogue(read_scenario().definition())

    for each in read_mix(DEFAULT_MIX).subscription:
        assert catalogue.subscription(each.message()).units


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8), st.integers(0, 500))
def test_clients_are_allotted_by_weight(weights: list[float], clients: int) -> None:
    found = Counter(Mix(subscription=tuple(map(share, weights))).allot(clients))

    assert clients == found.total()
    for index, weight in enumerate(weights):
        assert abs(found[index] - clients * weight / sum(weights)) < len(weights)


def test_every_stretch_of_clients_is_mixed() -> None:
    assert [0, 1, 0, 0, 1, 0] == list(Mix(subscription=(share(2), share(1))).allot(6))


def test_a_subscription_is_asked_for_as_the_protocol_has_it() -> None:
    (each,) = parse_mix(ONE + "max_rate_hz = 5\n").subscription

    assert {
        "type": "subscribe",
        "id": "load",
        "contest": "mayor",
        "units": ["tr"],
        "source": "aa",
        "max_rate_hz": 5.0,
    } == each.message().model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "subscription: Field required"),
        ("subscription = []", "subscription: Tuple should have at least 1 item"),
        ("[[subscription", "is not TOML"),
        (ONE.replace("contest", "race"), "subscription.0.contest: Field required"),
        (ONE + "weight = 0\n", "subscription.0.weight: Input should be greater than 0"),
        (ONE + 'colour = "red"\n', "subscription.0.colour: Extra inputs are not permitted"),
        (ONE.replace('["tr"]', '["tr/**"]'), "subscription.0.units.0: String should match"),
        (ONE + "max_rate_hz = 1000\n", "subscription.0.max_rate_hz"),
    ],
)
def test_a_mix_that_is_wrong_says_where(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=r"^mix\.toml") as error:
        parse_mix(text, "mix.toml")

    assert says in str(error.value)


def test_a_file_that_is_not_there_says_so() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_mix(EXAMPLE.with_name("none.toml"))


ELECTION = small_election(boxes=3)
UNITS = [*DISTRICTS, "tr/34", "tr/41", "tr"]
SCHEDULE = Schedule.of(ELECTION, 50.0, seed=1)


def units_of(district: str) -> list[str]:
    return [district, *ELECTION.ancestors[district]]


@given(st.integers(0, 200))
def test_a_track_knows_which_changes_are_a_unit_s(count: int) -> None:
    """Judged by walking the schedule and counting."""
    found: dict[str, list[int]] = {unit: [] for unit in UNITS}
    for number, change in enumerate(islice(SCHEDULE.walk(), count)):
        if (change.cell.contest, change.cell.source) == ("mayor", "aa"):
            for unit in units_of(change.cell.district):
                found[unit].append(number)

    tracks = SCHEDULE.tracks("mayor", "aa", UNITS)
    assert found == {unit: list(track.numbers(0, track.among(count))) for unit, track in tracks.items()}


def test_each_box_changes_once_before_any_changes_twice() -> None:
    boxes = 3 * len(SCHEDULE.cells)
    first = Counter((change.cell, change.box, change.turn) for change in islice(SCHEDULE.walk(), boxes))

    assert {(cell, box, 0): 1 for cell in SCHEDULE.cells for box in range(3)} == first
    assert {1} == {change.turn for change in islice(SCHEDULE.walk(), boxes, 2 * boxes)}


def test_big_districts_report_more_often() -> None:
    definition = read_scenario().definition()
    tracks = Schedule.of(definition, 1.0, seed=1).tracks("district_mayor", "aa", ["tr/34/esenyurt", "tr/34/adalar"])

    assert (1, round(1869 / 42)) == (len(tracks["tr/34/adalar"].places), len(tracks["tr/34/esenyurt"].places))


@given(st.floats(0.1, 5000), st.integers(0, 10_000))
def test_a_change_is_due_from_its_moment_on(rate_hz: float, number: int) -> None:
    schedule = Schedule(rate_hz, (), (), {}, ())

    assert number <= schedule.due_by(schedule.due_s(number)) <= number + 1
    assert number < schedule.due_by(schedule.due_s(number) + 0.5 / rate_hz)


def test_nothing_is_due_before_the_beginning() -> None:
    assert 0 == SCHEDULE.due_by(-3.0)


def test_what_the_counter_showed_before_adds_up_over_levels() -> None:
    bases = {Cell("mayor", "aa", "tr/34/adalar"): 5, Cell("mayor", "aa", "tr/41/gebze"): 7}
    tracks = Schedule.of(ELECTION, 1.0, 1, bases).tracks("mayor", "aa", UNITS)

    assert (5, 0, 5, 7, 12) == tuple(
        tracks[unit].base for unit in ("tr/34/adalar", "tr/34/kadikoy", "tr/34", "tr/41", "tr")
    )
    assert {0} == {track.base for track in SCHEDULE.tracks("mayor", "anka", UNITS).values()}


def test_the_same_seed_gives_the_same_schedule() -> None:
    assert SCHEDULE == Schedule.of(ELECTION, 50.0, seed=1)
    assert SCHEDULE.cycle != Schedule.of(ELECTION, 50.0, seed=2).cycle
