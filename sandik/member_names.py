"""A name for this process in a consumer group, which it gets again when it is started again.

The name is the host's with the lowest number that is free on it. What is held is a socket in Linux's abstract
namespace (unix(7)): it leaves no file behind, and the kernel frees it the moment a process ends, however it ends.
Namespaces of the network keep containers apart, as their host names do.
"""

import contextlib
import re
import socket
import sys
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from schemas.errors import UsageError

MAX_ON_A_HOST: Final = 512
"""As many as a run can have partitions: a further member would own nothing."""

_MAX_CHARACTERS: Final = 200
"""Kafka's limit is that of a topic's name, 249."""

_ALLOWED: Final = re.compile(r"[A-Za-z0-9._-]+")
"""What Kafka allows in a `group.instance.id`."""

_IS_POSSIBLE: Final = sys.platform == "linux"


@contextlib.contextmanager
def member_name(run: str, given: str | None = None) -> Iterator[str | None]:
    """The name that was given, or one that no other process of this host has in the run, for as long as the block runs.

    It is `None` where the system has no such names, or all are taken. Raises `UsageError` for a name that cannot be.
    """
    if given is not None:
        yield _checked(given)
        return
    with contextlib.ExitStack() as held:
        for number in range(1, MAX_ON_A_HOST + 1 if _IS_POSSIBLE else 1):
            reservation = _reserved(f"\0sandik-member/{sha256(run.encode()).hexdigest()}/{number}")
            if reservation is not None:
                held.enter_context(reservation)
                yield f"{_host()}-{number}"
                return
        yield None


def _checked(name: str) -> str:
    if len(name) > _MAX_CHARACTERS or not _ALLOWED.fullmatch(name):
        raise UsageError(
            f"--member {name!r} is no name for a member. Give letters, digits, '.', '_' and '-',"
            f" {_MAX_CHARACTERS} at most."
        )
    return name


def _reserved(address: str) -> socket.socket | None:
    """The socket that holds this address; `None` where another process does, or the system allows none."""
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        reservation.bind(address)
    except OSError:
        reservation.close()
        return None
    return reservation


def _host() -> str:
    """The host's name, of which only what a member's name may have is left."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[: _MAX_CHARACTERS - len(f"-{MAX_ON_A_HOST}")]
