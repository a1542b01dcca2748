"""Graphics by order: what the gateway refuses, whom it tells what, and that another gateway tells the same."""

from pathlib import Path
from typing import Any

from schemas.control import EmbargoSet
from schemas.graphics import GraphicCleared, GraphicCued, GraphicListed, GraphicTaken, GraphicUnlisted
from tests.gateway.gateways import RUN, night, viewer
from tests.gateway.routes.test_orders import DESK, Room, entered
from tests.schemas.orders import Kind, written

DUEL: dict[str, Any] = {"overlay": "duel", "parameters": {"unit": "tr/34", "size": "full"}}
ON_AIR = {**DUEL, "step": 0}


async def refused(room: Room, kind: Kind, **fields: Any) -> tuple[int, str, str]:
    """How an order is answered: status, code and sentence."""
    answer = await room.post(written(kind, run=RUN, epoch="9f2c", **fields))
    said = answer.json()
    return answer.status_code, said["code"], said["error"]


async def test_what_no_page_could_show_is_refused_with_words(tmp_path: Path) -> None:
    async with night(tmp_path) as log, entered(log) as room:
        for fields, says in (
            ({"overlay": "dual"}, "There is no overlay 'dual'. There are: lead-board, duel,"),
            ({"overlay": "duel", "parameters": {"rows": "3"}}, "duel has no parameter 'rows'. There are: contest,"),
            ({"overlay": "duel", "parameters": {"size": "huge"}}, "size=huge cannot be read. Give one of: third,"),
            ({"overlay": "duel", "parameters": {"token": "t"}}, "duel has no parameter 'token'."),
        ):
            status, code, error = await refused(room, GraphicTaken, channel="a", **fields)
            assert (409, "no_graphic", True) == (status, code, says in error)
        status, code, error = await refused(
            room, GraphicListed, item="p", place=1, overlay="duel", parameters={"unit": "tr/99"}
        )
        assert (409, "no_effect", True) == (status, code, "There is no unit 'tr/99'" in error)
        assert (409, "no_graphic") == (await refused(room, GraphicCued, channel="a", item="gone"))[:2]


async def test_the_room_is_told_the_rundown_and_everybody_what_is_on_air_also_by_the_next_gateway(
    tmp_path: Path,
) -> None:
    async with night(tmp_path) as log:
        async with entered(log) as room, viewer(room.gateway) as public:
            await room.order(GraphicListed, item="p", place=1, **DUEL)
            await room.order(GraphicListed, item="q", place=2, overlay="ticker")
            await room.order(GraphicListed, item="r", place=0, overlay="strap")
            await room.order(GraphicUnlisted, item="r")
            await room.order(EmbargoSet)
            await room.order(GraphicTaken, channel="a", item="p", **DUEL)
            state = await public.next("state")
            while not state["graphics"]:
                state = await public.next("state")
            assert ({"a": ON_AIR}, True) == (state["graphics"], state["embargoed"])
            found = await room.control(lambda found: found["rundown"]["cued"] == {"a": "q"})
            assert ["p", "q"] == [one["item"] for one in found["rundown"]["items"]]
            assert "Ayşe" == found["rundown"]["on_air"]["a"]["by"]
            types = [one["type"] for one in found["audit"]]
            assert ["graphic_taken", "embargo_set"] == types[:2]

        async with entered(log) as room:
            again = await room.ask("/v1/control", DESK)
            assert found["rundown"] == again["rundown"]
            await room.order(GraphicCleared, channel="a")
            assert {} == (await room.control(lambda found: not found["rundown"]["on_air"]))["rundown"]["on_air"]


async def test_the_program_page_may_be_framed_and_may_frame_overlays_alone(tmp_path: Path) -> None:
    async with night(tmp_path) as log, entered(log) as room:
        for path, may_be_framed in (("/overlays/program?channel=b", True), ("/control", False)):
            policy = (await room.client.get(path)).headers["content-security-policy"]
            assert ("frame-src 'self'" in policy, "frame-ancestors" in policy) == (True, not may_be_framed)
