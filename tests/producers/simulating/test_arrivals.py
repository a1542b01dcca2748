import pytest

from producers.chance import seeded
from producers.scenarios.library import read_scenario
from producers.scenarios.scenario import Arrivals
from producers.simulating.arrivals import arrive, curve_minutes
from producers.simulating.counts import box_biases

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
