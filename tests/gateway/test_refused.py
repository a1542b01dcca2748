"""A log that refuses a gateway in the middle of the night: it goes on with what it has, says why, and comes back."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consumers.aggregate import AggregateSettings, Aggregator, Progress
from consumers.archive import Archiver, ArchiveSettings
from eventlog.clock import Wall
from eventlog.kafka.administration import Security
from eventlog.kafka.log import KafkaLog
from eventlog.loops import RetryPolicy
from eventlog.run import find_run
from gateway.server import serve
from schemas.errors import LogRefused
from tests.gateway.gateways import FAST, RUN, Running, Viewer, get, make_run, night, publish, running, viewer
from tests.gateway.nights import totals
from tests.gateway.unreliable import Unreliable
from tests.kafka.broker import CHIEF, Broker
from tests.patience import LIMIT_S
from tests.simulation.processes import until

REFUSAL = LogRefused("Kafka at broker:9093 does not accept the user name or the password.")

PATIENT = replace(FAST, heartbeat_s=1, retry=RetryPolicy(0.2, 0.5, refused_s=0.5))
"""For a broker that takes seconds to start: whoever asks it a hundred times a second keeps it from that."""


async def readiness(gateway: Running, status: int) -> str:
    """Ask until the gateway answers with this; what it then says."""
    async with asyncio.timeout(LIMIT_S):
        while (answer := await get(gateway, "/readyz")).status_code != status:  # noqa: ASYNC110  it tells who asks
            await asyncio.sleep(0.05)
    return answer.text


async def test_a_gateway_that_is_refused_keeps_its_figures_says_why_and_comes_back(tmp_path: Path) -> None:
    async with night(tmp_path) as below:
        log = Unreliable(below)
        async with running(log, settings=replace(FAST, read_wait_ms=10)) as gateway, viewer(gateway) as client:
            await publish(below, totals(votes={"imamoglu": 5}))
            await client.subscribe("tr")
            await client.until(lambda: votes(client) == 5)
            log.break_off(REFUSAL)

            assert "does not accept the user name or the password" in await readiness(gateway, 503)
            assert '"imamoglu":5' in (await get(gateway, "/v1/totals")).text
            assert 'log_errors_total{error="LogRefused"' in (await get(gateway, "/metrics")).text
            await publish(below, totals(votes={"imamoglu": 6}, version=1))
            log.come_back()
            await client.until(lambda: votes(client) == 6)
            assert "password" not in await readiness(gateway, 200)


async def test_a_gateway_that_is_refused_at_its_start_ends_with_the_reason(tmp_path: Path) -> None:
    async with night(tmp_path) as below:
        log = Unreliable(below)
        log.break_off(REFUSAL)
        with pytest.raises(ExceptionGroup) as ended:
            async with asyncio.timeout(LIMIT_S):
                await serve(log, RUN, host="127.0.0.1", port=0, clock=Wall(), settings=FAST)
        assert ended.group_contains(LogRefused, match="the password")


def votes(client: Viewer) -> int | None:
    """What the client shows of İmamoğlu in the country; the aggregator writes into the topic as well."""
    shown: Any = client.shown.get("tr", {})
    return shown.get("votes", {}).get("imamoglu")  # type: ignore[no-any-return]  # JSON knows no types


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_password_that_is_changed_in_the_middle_of_the_night(
    kafka_guarded_broker: Broker, tmp_path: Path
) -> None:
    """A gateway goes on; an aggregator and an archiver, which hold nothing of their own, end with the reason."""
    broker = kafka_guarded_broker

    async def restart(password: str) -> None:
        broker.set_password(CHIEF, password)
        await asyncio.to_thread(broker.stop)
        await asyncio.to_thread(broker.start)

    security = Security("SASL_PLAINTEXT", "PLAIN", CHIEF, "right")
    async with KafkaLog(broker.servers) as plain, KafkaLog(str(broker.guarded), security=security) as log:
        await make_run(plain)
        run = await find_run(log, RUN)
        progress, quick = Progress(), AggregateSettings(checkpoint_ms=200)
        folding = asyncio.create_task(Aggregator(log, run, Wall(), quick, progress=progress).run())
        archiving = asyncio.create_task(
            Archiver(log, run, tmp_path / "archive", Wall(), ArchiveSettings(roll_ms=200)).follow()
        )
        async with running(log, settings=PATIENT) as gateway, viewer(gateway) as client:
            await publish(plain, totals(votes={"imamoglu": 5}))
            await client.subscribe("tr")
            await client.until(lambda: votes(client) == 5)
            await until(lambda: bool(progress.partitions))  # who still joins is not refused but finds nobody

            await restart("another")
            reason = await readiness(gateway, 503)
            while "password" not in reason:  # first it is away
                await asyncio.sleep(0.05)
                reason = await readiness(gateway, 503)
            assert "SANDIK_KAFKA_SASL_USERNAME" in reason
            assert '"imamoglu":5' in (await get(gateway, "/v1/totals")).text

            for ending in (folding, archiving):
                with pytest.raises(LogRefused, match="does not accept the user name or the password"):
                    await asyncio.wait_for(ending, LIMIT_S)

            await restart("right")
            await publish(plain, totals(votes={"imamoglu": 6}, version=1))
            await client.until(lambda: votes(client) == 6)
            await readiness(gateway, 200)
