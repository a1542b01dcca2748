from typing import Any

from eventlog.run import Run
from eventlog.topics import RunTopics
from schemas.control import Called, EmbargoLifted, EmbargoSet
from tabulation.derived.in_force import in_force_for
from tabulation.orders.control import Control
from tabulation.orders.restrictions import Embargo
from tabulation.view.program import Program
from tests.builders import NIGHT, small_election
from tests.gateway.nights import Written
from tests.schemas.orders import EPOCH, RUN, order, written
from tests.tabulation.nights import CELL, said

ELECTION = small_election()
WHERE: dict[str, Any] = {"contest": "mayor", "unit": CELL.district}


def test_a_call_comes_upon_who_is_called_and_who_cannot_be_overtaken_by_each_source() -> None:
    program, control = Program(ELECTION), Control(Run(RunTopics(RUN), "test", EPOCH, ELECTION))
    everything = said(
        votes={"imamoglu": 4_000, "kurum": 1_000}, boxes_opened=20, registered=6_000, cast=5_000, valid=5_000
    )
    program.fold(Written(0, everything.encode(), key=CELL.key()))
    control.fold(Written(0, written(Called, candidate="kurum", **WHERE)))
    control.fold(Written(1, written(EmbargoSet)))

    found = in_force_for(order(Called, candidate="kurum", **WHERE), program, control, NIGHT)
    assert ({"aa": "imamoglu"}, Embargo(), NIGHT) == (found.beyond, found.embargo, found.now)
    assert ["kurum"] == [call.candidate for call in found.calls]
    assert everything == found.on_air.truth(CELL)
    assert {} == in_force_for(order(EmbargoLifted), program, control, NIGHT).beyond
    elsewhere = order(Called, contest="mayor", unit="tr/41/gebze", candidate="kurum")
    assert {} == in_force_for(elsewhere, program, control, NIGHT).beyond


def test_while_boxes_are_out_that_can_change_it_nobody_is_beyond_reach() -> None:
    program, control = Program(ELECTION), Control(Run(RunTopics(RUN), "test", EPOCH, ELECTION))
    half = said(votes={"imamoglu": 2_000, "kurum": 500}, boxes_opened=10, registered=3_000, cast=2_500, valid=2_500)
    program.fold(Written(0, half.encode(), key=CELL.key()))
    assert {} == in_force_for(order(Called, candidate="kurum", **WHERE), program, control, NIGHT).beyond
