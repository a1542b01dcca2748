from eventlog.run import Run
from eventlog.topics import RunTopics
from gateway.clients.hub import Hub
from gateway.clients.session import Catalogue
from gateway.run_state import Client, RunState
from schemas.definition import Election
from tabulation.orders.control import Control
from tabulation.view.program import Program
from tests.gateway.nights import election


def run_state() -> RunState:
    run = Run(RunTopics("night"), "test", "e1e1", election())
    program = Program(run.definition)
    hub, live_hub = Hub[Client](program.view, run.epoch), Hub[Client](program.live, run.epoch)
    return RunState(run, run.epoch, program, Control(run), hub, live_hub, Catalogue(run.definition))


def test_the_public_follows_what_is_on_air_and_the_control_room_all_there_is() -> None:
    found = run_state()

    assert (found.hub, found.program.view) == (found.hub_for("public"), found.view_for("public"))
    assert (found.live_hub, found.program.live) == (found.hub_for("control_room"), found.view_for("control_room"))
    assert (found.view, found.hubs) == (found.program.live, (found.hub, found.live_hub))


def test_what_is_seldom_asked_for_is_made_once() -> None:
    found = run_state()

    assert found.comparisons is found.comparisons
    assert found.quarantine is found.quarantine
    assert found.alarms is found.alarms
    assert found.definition_json is found.definition_json
    assert election() == Election.model_validate_json(found.definition_json)
