"""A gateway follows its log for as long as it lives, however the reading of it ends; and says how old its news is."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.follow import follow
from gateway.gateway import Gateway
from gateway.server import serve
from gateway.settings import GatewaySettings
from schemas.errors import LogError, LogUnavailable, LoopEnded, SandikError
from tests.gateway.gateways import FAST, RUN, Running, get, night, publish, running, viewer
from tests.gateway.leaping import Leaping
from tests.gateway.nights import totals
from tests.gateway.unreliable import Unreliable
from tests.patience import LIMIT_S

SETTINGS = replace(FAST, read_wait_ms=10)


@pytest.mark.parametrize("error", [LogUnavailable("The log is away."), asyncio.CancelledError()])
async def test_a_gateway_moves_on_however_its_reading_ended(tmp_path: Path, error: BaseException) -> None:
    """A library's own task that is cancelled looks like a wish of ours, and ended the reading for the night."""
    async with night(tmp_path) as below:
        log = Unreliable(below)
        async with running(log, settings=SETTINGS) as gateway, viewer(gateway) as client:
            await publish(below, totals(votes={"imamoglu": 5}))
            await client.subscribe("tr")
            await client.until(lambda: client.seq == 1)
            log.break_off(error)
            while '"down"' not in str(await client.next("state")).replace("'", '"'):
                pass
            await publish(below, totals(votes={"imamoglu": 6}, version=1))
            log.come_back()
            await client.until(lambda: client.seq == 2)


async def test_a_gateway_moves_on_where_what_it_asks_beside_the_reading_is_broken_off(tmp_path: Path) -> None:
    """The look at the log's end is a task of a group, and a group takes a cancelled task for one that is done."""

    class Asked(Unreliable):
        strays = 0

        async def end_offsets(self, topic: str) -> dict[int, int]:
            if self.strays:
                self.strays -= 1
                raise asyncio.CancelledError
            return await super().end_offsets(topic)

    async with night(tmp_path) as below:
        log = Asked(below)
        async with running(log, settings=replace(SETTINGS, heartbeat_s=0.01)) as gateway, viewer(gateway) as client:
            await client.subscribe("tr")
            await client.next("snapshot")
            log.strays = 3
            async with asyncio.timeout(LIMIT_S):
                while log.strays:
                    await client.next("state")
            await publish(below, totals(votes={"imamoglu": 6}))
            await client.until(lambda: client.seq == 1)


async def test_a_reader_that_is_brought_nothing_of_what_is_there_is_replaced(tmp_path: Path) -> None:
    clock = Leaping()
    async with night(tmp_path) as below:
        log = Unreliable(below)
        async with running(log, settings=SETTINGS, clock=clock) as gateway, viewer(gateway) as client:
            await client.subscribe("tr")
            await client.next("snapshot")
            log.mute()
            await publish(below, totals(votes={"imamoglu": 6}))
            reading = asyncio.create_task(client.until(lambda: client.seq == 1))
            while not reading.done():
                clock.leap(SETTINGS.heartbeat_s)
                await asyncio.wait({reading}, timeout=0.01)
            await reading


async def test_a_gateway_that_is_asked_to_end_while_its_log_fails_ends(tmp_path: Path) -> None:
    """A failure that comes with the cancellation takes its place, and was taken for the next outage to wait through."""

    class Failing(Unreliable):
        asked = asyncio.Event()

        async def exists(self, _: str) -> bool:
            self.asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise LogUnavailable("The log is away.") from None
            raise AssertionError

    async with night(tmp_path) as below:
        log, clock = Failing(below), Leaping()
        following = asyncio.create_task(follow(log, Gateway(RUN, clock=clock, settings=SETTINGS), clock))
        await log.asked.wait()
        following.cancel()
        await asyncio.wait({following}, timeout=LIMIT_S)

    assert following.cancelled()


async def readiness(gateway: Running) -> tuple[int, str]:
    answer = await get(gateway, "/readyz")
    return answer.status_code, str(answer.json()["reason"])


async def test_a_gateway_whose_log_is_silent_for_too_long_is_not_ready_and_says_since_when(tmp_path: Path) -> None:
    """What it shows stands meanwhile; once the log answers it is ready again."""
    clock = Leaping()
    patient = replace(SETTINGS, log_silent_s=10 * LIMIT_S)
    async with night(tmp_path) as below:
        log = Unreliable(below)
        async with running(log, settings=patient, clock=clock) as gateway, viewer(gateway) as client:
            await client.next("hello")
            log.break_off()
            clock.leap(5 * LIMIT_S)
            assert (200, "Ready.") == await readiness(gateway)
            status, reason = await readiness(gateway)
            while status == 200:  # an answer that was under way when the line broke may have come since
                clock.leap(LIMIT_S)
                status, reason = await readiness(gateway)
            assert 503 == status
            assert re.search(r"last answered 1[23]\d\d s ago", reason)
            metrics = (await get(gateway, "/metrics")).text
            assert 'sandik_gateway_ready{run="night",worker="1"} 0.0' in metrics
            assert re.search(r"sandik_gateway_log_age_seconds\{.+?\} 1[23]\d\d", metrics)
            assert 200 == (await get(gateway, "/v1/totals")).status_code
            log.come_back()
            async with asyncio.timeout(LIMIT_S):
                while (await readiness(gateway))[0] != 200:
                    pass


HOUR_S = 3_600


class Stopping(Leaping):
    """A clock whose longest sleepers are cancelled by nobody."""

    async def sleep(self, seconds: float) -> None:
        if seconds > HOUR_S:
            raise asyncio.CancelledError
        await super().sleep(seconds)


@pytest.mark.parametrize(
    "settings",
    [replace(SETTINGS, drain_s=0, watch_s=2 * HOUR_S), replace(SETTINGS, drain_s=0, tick_ms=2 * HOUR_S * 1_000)],
)
async def test_a_loop_of_the_gateways_that_ends_by_itself_ends_the_gateway(
    tmp_path: Path, settings: GatewaySettings
) -> None:
    async with night(tmp_path) as log:
        serving = asyncio.create_task(serve(log, RUN, host="127.0.0.1", port=0, clock=Stopping(), settings=settings))
        async with asyncio.timeout(LIMIT_S):
            while not serving.done():  # a tick is waited for by what comes after the first turn
                await publish(log, totals())
        assert not serving.cancelled()
        assert [LoopEnded] == [type(error) for error in _causes(serving.exception())]


async def test_what_cannot_be_retried_ends_the_gateway_with_the_reason(tmp_path: Path) -> None:
    async with night(tmp_path) as below:
        log = Unreliable(below)
        log.break_off(LogError("Kafka does not accept the password."))
        with pytest.raises(ExceptionGroup) as failed:
            await asyncio.wait_for(
                serve(log, RUN, host="127.0.0.1", port=0, clock=Leaping(), settings=SETTINGS), LIMIT_S
            )
        assert ["Kafka does not accept the password."] == [str(error) for error in _causes(failed.value)]


def _causes(error: BaseException | None) -> Iterator[SandikError]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _causes(inner)
    elif isinstance(error, SandikError):
        yield error
