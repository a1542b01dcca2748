import orjson

from eventlog.run import Run, RunTopics
from gateway.run_state import RunState
from schemas.control import Held
from schemas.definition import Election
from schemas.progress import PartitionProgress
from tabulation.derived.feeds import FeedLimits
from tabulation.orders.effects import NO_EMBARGO
from tests.gateway.nights import START, Written, election, totals
from tests.schemas.orders import new_signer, written

SIGNER = new_signer()


def run_state() -> RunState:
    return RunState(Run(RunTopics("night"), "live", "9f2c", election()), "9f2c", (SIGNER.public,))


def test_the_public_follows_what_is_on_air_and_the_control_room_all_there_is() -> None:
    found = run_state()

    assert (found.hub, found.program.view) == (found.hub_for("public"), found.view_for("public"))
    assert (found.live_hub, found.program.live) == (found.hub_for("control_room"), found.view_for("control_room"))
    assert (found.view, found.hubs) == (found.program.live, (found.hub, found.live_hub))


def test_a_definition_is_encoded_once() -> None:
    found = run_state()

    assert found.definition_json(1) is found.definition_json(1)
    assert election() == Election.model_validate_json(found.definition_json(1))


def test_a_record_of_totals_moves_the_view_and_one_that_cannot_be_read_is_skipped() -> None:
    found = run_state()
    found.fold(Written(0, totals().encode()))
    found.fold(Written(1, b"garbage"))
    found.fold(Written(2, PartitionProgress(partition=0, mark=1).encode(), key=b"mark:0"))
    found.fold(Written(3, b"garbage", key=b"mark:0"))

    assert 4 == found.view.seq
    assert 1 == sum(
        row.boxes_opened for row in found.view.rows(contest="mayor", source="aa", units=None) if row.unit == "tr"
    )


def test_an_order_is_folded_and_what_is_no_order_is_skipped() -> None:
    found = run_state()
    verdict = found.fold_control(Written(0, written(Held, SIGNER, epoch="9f2c", contest="mayor")))
    broken = found.fold_control(Written(1, b"garbage"))
    nothing = found.fold_control(Written(2, b'{"type":"replay_moved"}'))

    assert verdict is not None
    assert broken is not None
    assert (True, None) == (verdict.counts, broken.order)
    assert (None, 3) == (nothing, found.control.position)


def test_feeds_and_messages_say_how_the_run_is_and_without_numbers_no_position() -> None:
    found = run_state()
    found.fold(Written(0, totals().encode()))
    feeds = found.feeds(START, limits=FeedLimits(), reachable=True, arrived_s={})
    found.look_for_alarms(feeds, START)
    told, kept = (orjson.loads(found.hello("public", numbers=numbers, heartbeat_s=10)) for numbers in (True, False))
    state = orjson.loads(found.state(START, feeds, NO_EMBARGO, reachable=True, numbers=True))

    assert {"aa", "anka"} == feeds.keys() == state["feeds"].keys()
    assert (1, 0) == (told["seq"], kept["seq"])
    assert "9f2c" == told["epoch"]
