from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.contests import Previous, PreviousResult
from schemas.definition import Election, Unit
from schemas.errors import DefinitionError
from schemas.figures import COUNTS
from tabulation.derived.columns import change_text
from tabulation.derived.swing import Flip, LastTime, Swing, base_of
from tabulation.figures import Claims
from tests.shapes import deep, flat


class Figures:
    """Figures of one unit."""

    def __init__(self, unit: Unit, boxes_total: int, opened: int, votes: dict[str, int], **counts: int) -> None:
        self.unit, self.boxes_total, self.votes, self.claims = unit, boxes_total, votes, Claims()
        total = sum(votes.values())
        told = {"boxes_opened": opened, "valid": total, "cast": total, "registered": 2 * total}
        self.counts = dict.fromkeys(COUNTS, 0) | told | counts


def result(a: int, b: int, **fields: int) -> PreviousResult:
    known = {"registered": 500, "cast": a + b, "valid": a + b} | fields
    return PreviousResult(votes={"a": a, "old": b}, **known)


LAST = Previous(
    id="2022",
    contest="m",
    name="2022",
    date=date(2022, 5, 1),
    names={"a": "A", "old": "Old B"},
    mapping={"b": ("old",)},
    results={"gb/bath": result(60, 40), "gb/york": result(30, 70)},
)


def land(*previous: Previous) -> Election:
    return Election(**{**dict(flat("bath", "york")), "previous": previous or (LAST,)})


def night(definition: Election, **units: Figures) -> Any:
    """Where figures of these units, and of the country as their sum, are looked up."""
    found = {f"gb/{name}": figures for name, figures in units.items()}
    if found:
        votes = {name: sum(one.votes.get(name, 0) for one in found.values()) for name in "abc"}
        opened = sum(one.counts["boxes_opened"] for one in found.values())
        found["gb"] = Figures(definition.unit_by_id["gb"], 4, opened, votes)
    return found.get


def figures(name: str, opened: int, a: int, b: int, c: int = 0, **counts: int) -> Figures:
    return Figures(land().unit_by_id[f"gb/{name}"], 2, opened, {"a": a, "b": b, "c": c}, **counts)


def test_a_definition_without_the_last_time_is_written_as_before() -> None:
    assert "previous" not in flat("bath").model_dump(mode="json")
    assert land() == Election.model_validate_json(land().model_dump_json())


def test_swing_is_the_change_of_the_share_and_a_unit_is_held_or_gained() -> None:
    found = LastTime(land(), LAST).facts("gb/bath", night(land(), bath=figures("bath", 2, 45, 55)))

    assert (("a",), 20, 2_000, 2_000, "gain") == (
        found.held_by,
        found.margin_then,
        found.margin_then_bp,
        found.turnout_then_bp,
        found.outcome,
    )
    assert (
        Swing("a", ("a",), 60, -15, 6_000, -1_500),
        Swing("b", ("old",), 40, 15, 4_000, 1_500),
        Swing("c", (), 0, 0, None, None),
    ) == found.swings
    assert (Flip("gb/bath", "a", "b"),) == found.flipped
    assert 3_000 == found.turnout_change_bp


def test_who_follows_who_held_it_holds() -> None:
    found = LastTime(land(), LAST).facts("gb/york", night(land(), york=figures("york", 2, 10, 20)))

    assert ("hold", ()) == (found.outcome, found.flipped)


def test_like_is_compared_with_like_over_what_has_reported() -> None:
    found = LastTime(land(), LAST).facts("gb", night(land(), bath=figures("bath", 1, 30, 20)))

    assert (1, 2) == (found.compared, found.units)
    assert [(30, 0, 0), (20, 0, 0)] == [(one.votes_then, one.votes_change, one.swing_bp) for one in found.swings[:2]]
    assert (("old",), 20) == (found.held_by, found.margin_then), "who held it follows from the whole"
    assert "gain" == found.outcome


def test_before_the_first_box_nothing_has_changed() -> None:
    found = LastTime(land(), LAST).facts("gb", night(land()))

    assert (0, None, None, ()) == (found.compared, found.outcome, found.turnout_change_bp, found.flipped)
    assert [None] * 3 == [one.swing_bp for one in found.swings]


def test_a_tie_is_neither_held_nor_gained() -> None:
    last_time = LastTime(land(), LAST)

    tied = last_time.facts("gb/bath", night(land(), bath=figures("bath", 2, 5, 5)))
    assert (None, ()) == (tied.outcome, tied.flipped)
    even = LAST.model_copy(update={"results": {"gb/bath": result(5, 5)}})
    found = LastTime(land(even), even).facts("gb/bath", night(land(), bath=figures("bath", 2, 9, 5)))
    assert (("a", "old"), None, 0) == (found.held_by, found.outcome, found.margin_then)


def test_what_is_not_known_of_then_is_not_made_up() -> None:
    partly = LAST.model_copy(update={"results": {"gb/bath": PreviousResult(votes={"a": 6, "old": 4})}})
    last_time = LastTime(land(partly), partly)
    found = last_time.facts("gb/bath", night(land(), bath=figures("bath", 2, 9, 1)))

    assert [(3, None), (-3, None), (0, None)] == [(one.votes_change, one.swing_bp) for one in found.swings]
    assert (None, None, 2) == (found.turnout_change_bp, found.margin_then_bp, found.margin_then)
    country = last_time.facts("gb", night(land(), bath=figures("bath", 2, 9, 1), york=figures("york", 2, 9, 1)))
    assert ((), None, None, 1, 2) == (
        country.held_by,
        country.margin_then,
        country.outcome,
        country.compared,
        country.units,
    )


def test_a_sum_of_then_is_told_only_as_far_as_each_part_is_known() -> None:
    results = {"gb/bath": result(6, 4), "gb/york": PreviousResult(votes={"a": 1, "old": 9}, valid=10)}
    some = LAST.model_copy(update={"results": results})
    found = LastTime(land(some), some).facts(
        "gb", night(land(), bath=figures("bath", 2, 9, 1), york=figures("york", 2, 1, 9))
    )

    assert (("old",), 6, 3_000, None, None) == (
        found.held_by,
        found.margin_then,
        found.margin_then_bp,
        found.turnout_then_bp,
        found.turnout_change_bp,
    )


def test_a_result_that_is_given_goes_before_a_sum() -> None:
    whole = LAST.model_copy(update={"results": {**LAST.results, "gb": result(900, 100)}})

    assert ("a",) == LastTime(land(whole), whole).facts("gb", night(land())).held_by


def test_nobody_held_what_had_no_votes() -> None:
    empty = LAST.model_copy(update={"results": {"gb/bath": result(0, 0)}})
    found = LastTime(land(empty), empty).facts("gb/bath", night(land(), bath=figures("bath", 2, 1, 0)))

    assert ((), None, ()) == (found.held_by, found.margin_then, found.flipped)


def test_without_known_boxes_the_whole_of_then_is_compared() -> None:
    bath = figures("bath", 3, 30, 20)
    bath.boxes_total = 0
    found = LastTime(land(), LAST).facts("gb/bath", night(land(), bath=bath))

    assert 60 == found.swings[0].votes_then


def test_swing_in_a_unit_of_a_second_tree() -> None:
    then = {"n/p/d/w1": result(10, 0), "n/q/prison": result(0, 10)}
    previous = LAST.model_copy(update={"results": then})
    land_of_two = Election(**{**dict(deep()), "previous": (previous,)})
    units = land_of_two.unit_by_id
    held = {name: Figures(units[name], 1, 1, {"a": 5, "b": 5, "c": 0}) for name in then}
    found = LastTime(land_of_two, previous).facts("n/c/1", held.get)

    assert (2, 2, 0) == (found.compared, found.units, found.swings[0].swing_bp)


def test_a_unit_whose_last_result_is_known_as_a_whole_alone_is_compared_once_it_is_complete() -> None:
    whole = LAST.model_copy(update={"results": {"gb": result(90, 110)}})
    look_up = night(land(whole), bath=figures("bath", 2, 45, 55), york=figures("york", 2, 75, 25))
    before = LastTime(land(whole), whole).facts("gb", look_up)
    assert (0, 2, None) == (before.compared, before.units, before.swings[0].swing_bp)

    look_up("gb").claims = Claims(districts=2, complete_districts=2)
    after = LastTime(land(whole), whole).facts("gb", look_up)
    assert (2, 2, Swing("a", ("a",), 90, 30, 4_500, 1_500)) == (after.compared, after.units, after.swings[0])


def test_the_base_is_the_first_that_was_not_annulled() -> None:
    annulled = LAST.model_copy(update={"id": "march", "annulled": True})

    assert LAST == base_of(land(annulled, LAST), "m")
    assert annulled == base_of(land(annulled), "m")
    assert None is base_of(flat("bath"), "m")


def test_istanbul_was_13_729_votes_apart_then_806_415_and_swings_from_the_rerun() -> None:
    """YSK: 24 June 2019 (Sadi Güven), votes and valid ones of the rerun; 13,729 between the two on 31 March."""
    march = Previous(
        id="2019-03",
        contest="m",
        name="31 Mart 2019",
        date=date(2019, 3, 31),
        annulled=True,
        mapping={"a": ("imamoglu",), "b": ("yildirim",)},
        results={"gb": PreviousResult(votes={"imamoglu": 4_169_765, "yildirim": 4_156_036})},
    )
    june = march.model_copy(
        update={
            "id": "2019-06",
            "annulled": False,
            "results": {
                "gb": PreviousResult(
                    cast=8_925_063,
                    valid=8_746_464,
                    invalid=178_599,
                    votes={"imamoglu": 4_741_868, "yildirim": 3_935_453},
                )
            },
        }
    )
    definition = land(march, june)
    apart = [LastTime(definition, one).facts("gb", night(definition)).margin_then for one in definition.previous]

    assert [13_729, 806_415] == apart
    assert june == base_of(definition, "m")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"contest": "x"}, "are of contest 'x', which this election does not have"),
        ({"results": {"gb/hull": result(1, 1)}}, "name the unit 'gb/hull'"),
        ({"mapping": {"z": ("old",)}}, "map 'z', who is on no ballot"),
        ({"mapping": {"b": ("older",)}}, "map 'b' to 'older', who has no votes"),
        ({"mapping": {"b": ("old",), "c": ("old",)}}, "map 'b' and 'c' to 'old'"),
        ({"results": {"gb/bath": result(900, 900)}}, "have 1800 cast of 500 registered"),
    ],
)
def test_results_of_what_is_not_there_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        land(LAST.model_copy(update=changes))


def test_an_id_of_earlier_results_is_there_once() -> None:
    with pytest.raises(DefinitionError, match="id '2022' is there twice"):
        land(LAST, LAST)


@pytest.mark.parametrize(("change", "text"), [(307, "+3,07"), (-5, "-0,05"), (0, "0,00"), (None, "")])
def test_a_change_has_its_sign(change: int | None, text: str) -> None:
    assert text == change_text(change, "tr")


@given(
    st.tuples(*[st.integers(0, 50)] * 4),
    st.tuples(*[st.integers(0, 50)] * 4),
)
def test_over_complete_units_votes_change_by_exactly_the_difference(then: Any, now: Any) -> None:
    results = {"gb/bath": result(*then[:2]), "gb/york": result(*then[2:])}
    previous = LAST.model_copy(update={"results": results})
    units = night(land(), bath=figures("bath", 2, *now[:2]), york=figures("york", 2, *now[2:]))
    found = LastTime(land(previous), previous).facts("gb", units)

    changes = [one.votes_change for one in found.swings[:2]]
    assert [now[0] + now[2] - then[0] - then[2], now[1] + now[3] - then[1] - then[3]] == changes
    expected = {place for place, at in (("gb/bath", 0), ("gb/york", 2)) if _flips(then[at : at + 2], now[at : at + 2])}
    assert expected == {flip.unit for flip in found.flipped}


def _flips(then: tuple[int, int], now: tuple[int, int]) -> bool:
    return (then[0] > then[1] and now[0] < now[1]) or (then[0] < then[1] and now[0] > now[1])


def test_what_one_unit_does_not_say_of_then_stays_unknown_whatever_others_say() -> None:
    results = {"gb/bath": PreviousResult(votes={"a": 1, "old": 9}), "gb/york": result(6, 4)}
    some = LAST.model_copy(update={"results": results})
    last_time = LastTime(land(some), some)
    units = night(land(), bath=figures("bath", 2, 9, 1), york=figures("york", 2, 1, 9))

    first, again = last_time.facts("gb", units), last_time.facts("gb", units)
    assert (None, None) == (first.turnout_change_bp, first.swings[0].swing_bp)
    assert again == first
