from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.amendments import CandidateWithdrawn, amended
from schemas.asides import Override
from schemas.control import (
    Called,
    CallWithdrawn,
    DefinitionAmended,
    EmbargoLifted,
    EmbargoSet,
    Held,
    OverrideWithdrawn,
    QuarantineRejected,
    QuarantineReleased,
    Released,
    Taken,
)
from schemas.definition import Election
from tabulation.orders.confirmations import (
    FigureChange,
    InForce,
    Moved,
    Question,
    changes,
    excesses,
    impossible,
    instead_of,
    lift,
    moved,
    questions,
    unanswered,
)
from tabulation.orders.effects import NO_EMBARGO, Embargo
from tests.builders import NIGHT, small_election
from tests.schemas.orders import Kind, order
from tests.tabulation.nights import CELL, WHERE, on_air, setting

REPORTED: dict[str, Any] = {
    "boxes_opened": 10,
    "registered": 3_000,
    "cast": 2_500,
    "valid": 2_400,
    "invalid": 100,
    "unattributed": 0,
    "votes": {"kurum": 1_000, "imamoglu": 1_400},
}


def withdrawn() -> OverrideWithdrawn:
    found = order(OverrideWithdrawn, **WHERE)
    assert isinstance(found, OverrideWithdrawn)
    return found


def test_a_change_is_what_stood_and_what_will_stand() -> None:
    assert (FigureChange("valid", 2_400, 2_401), FigureChange("votes.kurum", 1_000, 7)) == changes(
        setting(votes__kurum=7, valid=2_401), on_air(**REPORTED)
    )


def test_what_was_set_by_hand_before_is_what_stood() -> None:
    assert (FigureChange("votes.kurum", 5, 7),) == changes(
        setting(votes__kurum=7), on_air({"votes.kurum": 5}, **REPORTED)
    )
    assert (FigureChange("valid", 5, 7), FigureChange("votes.kurum", None, 1)) == changes(
        setting(valid=7, votes__kurum=1), on_air({"valid": 5})
    )


def test_what_is_taken_back_goes_to_what_the_source_says() -> None:
    assert (FigureChange("votes.kurum", 5, 1_000),) == changes(withdrawn(), on_air({"votes.kurum": 5}, **REPORTED))
    assert (FigureChange("votes.kurum", 5, None),) == changes(withdrawn(), on_air({"votes.kurum": 5}))
    assert () == changes(withdrawn(), on_air(**REPORTED))


def test_a_change_is_told_in_a_line() -> None:
    assert "votes.kurum: 11,360 → 1,136" == str(FigureChange("votes.kurum", 11_360, 1_136))
    assert "valid: nothing → 7" == str(FigureChange("valid", None, 7))


@pytest.mark.parametrize(
    "figures",
    [{"votes__kurum": 100_000_000_000}, {"valid": 1_000_000_001}, {"boxes_opened": 100_001}],
)
def test_what_no_district_can_have_is_refused(figures: dict[str, int]) -> None:
    assert "is more than any district can have" in str(impossible(setting(**figures)))
    assert impossible(setting(valid=1_000_000_000, boxes_opened=100_000)) is None


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"boxes_opened": 21}, "boxes_opened is 21, and the district's boxes 20"),
        ({"registered": 6_001}, "registered is 6,001, and the district's roll 6,000"),
        ({"cast": 6_001, "registered": 6_001}, "cast is 6,001, and the district's roll 6,000"),
        ({"cast": 3_001}, "cast is 3,001, and registered 3,000"),
        ({"registered": 2_499}, "cast is 2,500, and registered 2,499"),
        ({"valid": 2_501}, "valid is 2,501, and cast 2,500"),
        ({"invalid": 101}, "valid + invalid is 2,501, and cast 2,500"),
        ({"cast": 2_450}, "valid + invalid is 2,500, and cast 2,450"),
        ({"votes__kurum": 1_001}, "the sum of votes and unattributed is 2,401, and valid 2,400"),
        ({"unattributed": 1}, "the sum of votes and unattributed is 2,401, and valid 2,400"),
        ({"valid": 2_399}, "the sum of votes and unattributed is 2,400, and valid 2,399"),
        ({"boxes_opened": 0}, "valid is 2,400, and the boxes opened 0"),
    ],
)
def test_what_cannot_be_true_afterwards_is_named(figures: dict[str, int], says: str) -> None:
    assert says in excesses(setting(**figures), on_air(**REPORTED))


def test_figures_that_agree_with_those_that_stand_are_no_excess() -> None:
    assert () == excesses(setting(votes__kurum=1_001, valid=2_401, cast=2_501), on_air(**REPORTED))
    assert () == excesses(setting(votes__kurum=0), on_air(**REPORTED))
    assert () == excesses(setting(valid=2_401), on_air({"cast": 2_501}, **REPORTED)), "it goes with what is set by hand"


def test_votes_of_a_cell_that_has_no_valid_ones_make_no_sense_alone() -> None:
    """Where the source has reported nothing yet, too."""
    assert 2 == len(excesses(setting(votes__kurum=7), on_air()))
    alone = setting(votes__kurum=7, valid=7, cast=7, registered=7, boxes_opened=1)
    assert () == excesses(alone, on_air())


def test_what_the_source_contradicts_by_itself_is_not_this_orders_doing() -> None:
    said = REPORTED | {"cast": 3_500}
    assert () == excesses(setting(votes__kurum=999), on_air(**said))
    assert 1 == len(excesses(setting(registered=3_400), on_air(**said)))


def test_without_a_known_roll_nothing_exceeds_it() -> None:
    units = [unit.model_copy(update={"registered": None}) for unit in small_election().units]
    definition = Election(**(small_election().model_dump() | {"units": tuple(units)}))
    assert () == excesses(setting(registered=60_000), on_air(definition=definition, **REPORTED))


FIGURES = st.dictionaries(
    st.sampled_from(["boxes_opened", "registered", "cast", "valid", "invalid", "unattributed", "votes.kurum"]),
    st.integers(0, 40),
    min_size=1,
)


@given(FIGURES, FIGURES, st.none() | FIGURES)
def test_an_excess_is_there_where_the_oracle_finds_one_that_the_order_touches(
    said: dict[str, int], figures: dict[str, int], by_hand: dict[str, int] | None
) -> None:
    votes = {"kurum": said.pop("votes.kurum", 0)}
    fold = on_air(by_hand, votes, None, **said)
    found = order_of(figures)
    after = {"votes.kurum": votes["kurum"], **said, **(by_hand or {}), **figures}
    expected = contradicts(after, set(figures))
    assert expected == bool(excesses(found, fold))


def order_of(figures: dict[str, int]) -> Any:
    return setting(**{name.replace(".", "__"): count for name, count in figures.items()})


def contradicts(after: dict[str, int], touched: set[str]) -> bool:
    """Whether any quantity is more than one that it cannot exceed, where the order sets a part of either."""

    def at(*names: str) -> int:
        return sum(after.get(name, 0) for name in names)

    pairs: list[tuple[int, int, set[str]]] = [
        (at("boxes_opened"), 20, {"boxes_opened"}),
        (at("registered"), 6_000, {"registered"}),
        (at("cast"), at("registered"), {"cast", "registered"}),
        (at("valid"), at("cast"), {"valid", "cast"}),
        (at("votes.kurum", "unattributed"), at("valid"), {"votes.kurum", "unattributed", "valid"}),
    ]
    if at("valid") <= at("cast"):
        pairs.append((at("valid", "invalid"), at("cast"), {"valid", "invalid", "cast"}))
    if not at("boxes_opened"):
        counted = ("registered", "cast", "valid", "unattributed", "votes.kurum")
        pairs += [(at(name), 0, {name, "boxes_opened"}) for name in counted[:3]]
        pairs.append((at(*counted[3:]), 0, {"boxes_opened", *counted[3:]}))
    return any(smaller > larger and parts & touched for smaller, larger, parts in pairs)


def test_what_the_source_says_at_an_order_is_0_where_it_has_said_nothing() -> None:
    assert {"valid": 2_400, "votes.kurum": 1_000} == instead_of(setting(votes__kurum=7, valid=1), on_air(**REPORTED))
    assert {"votes.kurum": 1_000} == instead_of(setting(votes__kurum=7), on_air({"votes.kurum": 5}, **REPORTED))
    assert {"valid": 0, "votes.kurum": 0} == instead_of(setting(votes__kurum=7, valid=1), on_air())


def test_a_figure_has_moved_where_its_source_says_something_else_than_at_the_order() -> None:
    fold = on_air(**REPORTED)
    by_hand = {"valid": 7, "votes.kurum": 7}
    for number, own in enumerate([{"valid": 2_400, "votes.kurum": 900}, {}]):
        override = Override(**CELL._asdict(), override=number, at=NIGHT, figures=by_hand, instead_of=own)
        fold.fold_override(override)
        assert ((Moved(CELL, "votes.kurum", 900, 1_000),) if own else ()) == moved(fold)
    unheard = on_air()
    unheard.fold_override(
        Override(**CELL._asdict(), override=1, at=NIGHT, figures={"valid": 7}, instead_of={"valid": 0})
    )
    assert () == moved(unheard)


CALLED_IN: dict[str, Any] = {"contest": "mayor", "unit": "tr/34"}


def standing(**fields: Any) -> InForce:
    return replace(InForce(NIGHT, NO_EMBARGO, on_air(boxes_opened=1)), **fields)


def codes(given_order: Any, mode: Any = "live", **fields: Any) -> list[str]:
    return [question.code for question in questions(given_order, standing(**fields), mode)]


def call(candidate: str, **fields: Any) -> Any:
    return order(Called, **(CALLED_IN | {"candidate": candidate} | fields))


def test_a_live_run_asks_before_more_is_shown_and_a_rehearsal_does_not() -> None:
    assert ["lift"] == codes(order(EmbargoLifted))
    assert [] == codes(order(EmbargoSet))
    for mode in ("test", "replay"):
        assert [] == codes(order(EmbargoLifted), mode)


def test_a_live_run_asks_before_its_definition_is_amended() -> None:
    """What is amended cannot be taken back, and everyone's connection is made anew."""
    changes = (CandidateWithdrawn(kind="candidate_withdrawn", contest="mayor", candidate="kurum"),)
    amending = order(DefinitionAmended, version=2, amends="0" * 32, yields="1" * 32, changes=changes)
    assert ["amendment"] == codes(amending)
    assert [] == codes(amending, "test")


def test_so_it_does_before_nobody_is_left_on_a_ballot() -> None:
    election = small_election()
    changes = tuple(
        CandidateWithdrawn(kind="candidate_withdrawn", contest="mayor", candidate=one.id)
        for one in election.contest_by_id["mayor"].candidates
    )
    after = amended(election, changes)
    amending = order(DefinitionAmended, version=2, amends=election.digest, yields=after.digest, changes=changes)
    said = questions(amending, standing(), "live")
    assert ["amendment", "amendment"] == [one.code for one in said]
    assert said[1].sentence.startswith("Everybody on the ballot of 'mayor' has withdrawn")


@pytest.mark.parametrize("mode", ["live", "test", "replay"])
def test_every_run_asks_about_figures_that_cannot_be_true(mode: Any) -> None:
    assert ["limits"] == codes(setting(valid=1), mode)
    assert [] == codes(setting(valid=0), mode)


def test_an_order_may_be_asked_about_for_more_than_one_reason() -> None:
    assert ["lift", "limits"] == codes(setting(valid=1), on_air=on_air({"valid": 0}, boxes_opened=1))


def test_a_call_that_replaces_another_candidates_is_asked_about() -> None:
    assert ["call"] == codes(call("kurum"), calls=[call("imamoglu")])
    for other in (call("kurum"), call("imamoglu", unit="tr"), call("imamoglu", contest="council")):
        assert [] == codes(call("kurum"), calls=[other])


def test_a_call_against_a_lead_that_cannot_be_overtaken_is_asked_about() -> None:
    (found,) = questions(call("kurum"), standing(beyond={"aa": "imamoglu", "anka": "kurum"}), "live")
    assert "By aa imamoglu leads there and cannot be overtaken." == found.sentence
    assert [] == codes(call("kurum"), mode="test", beyond={"aa": "imamoglu"})


def test_what_is_confirmed_is_a_sentence_or_whatever_its_code_says() -> None:
    first, second = Question("lift", "It lifts the embargo."), Question("limits", "valid is 2, and cast 1")
    assert () == unanswered([first, second], ["lift", "limits"])
    assert () == unanswered([first, second], [first.token, second.token])
    assert (second,) == unanswered([first, second], ["lift", "limits.000000000000"])
    assert (first, second) == unanswered([first, second], ["", "call"])


def test_what_was_confirmed_of_another_state_confirms_nothing() -> None:
    """The embargo that stood when somebody looked is another one by the time that they say yes."""
    shorter = order(EmbargoSet, until=NIGHT.replace(hour=20))
    (seen,) = questions(shorter, standing(embargo=Embargo(NIGHT.replace(hour=21))), "live")
    found = questions(shorter, standing(embargo=Embargo()), "live")
    assert found == unanswered(found, [seen.token])


HOUR = timedelta(hours=1)
USKUDAR = {"contest": "mayor", "unit": "tr/34/uskudar"}
POSITION = {"position": "sandik.n.tallies/3/1812"}


def sentence(kind: Kind, embargo: Embargo = NO_EMBARGO, **fields: Any) -> str | None:
    return lift(order(kind, **fields), embargo, on_air(), NIGHT)


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        (EmbargoLifted, {}, "It lifts the embargo: everyone sees all figures"),
        (Released, USKUDAR, "It releases mayor in tr/34/uskudar"),
        (Released, {"contest": "mayor"}, "It releases mayor everywhere"),
        (Taken, USKUDAR, "It takes mayor in tr/34/uskudar"),
        (OverrideWithdrawn, WHERE, "It takes back what is set by hand in mayor in tr/34/uskudar by aa"),
        (QuarantineReleased, POSITION, "It lets out the record from sandik.n.tallies/3/1812"),
    ],
)
def test_an_order_that_is_for_showing_more_is_a_lift_whatever_stands(
    kind: Kind, fields: dict[str, Any], says: str
) -> None:
    assert says in str(sentence(kind, **fields))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (EmbargoSet, {}),
        (EmbargoSet, {"until": NIGHT + HOUR}),
        (Held, USKUDAR),
        (QuarantineRejected, POSITION),
        (Called, USKUDAR | {"candidate": "kurum"}),
        (CallWithdrawn, USKUDAR),
    ],
)
def test_what_shows_no_more_is_no_lift(kind: Kind, fields: dict[str, Any]) -> None:
    assert sentence(kind, **fields) is None


@pytest.mark.parametrize("until", [NIGHT, NIGHT - HOUR])
@pytest.mark.parametrize("embargo", [NO_EMBARGO, Embargo(), Embargo(NIGHT + HOUR), Embargo(NIGHT - HOUR)])
def test_an_embargo_that_is_over_when_it_is_set_is_a_lift(until: Any, embargo: Embargo) -> None:
    assert "which is over: no embargo is left" in str(sentence(EmbargoSet, embargo, until=until))


@pytest.mark.parametrize(
    ("stands", "says"),
    [(Embargo(), "until an operator lifts it"), (Embargo(NIGHT + 2 * HOUR), "until 2024-03-31 21:00:00+03:00")],
)
def test_an_embargo_that_ends_earlier_than_the_one_that_stands_is_a_lift(stands: Embargo, says: str) -> None:
    found = str(sentence(EmbargoSet, stands, until=NIGHT + HOUR))
    assert "earlier than the embargo that stands" in found
    assert says in found


@pytest.mark.parametrize("until", [None, NIGHT + HOUR, NIGHT + 2 * HOUR])
def test_an_embargo_that_ends_no_earlier_is_none(until: Any) -> None:
    assert sentence(EmbargoSet, Embargo(NIGHT + HOUR), until=until) is None
    assert sentence(EmbargoSet, Embargo(NIGHT - HOUR), until=until) is None
    assert sentence(EmbargoSet, Embargo(lifted=True), until=until) is None


UNTIL = st.none() | st.integers(-2, 4).map(lambda hours: NIGHT + hours * HOUR)


@given(st.builds(Embargo, UNTIL, st.booleans()), UNTIL)
def test_an_embargo_that_is_no_lift_lets_nobody_see_more_at_any_moment(stands: Embargo, until: Any) -> None:
    """The oracle looks at every hour from now on."""
    found = sentence(EmbargoSet, stands, until=until)
    hours = [NIGHT + hour * HOUR for hour in range(8)]
    shows_more = any(stands.is_in_force(hour) and not Embargo(until).is_in_force(hour) for hour in hours)
    assert found is not None or not shows_more


def test_figures_that_replace_others_set_by_hand_are_a_lift() -> None:
    stands = on_air({"votes.kurum": 5, "valid": 9}, boxes_opened=1)
    found = lift(setting(votes__kurum=7, cast=3), NO_EMBARGO, stands, NIGHT)
    assert "It replaces what was set by hand in mayor in tr/34/uskudar by aa: votes.kurum=5." == found
    assert lift(setting(cast=3), NO_EMBARGO, stands, NIGHT) is None


def test_figures_where_nothing_was_reported_are_a_lift() -> None:
    assert "Nothing was reported" in str(lift(setting(cast=3), NO_EMBARGO, on_air(), NIGHT))
    assert "Nothing was reported" in str(lift(setting(cast=3), NO_EMBARGO, on_air({}), NIGHT))
    assert lift(setting(cast=3), NO_EMBARGO, on_air({"valid": 9}), NIGHT) is None
    assert lift(setting(cast=3), NO_EMBARGO, on_air(boxes_opened=1), NIGHT) is None
