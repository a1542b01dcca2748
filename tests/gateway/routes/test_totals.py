from dataclasses import replace
from pathlib import Path

from eventlog.port import Entry
from eventlog.topics import RunTopics
from gateway.admission.handshake import AccessSettings
from schemas.gate import Gate
from tests.gateway.gateways import FAST, RUN, get, is_ready, night, publish, running
from tests.gateway.nights import totals
from tests.gateway.tokens import HS256, token

SETTINGS = replace(FAST, access=AccessSettings(keys=(HS256,)))


async def test_an_answer_says_which_totals_it_has(tmp_path: Path) -> None:
    said = totals(votes={"kurum": 1})
    gate = Gate(contest="mayor", source="aa", district="tr/34/uskudar", gate=1, held=True, program=said)
    async with night(tmp_path) as log:
        await publish(log, said)
        await log.append(RunTopics(RUN).totals.name, [Entry(gate.key, gate.encode())])
        await publish(log, totals(votes={"kurum": 10}, version=1))
        async with running(log, settings=SETTINGS) as gateway:
            await is_ready(gateway)
            public = (await get(gateway, "/v1/totals?unit=tr")).json()
            inside = (await get(gateway, "/v1/totals?unit=tr", authorization=f"Bearer {token()}")).json()
            facts = (await get(gateway, "/v1/facts?unit=tr&contest=mayor&source=aa")).json()

    assert [("on_air", 1), ("control_room", 10)] == [
        (answer["told"], answer["totals"][0]["votes"]["kurum"]) for answer in (public, inside)
    ]
    assert "on_air" == facts["told"]
