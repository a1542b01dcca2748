import resource
import socket
from collections.abc import Iterator

import pytest

from sandik.load.sockets import (
    CLIENTS_PER_ADDRESS,
    SPARE_FILES,
    STALLED_RECEIVE_BYTES,
    allow_files,
    open_socket,
    resolve,
)
from schemas.errors import UsageError


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    """The limits of this process, put back afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_is_raised_as_far_as_is_needed(limits: tuple[int, int]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
    allow_files(1000)

    assert 1000 + SPARE_FILES == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_a_limit_that_is_enough_stays(limits: tuple[int, int]) -> None:
    allow_files(1)

    assert limits == resource.getrlimit(resource.RLIMIT_NOFILE)


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 0, reason="this machine has no limit")
def test_more_than_the_machine_allows_says_what_to_do(limits: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="--processes"):
        allow_files(limits[1])


def test_a_host_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UsageError, match="cannot be found"):
        resolve("no-such-host.invalid", 80)


def test_many_clients_come_from_several_addresses_of_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = resolve("127.0.0.1", server.getsockname()[1])
        sources = []
        for number in (0, CLIENTS_PER_ADDRESS - 1, CLIENTS_PER_ADDRESS, 2 * CLIENTS_PER_ADDRESS):
            with open_socket(address, number, stalls=False) as client:
                client.setblocking(True)
                client.connect(address[1])
                sources.append(client.getsockname()[0])

    assert ["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3"] == sources


def test_a_client_that_stalls_holds_little_in_the_kernel() -> None:
    """Linux doubles what it is told, for its own bookkeeping."""
    with open_socket(resolve("127.0.0.1", 1), 0, stalls=True) as client:
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * STALLED_RECEIVE_BYTES
