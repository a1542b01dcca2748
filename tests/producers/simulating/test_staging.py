from datetime import timedelta

from producers.delivery import Delivery
from producers.scenarios.library import read_scenario
from producers.simulating.staging import stage
from producers.stages import Duplicate

SMALL = read_scenario("district-totals").shrink(districts=["tr/34/adalar"], boxes_per_district=5)


def test_what_is_sent_comes_in_order_and_begins_with_the_first_report() -> None:
    staged = stage(SMALL)
    dues = [delivery.due for delivery in staged]

    assert sorted(dues) == dues
    assert staged.first_due == dues[0]


def test_it_is_as_long_as_the_boxes_that_are_reported() -> None:
    """Where nobody sends districts' totals, and no stage adds anything, that is what is sent."""
    staged = stage(SMALL, sources=["aa"])

    assert len(list(staged)) == len(staged)


def test_it_can_be_told_as_often_as_wanted_and_with_faults_of_its_own() -> None:
    often = stage(SMALL, sources=["aa"], faults=[Duplicate(stage="duplicate", share=1.0)])
    once: list[Delivery] = list(stage(SMALL, sources=["aa"]))

    assert list(often) == list(often)
    assert {delivery.entry for delivery in once} == {delivery.entry for delivery in often}
    assert 2 * len(once) == len(list(often))
    assert often.first_due - once[0].due == timedelta(0)
