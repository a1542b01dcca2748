"""What the public is kept from, whoever can or cannot be seen to have ordered it."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.control import (
    Called,
    CallWithdrawn,
    EmbargoLifted,
    EmbargoSet,
    FigureOverridden,
    Held,
    OverrideWithdrawn,
    Released,
    Taken,
)
from schemas.trust import Verdict
from tabulation.orders.effects import (
    MAX_EMBARGOES,
    MAX_NAMED,
    NO_EMBARGO,
    Embargo,
    Restrictions,
    complaint,
    longest,
)
from tests.builders import NIGHT, small_election
from tests.schemas.orders import Kind, order

LATER = NIGHT + timedelta(hours=2)
IN_ISTANBUL = {"contest": "mayor", "unit": "tr/34"}
USKUDAR = {"contest": "mayor", "unit": "tr/34/uskudar"}
Step = tuple[bool, Kind, dict[str, Any]]


def folded(*steps: Step, definition: Any = None) -> Restrictions:
    """What comes of these orders, each verified or kept."""
    restrictions = Restrictions(definition or small_election())
    for offset, (verified, kind, fields) in enumerate(steps):
        given_order = order(kind, **fields)
        restrictions.fold(Verdict(offset, given_order, None, None if verified else "unknown", kept=not verified))
    return restrictions


def offsets(restrictions: Restrictions, moment: Any = NIGHT) -> list[int]:
    return [verdict.offset for verdict in restrictions.unverified(moment)]


def test_an_embargo_that_cannot_be_verified_stands_until_one_that_can_takes_its_place() -> None:
    kept: Step = (False, EmbargoSet, {})
    assert (Embargo(), [0]) == (folded(kept).embargo, offsets(folded(kept)))
    lifted = folded(kept, (True, EmbargoLifted, {}))
    assert (False, []) == (lifted.embargo.is_in_force(NIGHT), offsets(lifted))
    shorter = folded(kept, (True, EmbargoSet, {"until": LATER}))
    assert (Embargo(LATER), []) == (shorter.embargo, offsets(shorter))


def test_an_embargo_that_cannot_be_verified_shortens_none_that_can() -> None:
    for until in (NIGHT - timedelta(hours=1), NIGHT + timedelta(hours=1)):
        found = folded((True, EmbargoSet, {"until": LATER}), (False, EmbargoSet, {"until": until}))
        assert (Embargo(LATER), []) == (found.embargo, offsets(found))
    longer = folded((True, EmbargoSet, {"until": LATER}), (False, EmbargoSet, {}))
    assert (Embargo(), [1]) == (longer.embargo, offsets(longer))


def test_an_embargo_of_the_definition_is_not_shortened_either() -> None:
    definition = small_election().model_copy(update={"embargo_until": LATER})
    assert Embargo(LATER) == folded((False, EmbargoSet, {"until": NIGHT}), definition=definition).embargo


def test_an_embargo_that_is_over_is_no_complaint() -> None:
    found = folded((False, EmbargoSet, {"until": LATER}))
    assert ([0], []) == (offsets(found), offsets(found, LATER))


def test_a_hold_that_cannot_be_verified_stands_until_all_of_it_is_released_or_held_by_one_who_can() -> None:
    kept: Step = (False, Held, IN_ISTANBUL)
    assert [0] == offsets(folded(kept))
    districts = [unit for unit in small_election().districts_below["tr/34"] if unit != "tr/34/uskudar"]
    part = [(True, Released, USKUDAR)]
    rest = [(True, Held, {"contest": "mayor", "unit": district}) for district in districts]
    assert [0] == offsets(folded(kept, *part))
    assert [] == offsets(folded(kept, *part, *rest))
    assert [] == offsets(folded(kept, (True, Released, {"contest": "mayor"})))
    assert [0] == offsets(folded(kept, (True, Released, {"contest": "council"}), (True, Taken, IN_ISTANBUL)))


def test_a_call_that_somebody_unknown_withdrew_is_withdrawn_until_it_is_made_again() -> None:
    call: Step = (True, Called, USKUDAR | {"candidate": "kurum"})
    withdrawn: Step = (False, CallWithdrawn, USKUDAR)
    assert [] == offsets(folded(withdrawn)), "there was none to withdraw"
    assert [1] == offsets(folded(call, withdrawn))
    assert [] == offsets(folded(call, withdrawn, call))
    assert [] == offsets(folded(call, (True, CallWithdrawn, USKUDAR), withdrawn))
    assert [] == offsets(folded(call, withdrawn, (True, CallWithdrawn, USKUDAR)))


def test_what_has_no_effect_restricts_nothing() -> None:
    restrictions = Restrictions(small_election())
    restrictions.fold(Verdict(0, None, refusal="it is no JSON object with a type"))
    restrictions.fold(Verdict(1, order(EmbargoSet), None, "it was given for another run"))
    restrictions.fold(Verdict(2, order(OverrideWithdrawn, source="aa", **USKUDAR), None, "unknown", kept=True))
    assert (NO_EMBARGO, []) == (restrictions.embargo, offsets(restrictions))


def test_of_thousands_of_forged_embargoes_the_last_to_end_are_listed() -> None:
    untils = [NIGHT + timedelta(minutes=1 + minutes * 7 % 100) for minutes in range(100)]
    found = folded(*[(False, EmbargoSet, {"until": until}) for until in untils])
    assert (MAX_EMBARGOES, Embargo(max(untils))) == (len(offsets(found)), found.embargo)


STEPS = st.tuples(
    st.booleans(),
    st.sampled_from([EmbargoSet, EmbargoLifted]),
    st.sampled_from([{}, {"until": NIGHT}, {"until": LATER}, {"until": LATER + timedelta(hours=1)}]),
)


@given(st.lists(STEPS), st.sampled_from([NIGHT - timedelta(minutes=1), NIGHT, LATER, LATER + timedelta(hours=2)]))
def test_whoever_cannot_be_verified_never_lets_out_what_is_kept_back(steps: list[Step], moment: Any) -> None:
    """The oracle: without the orders that cannot be verified the embargo is no longer than with them."""
    steps = [(verified, kind, {} if kind is EmbargoLifted else fields) for verified, kind, fields in steps]
    with_all = folded(*steps)
    verified = folded(*[step for step in steps if step[0]])
    if verified.embargo.is_in_force(moment):
        assert with_all.embargo.is_in_force(moment)
    if with_all.embargo.is_in_force(moment) and not verified.embargo.is_in_force(moment):
        assert offsets(with_all, moment)


def test_a_complaint_names_each_order_and_says_what_to_do() -> None:
    found = folded((False, EmbargoSet, {}), (False, Held, USKUDAR | {"by": "B. Deniz"}))
    sentence = complaint(found.unverified(NIGHT)) or ""
    assert "embargo_set at control offset 0, by Ayşe; held at control offset 1, by B. Deniz" in sentence
    for remedy in ("--operator-key FILE", "FILE@UNTIL", "lift, release"):
        assert remedy in sentence
    assert complaint([Verdict(0, None, refusal="junk")]) is None


def test_figures_by_hand_that_cannot_be_verified_are_missed_until_somebody_trusted_settles_them() -> None:
    """The oldest of a district is named; of another district it says nothing."""
    cell = {"contest": "mayor", "source": "aa", "unit": "tr/34/uskudar"}
    by_hand = order(FigureOverridden, **cell, figures={"boxes_opened": 7})
    trusted = order(OverrideWithdrawn, **cell)
    elsewhere = order(OverrideWithdrawn, **cell | {"unit": "tr/34/adalar"})
    restrictions = Restrictions(small_election())
    for offset in (3, 4):
        restrictions.fold(Verdict(offset, by_hand, None, "unknown", missed=True))
    restrictions.fold(Verdict(5, elsewhere))
    assert [3] == offsets(restrictions)
    sentence = complaint(restrictions.unverified(NIGHT)) or ""
    assert (
        "are not set, and the source's own may show: figure_overridden at control offset 3, by Ayşe. Give" in sentence
    )
    assert "are kept" not in sentence
    restrictions.fold(Verdict(6, trusted))
    assert [] == offsets(restrictions)


def test_a_complaint_about_hundreds_of_orders_names_a_few() -> None:
    units = [unit.id for unit in small_election().units]
    holds = [order(Held, contest=contest, unit=unit) for contest in ("mayor", "district_mayor") for unit in units]
    restrictions = Restrictions(small_election())
    for offset, hold in enumerate(holds):
        restrictions.fold(Verdict(offset, hold, None, "unknown", kept=True))
    sentence = complaint(restrictions.unverified(NIGHT)) or ""
    assert f"held at control offset 7, by Ayşe; {len(holds) - MAX_NAMED} more. Give" in sentence


EMBARGOES = st.builds(
    Embargo, st.none() | st.integers(0, 3).map(lambda hours: NIGHT + timedelta(hours=hours)), st.booleans()
)
MOMENTS = st.integers(0, 8).map(lambda halves: NIGHT + timedelta(minutes=30 * halves))


@given(EMBARGOES, st.lists(EMBARGOES), MOMENTS)
def test_the_longest_of_embargoes_is_in_force_while_any_of_them_is(
    first: Embargo, others: list[Embargo], moment: object
) -> None:
    expected = any(one.is_in_force(moment) for one in (first, *others))  # type: ignore[arg-type]  # Hypothesis's
    assert expected == longest(first, others).is_in_force(moment)  # type: ignore[arg-type]  # Hypothesis's


def test_of_embargoes_that_end_at_the_same_time_the_first_stands() -> None:
    first, second = Embargo(NIGHT), Embargo(NIGHT)
    assert longest(first, [second]) is first
    assert longest(NO_EMBARGO, []) is NO_EMBARGO
