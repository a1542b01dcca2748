import pytest

from producers.chance import seeded
from producers.simulating.counts import box_biases
from producers.simulating.library import read_scenario
from producers.simulating.plan import (
    ANNULLED,
    MOST_REVISIONS,
    TRUE,
    WITHDRAWN,
    Revisions,
    Statement,
    arrive,
    curve_minutes,
    revisions_of,
)
from producers.simulating.scenario import Arrivals

AA = read_scenario().sources[0]
ACT = Statement("act", 3)


def told(**shares: float) -> Revisions:
    habits = {"typo": 0.0, "unattributed": 0.0, "withdrawn": 0.0, "lasting": 0.0} | shares
    return revisions_of(AA.model_copy(update=habits), 2, 100, seeded(1))


def test_habits_decide_what_is_reported() -> None:
    assert told().statements == [TRUE]
    assert told(typo=1.0).statements == [Statement("slip", 2), TRUE]
    assert told(unattributed=1.0).statements == [Statement("held", 2), TRUE]
    assert told(withdrawn=1.0).statements == [TRUE, WITHDRAWN, TRUE]
    assert told(lasting=1.0).statements == [Statement("slip", 2)]


def test_revisions_wait_four_minutes_at_least_and_four_hours_at_most() -> None:
    first, second = told(typo=1.0).dues
    assert first == 100
    assert 4 * 60 <= second - first <= 240 * 60


def test_a_mistake_is_reported_until_it_is_corrected() -> None:
    revisions = told()
    revisions.report_wrongly(ACT, 500)
    assert (revisions.dues, revisions.statements) == ([100, 500], [ACT, TRUE])


def test_what_comes_after_the_correction_is_right() -> None:
    revisions = Revisions([600, 700], [Statement("slip"), TRUE])
    revisions.report_wrongly(ACT, 500)
    assert revisions.statements == [Statement("slip"), TRUE]


def test_a_box_that_is_reported_rightly_later_anyway_is_corrected_then() -> None:
    revisions = Revisions([100, 200, 900], [TRUE, WITHDRAWN, TRUE])
    revisions.report_wrongly(ACT, 500)
    assert (revisions.dues, revisions.statements) == ([100, 200, 900], [ACT, WITHDRAWN, TRUE])


def test_an_annulment_takes_the_place_of_what_would_have_come() -> None:
    revisions = Revisions([100, 900], [Statement("slip"), TRUE])
    revisions.annul(500, 1_000, ACT)
    assert (revisions.dues, revisions.statements) == ([100, 500, 1_000], [Statement("slip"), ANNULLED, ACT])


def test_a_freeze_delays_what_it_held_up_into_the_catch_up() -> None:
    revisions = Revisions([100, 200, 300, 900], [TRUE, TRUE, TRUE, TRUE])
    revisions.delay(150, 500, 600)
    assert revisions.dues[0] == 100
    assert 500 <= revisions.dues[1] < revisions.dues[2] < 600
    assert revisions.dues[3] == 900


def test_a_freeze_keeps_revisions_apart() -> None:
    revisions = Revisions([100, 101, 102], [TRUE, TRUE, TRUE])
    revisions.delay(50, 500, 501)
    assert revisions.dues == [500, 501, 502]


def test_a_relay_passes_on_what_it_hears_later() -> None:
    revisions = Revisions([100, 200], [Statement("slip", 0), TRUE]).relayed(60, None, seeded(1))
    assert (revisions.dues, revisions.statements) == ([160, 260], [Statement("slip", 0), TRUE])


def test_a_relay_corrects_its_own_slip_and_then_passes_on_what_it_heard() -> None:
    revisions = Revisions([100, 200], [Statement("slip", 0), TRUE]).relayed(60, Statement("slip", 4), seeded(1))
    assert revisions.statements == [Statement("slip", 4), Statement("slip", 0), TRUE]
    assert revisions.dues == sorted(set(revisions.dues))
    assert revisions.dues[1] >= 160 + 4 * 60
    assert len(revisions.statements) < MOST_REVISIONS


CURVE = Arrivals(share=(0.0, 0.5, 1.0), minutes=(20.0, 100.0, 300.0))


@pytest.mark.parametrize(("share", "minutes"), [(0.0, 20.0), (0.25, 60.0), (0.5, 100.0), (0.75, 200.0), (1.0, 300.0)])
def test_the_curve_is_straight_between_its_points(share: float, minutes: float) -> None:
    assert curve_minutes(share, CURVE) == minutes


def test_a_source_that_leans_has_its_neighbourhoods_first() -> None:
    """Among boxes of one district: those that lean its way come earlier on average, whatever else delays them."""
    scenario = read_scenario().shrink(districts=["tr/34/uskudar"])
    biases = box_biases(scenario.districts[0].boxes, seeded(1, "leans"))
    for source in scenario.sources:
        (found,) = arrive(scenario, source, [biases], 1)
        came = [(bias, due) for bias, due in zip(biases, found.seconds[0], strict=True) if due is not None]
        means = [
            sum(due for _, due in part) / len(part)
            for part in ([pair for pair in came if pair[0] > 0], [pair for pair in came if pair[0] < 0])
        ]
        assert (means[0] > means[1]) == (source.lean > 0)


def test_a_source_that_covers_every_box_reports_every_box() -> None:
    scenario = read_scenario().shrink(boxes_per_district=5)
    biases = [[0.0] * district.boxes for district in scenario.districts]
    found = arrive(scenario, scenario.sources[0], biases, 1)
    assert all(due is not None for district in found for row in district.seconds for due in row)


def test_a_source_has_districts_that_it_begins_in_and_districts_that_it_hardly_covers() -> None:
    scenario = read_scenario().shrink(boxes_per_district=30)
    first, bare = "tr/34/tuzla", "tr/34/sile"
    source = scenario.sources[0].model_copy(update={"begins_in": (first,), "coverage_in": {bare: 0.1}})
    biases = [[0.0] * district.boxes for district in scenario.districts]
    found = dict(zip((one.id for one in scenario.districts), arrive(scenario, source, biases, 1), strict=True))
    came = {unit: [due for due in one.seconds[0] if due is not None] for unit, one in found.items()}
    assert 0 < len(came[bare]) < 10
    assert max(came[first]) < min(sum(dues) / len(dues) for unit, dues in came.items() if unit != first)
