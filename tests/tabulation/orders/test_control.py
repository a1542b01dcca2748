from dataclasses import replace
from datetime import timedelta
from typing import Any

from eventlog.run import Run
from eventlog.topics import RunTopics
from schemas.control import Called, CallWithdrawn, EmbargoLifted, EmbargoSet, EpochBegun, Held
from schemas.progress import Mark
from tabulation.orders.control import Control
from tabulation.orders.embargo import NO_EMBARGO, Embargo
from tests.gateway.nights import START, Written, election
from tests.schemas.orders import Kind, new_seal, written
from tests.tabulation.on_air.test_replay_clock import moved

RUN = Run(RunTopics("night"), "live", "e1e1", election())
LIFT = START + timedelta(hours=2)
SEAL = new_seal()


def obey(control: Control, kind: Kind, **fields: object) -> None:
    value = written(kind, SEAL, **fields)
    control.fold(Written(control.position, value))


def test_the_embargo_is_what_the_last_order_says() -> None:
    control = Control(RUN, [SEAL.public])
    assert control.embargo == NO_EMBARGO
    obey(control, EmbargoSet, until=LIFT)
    assert control.embargo == Embargo(LIFT)
    obey(control, EmbargoLifted)
    assert control.embargo == Embargo(LIFT, lifted=True)
    assert not control.embargo.is_in_force(START)
    obey(control, EmbargoSet)
    assert control.embargo == Embargo()
    assert control.embargo.is_in_force(LIFT)


def test_a_definition_may_begin_with_an_embargo() -> None:
    definition = election().model_copy(update={"embargo_until": LIFT})
    control = Control(replace(RUN, definition=definition), [SEAL.public])
    assert control.embargo == Embargo(LIFT)
    obey(control, EmbargoLifted)
    assert not control.embargo.is_in_force(START)


def test_calls_stand_until_they_are_replaced_or_withdrawn() -> None:
    control = Control(RUN, [SEAL.public])
    obey(control, Called, contest="mayor", unit="tr/34", candidate="kurum")
    obey(control, Called, contest="mayor", unit="tr/06", candidate="kurum")
    obey(control, Called, contest="mayor", unit="tr/34", candidate="imamoglu")
    assert [(call.unit, call.candidate) for call in control.calls] == [("tr/06", "kurum"), ("tr/34", "imamoglu")]
    obey(control, CallWithdrawn, contest="mayor", unit="tr/34")
    obey(control, CallWithdrawn, contest="mayor", unit="tr/34")
    assert [call.unit for call in control.calls] == ["tr/06"]


def test_a_restriction_that_cannot_be_verified_is_kept_until_a_trusted_operator_says_otherwise() -> None:
    """Whichever keys a gateway is started with, it keeps back what an operator has kept back."""
    for keys in ([SEAL.public], []):
        control = Control(RUN, keys)
        control.fold(Written(control.position, written(EmbargoSet, new_seal())))
        control.fold(Written(control.position, written(EmbargoLifted, new_seal())))
        assert (control.kept, control.refused, control.embargo) == (1, 1, Embargo())
        assert [verdict.offset for verdict in control.unverified(START)] == [0]
        obey(control, EmbargoLifted)
        assert control.embargo.is_in_force(START) == (not keys)


def test_a_call_that_somebody_unknown_took_back_is_not_shown() -> None:
    control = Control(RUN, [SEAL.public])
    obey(control, Called, contest="mayor", unit="tr/34", candidate="kurum")
    control.fold(Written(control.position, written(CallWithdrawn, new_seal(), contest="mayor", unit="tr/34")))
    assert ((), 1) == (control.calls, len(control.unverified(START)))


def test_what_does_not_count_is_counted_and_changes_nothing() -> None:
    control = Control(RUN, [SEAL.public])
    for value in (written(EmbargoSet), written(EmbargoLifted, new_seal()), b"junk", None):
        verdict = control.fold(Written(control.position, value))
        assert verdict is not None
        assert not verdict.counts
    assert (control.refused, control.accepted, control.embargo) == (4, {}, NO_EMBARGO)


def test_a_record_that_creates_the_run_is_no_order_and_a_hold_is_for_others() -> None:
    control = Control(RUN, [SEAL.public])
    assert control.fold(Written(0, b'{"type":"run_created"}')) is None
    obey(control, Held, contest="mayor")
    assert (control.accepted, control.position) == ({"held": 1}, 2)


def test_what_would_become_of_an_order_is_known_before_it_is_given() -> None:
    control = Control(RUN, [SEAL.public])
    value = written(EmbargoLifted, SEAL)
    considered = control.consider(value, 0)

    assert (0, {}) == (control.position, control.accepted)
    assert considered == control.fold(Written(0, value))
    again = control.consider(value, 0)
    assert again is not None
    assert not again.counts


def test_a_replay_is_followed_and_its_take_ends_with_the_next() -> None:
    replay = Control(replace(RUN, mode="replay"), [SEAL.public])
    live = Control(RUN, [SEAL.public])
    take: dict[str, Any] = {"run": RUN.name, "epoch": "e2e2", "at": START}
    for offset, (value, ended) in enumerate(
        [
            (moved(run=RUN.name).encode(), False),
            (EpochBegun(**take, take=2).encode(), False),
            (EpochBegun(**take | {"run": "other"}, take=1).encode(), False),
            (EpochBegun(**take, take=1).encode(), True),
        ]
    ):
        assert replay.fold(Written(offset, value)) is None
        assert live.fold(Written(offset, value)) is None
        assert (ended, False) == (replay.take_ended, live.take_ended)
    for clock in (replay.clock, live.clock):
        for partition in range(RUN.topics.partitions):
            clock.mark(Mark(partition=partition, mark=0))
    assert (True, False) == (replay.clock.at(START) is not None, live.clock.at(START) is not None)


def test_a_record_that_was_folded_is_a_no_op() -> None:
    control = Control(RUN, [SEAL.public])
    lifted = Written(0, written(EmbargoLifted, SEAL))
    control.fold(lifted)
    assert control.fold(lifted) is None
    assert (control.refused, control.accepted) == (0, {"embargo_lifted": 1})
