from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.simulating.library import read_scenario
from producers.simulating.simulate import Night, Timed, bulletins, stage
from producers.stages import Delivery, Duplicate
from schemas.tally import Counted, Reported, Withdrawn
from tests.builders import NIGHT, counted, withdrawn
from tests.consumers import oracle
from tests.consumers.nights import arrivals, tallies


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_every_few_minutes_each_district_that_changed_is_reported_whole() -> None:
    events: list[Timed] = [
        (NIGHT, counted()),
        (NIGHT + minutes(5), counted(box=1002, district="tr/34/adalar")),
        (NIGHT + minutes(17), counted({"kurum": 7}, box=1002)),
    ]
    sent = list(bulletins(events, every_s=300))

    assert [
        (5, "tr/34/adalar", 1, 1),
        (5, "tr/34/uskudar", 1, 1),
        (20, "tr/34/uskudar", 2, 2),
    ] == [((due - NIGHT) / minutes(1), one.district, one.revision, one.boxes_opened) for due, one in sent]
    assert {"imamoglu": 150, "kurum": 107} == sent[-1][1].votes
    assert all(due == one.at for due, one in sent)


def test_a_box_that_is_taken_back_makes_a_correction() -> None:
    events: list[Timed] = [(NIGHT, counted()), (NIGHT + minutes(6), withdrawn())]

    assert [("reported", 1), ("report_corrected", 0)] == [
        (one.type, one.boxes_opened) for _, one in bulletins(events, every_s=300)
    ]


def test_no_boxes_are_no_bulletins() -> None:
    assert [] == list(bulletins([], every_s=60))


def test_a_cadence_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="give 1 or more"):
        next(bulletins([], every_s=0))


@given(tallies(), st.integers(1, 900), st.data())
def test_the_last_bulletin_of_a_district_is_the_sum_of_its_boxes(
    events: list[Counted | Withdrawn], every_s: int, data: st.DataObject
) -> None:
    mine = [event for event in data.draw(arrivals(events)) if event.source == "aa"]
    timed = [(NIGHT + timedelta(seconds=60 * number), event) for number, event in enumerate(mine)]
    last: dict[tuple[str, str, str], Reported] = {}
    for _, one in bulletins(timed, every_s):
        key = (one.contest, one.source, one.district)
        assert one.revision == (last[key].revision + 1 if key in last else 1)
        assert one.type == (
            "report_corrected" if key in last and one.boxes_opened < last[key].boxes_opened else "reported"
        )
        last[key] = one

    figures = oracle.sums(mine)
    assert figures.keys() == last.keys()
    for key, expected in figures.items():
        for name in ("boxes_opened", "registered", "cast", "valid", "invalid", "unattributed"):
            assert expected[name] == getattr(last[key], name)
        assert expected["votes"] == {name: count for name, count in last[key].votes.items() if count}


def test_a_staged_source_can_report_districts() -> None:
    night = Night(read_scenario().shrink(districts=["tr/34/adalar"]), seed=7, sources=["aa"])
    sent = [one for _, one in bulletins(night, every_s=600)]

    assert 3 == len({one.contest for one in sent})
    assert {"aa"} == {one.source for one in sent}
    assert len(sent) < len(list(night))


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
