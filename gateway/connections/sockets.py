"""What is asked of the kernel about a client's socket, where asyncio has no word for it."""

import asyncio
import contextlib
import socket
import struct
from typing import Final

_NO_LINGERING: Final = struct.pack("ii", 1, 0)
"""`struct linger` (POSIX, setsockopt): on, for no second."""

_MS_PER_S: Final = 1_000

_MAX_TIMEOUT_MS: Final = 2**31 - 1
"""What the kernel takes for a timeout: an int of C, 24 days."""


def hang_up(transport: asyncio.Transport) -> None:
    """End at once. The kernel, too, forgets what the peer does not take; else it would keep it for minutes."""
    with contextlib.suppress(OSError, ValueError):  # it may be closed already
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    transport.abort()


def give_up_after(transport: asyncio.Transport, seconds: float) -> None:
    """Let the kernel give up a peer that acknowledges nothing for so long, where it can (Linux, RFC 5482).

    For whoever is sent something now and then, but never says anything: the kernel by itself would try for a quarter of
    an hour.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        transport.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(int(seconds * _MS_PER_S), _MAX_TIMEOUT_MS)
        )
