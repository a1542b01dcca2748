"""Each broker is asked by itself, not twice within a moment, and in a few seconds whatever it does."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from eventlog.kafka.administration import Security
from eventlog.kafka.connection import Brokers, Connection
from tests.patience import LIMIT_S


@contextlib.asynccontextmanager
async def listening(came: list[object]) -> AsyncIterator[str]:
    """Something that hangs up at once."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def brokers(servers: str) -> Brokers:
    return Connection(servers, Security()).brokers


async def test_what_was_answered_a_moment_ago_is_told_again() -> None:
    came: list[object] = []
    async with listening(came) as address:
        asked = brokers(address)
        answers = await asyncio.gather(asked.ask(), asked.ask())
    assert 1 == len(came)
    assert answers[0] is answers[1]
    assert address == answers[0][0].address
    assert "closed" in str(answers[0][0].error)


async def test_a_broker_that_never_answers_is_waited_for_a_few_seconds_beside_the_others() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        silent = f"127.0.0.1:{deaf.getsockname()[1]}"
        async with listening([]) as address, asyncio.timeout(LIMIT_S):
            answers = await brokers(f"{silent},{address}").ask()
    assert {silent, address} == {one.address for one in answers}
    assert all(one.error is not None for one in answers)


async def test_the_cluster_knows_best_which_brokers_it_has() -> None:
    came: list[object] = []
    async with listening(came) as address:
        asked = brokers("127.0.0.1:9")
        host, port = address.split(":")
        asked.learn([(host, int(port))])
        asked.learn([])
        assert [address] == [one.address for one in await asked.ask()]


@pytest.mark.kafka
async def test_a_broker_that_is_well_has_no_error(kafka: str) -> None:
    (answer,) = await brokers(kafka).ask()
    assert (kafka, None) == (answer.address, answer.error)
