"""The whole of İstanbul against the facts that the night is built on (docs/simulation.md)."""

import pytest

from producers.simulating.library import read_scenario
from producers.simulating.scenario import Scenario
from producers.simulating.simulate import night
from tests.producers.simulating.night_figures import MAYOR, SEED, Figures, disagreeing, margin, measure, odd, spread
from tests.producers.simulating.realism import compare

BOXES = 33_273

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200), pytest.mark.xdist_group("whole-night")]


@pytest.fixture(scope="module")
def istanbul() -> Scenario:
    return read_scenario()


@pytest.fixture(scope="module")
def figures(istanbul: Scenario) -> Figures:
    return measure(istanbul, night(istanbul, SEED))


def test_there_are_a_quarter_of_a_million_events(figures: Figures) -> None:
    assert 250_000 < figures.events < 280_000


def test_92_percent_are_open_at_five_to_one_and_nearly_all_at_half_past_five(figures: Figures) -> None:
    at_0055 = figures.opened["04-01T00:55"]["aa", MAYOR] / BOXES
    at_0530 = figures.opened["04-01T05:30"]["aa", MAYOR] / BOXES
    assert at_0055 == pytest.approx(30_561 / BOXES, abs=0.005)
    assert at_0530 == pytest.approx(0.9998, abs=0.0002)


def test_every_figure_is_near_that_of_real_nights(figures: Figures) -> None:
    assert [row for row in compare(figures) if not row.is_near] == []


def test_at_any_moment_the_first_race_is_ahead(figures: Figures) -> None:
    for moment in ("03-31T19:20", "03-31T20:30", "03-31T22:00", "04-01T00:55"):
        for source in ("aa", "anka", "observers"):
            opened = figures.opened[moment]
            assert opened[source, MAYOR] > opened[source, "district_mayor"] > opened[source, "district_council"] > 0


def test_the_council_is_as_far_behind_as_it_was(figures: Figures) -> None:
    assert figures.opened["04-01T00:55"]["aa", "district_council"] == pytest.approx(26_921, rel=0.02)


def test_every_districts_totals_end_in_the_official_figures(istanbul: Scenario, figures: Figures) -> None:
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for (source, contest, district, _), event in figures.last.items():
        if source == "aa":
            cell = sums.setdefault((contest, district), {})
            counts = {"#boxes": 1, "#cast": event.cast, "#valid": event.valid, "#registered": event.registered}
            for name, count in (event.votes | counts).items():
                cell[name] = cell.get(name, 0) + count
    expected = {
        (contest, district.id): {name: votes for name, votes in result.votes.items() if votes}
        | {
            "#boxes": district.boxes,
            "#cast": result.cast,
            "#valid": result.valid,
            "#registered": district.registered,
        }
        for district in istanbul.districts
        for contest, result in district.results.items()
    }
    assert sums == expected


def test_shares_differ_from_box_to_box_by_about_fifteen_points(figures: Figures) -> None:
    for candidate in ("imamoglu", "kurum"):
        _, average, highest = spread(figures, candidate)
        assert 12 < average < 16
        assert highest < 20


def test_rolls_hold_at_most_350_voters(figures: Figures) -> None:
    assert max(event.registered for event in figures.last.values()) <= 350


def test_districts_and_agencies_are_lopsided(figures: Figures) -> None:
    opened = figures.district_opened["03-31T20:30"]
    assert max(opened.values()) > 10 * min(opened.values())
    assert margin(figures, "03-31T19:20", "anka") - margin(figures, "03-31T19:20", "aa") > 15
    assert abs(margin(figures, "04-01T12:00", "anka") - margin(figures, "04-01T12:00", "aa")) < 0.05


def test_a_lead_flips_after_ninety_percent(figures: Figures) -> None:
    assert figures.late_flips


def test_totals_fall_while_boxes_do_not(figures: Figures) -> None:
    assert len(figures.falls) > 85


def test_agencies_end_equal_but_for_a_handful_of_boxes(figures: Figures) -> None:
    assert 1 <= disagreeing(figures) <= 60


def test_a_few_boxes_have_more_cast_than_registered(figures: Figures) -> None:
    overfull, mismatched = odd(figures)
    assert 3 * 10 < overfull < 3 * 50
    assert mismatched == 0


def test_unattributed_votes_pile_up_and_drain(figures: Figures) -> None:
    assert figures.unattributed_peak > 100_000
    assert sum(event.unattributed for event in figures.last.values()) == 0
