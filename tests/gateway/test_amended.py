"""A gateway whose run's definition is amended: clients come back to another epoch, and are told the version."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from eventlog.port import Entry, EventLog
from eventlog.run import find_run
from sandik.client import fetch_definition
from schemas.amendments import CHANGES, amended
from schemas.control import DefinitionAmended
from schemas.errors import StreamRefused
from schemas.trust import OrderSigner, encode_order
from schemas.wire import CloseCode
from tests.gateway.gateways import FAST, RUN, Running, get, night, publish, running, viewer
from tests.gateway.nights import election, totals
from tests.patience import LIMIT_S
from tests.schemas.orders import new_signer, order

SETTINGS = replace(FAST, read_wait_ms=10)
NEW = {"kind": "candidate_added", "contest": "mayor", "candidate": {"id": "yeni", "name": "Yeni"}}


async def amend(log: EventLog, *changes: dict[str, Any], signer: OrderSigner | None = None) -> None:
    """Order these changes in the run."""
    run = await find_run(log, RUN)
    parsed = CHANGES.validate_json(orjson.dumps(changes))
    ordered = order(
        DefinitionAmended,
        run=RUN,
        epoch=run.epoch,
        version=run.version + 1,
        amends=run.definition.digest,
        yields=amended(run.definition, parsed).digest,
        changes=parsed,
    )
    await log.append(run.topics.control.name, [Entry(b"order", encode_order(ordered, signer))])


async def test_clients_come_back_to_the_amended_definition(tmp_path: Path) -> None:
    """Their figures are summed up by it from then on, who is new has 0 votes, and earlier versions stay to be had."""
    async with night(tmp_path) as log, running(log, settings=SETTINGS) as gateway:
        await publish(log, totals(votes={"imamoglu": 5}))
        async with viewer(gateway) as client:
            before = await client.next("hello")
            await client.subscribe("tr")
            await client.next("snapshot")
            await amend(log, NEW)
            async with asyncio.timeout(LIMIT_S):
                await client.socket.wait_closed()
        assert (CloseCode.EPOCH_ENDED, 1) == (client.socket.close_code, before["definition_version"])

        async with viewer(gateway) as client:
            after = await client.next("hello")
            await client.subscribe("tr")
            snapshot = await client.next("snapshot")
        assert (2, True) == (after["definition_version"], after["epoch"] != before["epoch"])
        assert '"imamoglu":5' in (shown := orjson.dumps(snapshot).decode())
        assert '"yeni":0' in shown

        newest, first = await get(gateway, "/v1/definition"), await get(gateway, "/v1/definition?version=1")
        assert newest.headers["etag"] != first.headers["etag"]
        names = [[one["id"] for one in answer.json()["contests"][0]["candidates"]] for answer in (newest, first)]
        assert ([*names[1], "yeni"], 404) == (names[0], (await get(gateway, "/v1/definition?version=3")).status_code)
        told, earlier = await fetch_definition(gateway.ws), await fetch_definition(gateway.http, 1)
        asked = [[one.id for one in each.contests[0].candidates] for each in (told, earlier)]
        assert (names, election()) == (asked, earlier)
        for address, version, code in ((gateway.http, 3, 404), (f"{gateway.ws}?token=none", 1, 401)):
            with pytest.raises(StreamRefused, match=f"with {code}: [A-Z]"):
                await fetch_definition(address, version)
        versions = (await get(gateway, "/v1/definition/versions")).json()
        assert [(1, []), (2, ["candidate_added"])] == [
            (one["version"], [change["kind"] for change in one["changes"]]) for one in versions
        ]


async def until_told(gateway: Running, reason: str) -> None:
    """Wait until the gateway is not ready for this reason."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            answer = await get(gateway, "/readyz")
            if answer.status_code != 200 and reason in answer.json()["reason"]:
                return
            await asyncio.sleep(0.01)


async def test_an_amendment_that_cannot_be_verified_is_not_in_force_and_is_told(tmp_path: Path) -> None:
    """Figures may be missing until its operator's key is given: no balancer sends anybody here."""
    trusted, other = new_signer(), new_signer()
    async with (
        night(tmp_path) as log,
        running(log, settings=replace(SETTINGS, operators=(trusted.public,))) as gateway,
    ):
        await amend(log, NEW, signer=other)
        await until_told(gateway, "definition_amended at control offset 1")
        assert 1 == len((await get(gateway, "/v1/definition/versions")).json())
