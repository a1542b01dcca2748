from pathlib import Path

from tests.gateway.gateways import night, publish, running, viewer
from tests.gateway.nights import totals


async def test_a_client_is_greeted_and_gets_a_snapshot_and_then_deltas(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await publish(log, totals(votes={"imamoglu": 5}))
        hello = await client.next("hello")
        assert hello["protocol"] == "sandik.v1"
        assert hello["mode"] == "test"
        assert (await client.next("state"))["type"] == "state"
        await client.subscribe("tr", "tr/34/*")
        await client.until(lambda: client.seq == 1)
        await publish(log, totals(votes={"imamoglu": 7}, version=1))
        delta = await client.next("delta")
        assert (delta["from"], delta["seq"]) == (1, 2)
        assert delta["totals"] == [
            {"unit": "tr", "cast": 7, "valid": 7, "votes": {"imamoglu": 7}},
            {"unit": "tr/34/uskudar", "cast": 7, "valid": 7, "votes": {"imamoglu": 7}},
        ]
