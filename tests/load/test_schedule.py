from collections import Counter
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from producers.simulating.library import read_scenario
from sandik.load.schedule import Schedule
from schemas.totals import Cell
from tests.builders import DISTRICTS, small_election

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
