"""Columns of what has changed since the last time: there for every row of an election that has earlier results."""

from schemas.definition import Contest, Election
from tabulation.derived.columns import Columns, Shape
from tabulation.figures import UnitFigures
from tabulation.view import View
from tests.shapes import CANDIDATES, flat
from tests.tabulation.derived.test_swing import LAST, land
from tests.tabulation.test_trees import record

SHAPE = Shape(2, "en", ("a", "b", "c"))


def row(definition: Election, view: View, unit: str, contest: str = "m") -> dict[str, object]:
    """The columns of a unit, by the figures of source aa."""

    def find(one: str) -> UnitFigures | None:
        return view.figures(contest, "aa", one)

    return dict(Columns(definition).row(contest, definition.unit_by_id[unit], find(unit), SHAPE, find))


def test_a_row_says_what_has_changed_and_since_which_contest() -> None:
    definition = land()
    view = View(definition)
    view.apply(0, record("gb/bath", 1, 2, {"a": 45, "b": 55, "c": 0}))
    found = row(definition, view, "gb/bath")

    assert ("2022", "2022", "a", "A", "gain", 1, 1) == tuple(
        found[name]
        for name in ("previous", "previous_name", "held_by", "held_by_name", "outcome", "compared", "flipped")
    )
    assert ("b", "+15.00", 15) == (found["1_id"], found["1_swing_text"], found["1_votes_change"])
    assert (-15.0, "-15.00", 0.0) == (found["a_swing"], found["a_swing_text"], found["c_swing"])
    assert "" != found["turnout_change_text"]


def test_the_columns_are_there_before_the_first_box_and_for_a_contest_without_a_last_time() -> None:
    base = land()
    other = Contest(id="other", name="O", candidates=CANDIDATES)
    definition = Election(**{**dict(base), "contests": (*base.contests, other)})
    view = View(definition)

    waiting, beside = row(definition, view, "gb"), row(definition, view, "gb", "other")
    assert waiting.keys() == beside.keys()
    assert ("2022", "old", "", 0, "") == tuple(
        waiting[name] for name in ("previous", "held_by", "outcome", "flipped", "1_swing_text")
    )
    assert ("", "", "", "", 0, 0, 0.0) == tuple(
        beside[name]
        for name in (
            "previous",
            "previous_name",
            "held_by",
            "held_by_name",
            "compared",
            "flipped",
            "turnout_change",
        )
    )


def test_an_election_without_earlier_results_has_no_such_columns() -> None:
    found = row(flat("bath"), View(flat("bath")), "gb")

    assert not {"previous", "held_by", "1_swing"} & found.keys()
    assert "Country" == found["level_name"]


def test_a_tie_of_then_is_held_by_nobody_alone() -> None:
    even = LAST.model_copy(
        update={"results": {"gb/bath": LAST.results["gb/bath"].model_copy(update={"votes": {"a": 1, "old": 1}})}}
    )
    definition = land(even)

    assert "" == row(definition, View(definition), "gb/bath")["held_by"]
