"""Sockets by the thousand: how many files a process may have open, and the addresses that connections come from."""

import ipaddress
import resource
import socket
from typing import Final

from schemas.errors import UsageError

SPARE_FILES: Final = 256
"""Files a process has open beside its clients: libraries, pipes, the log. Some 60 were seen."""

CLIENTS_PER_ADDRESS: Final = 20_000
"""Linux gives connections to one address and port 28,232 ports by default; some may still be waiting to be free."""

STALLED_RECEIVE_BYTES: Final = 32 * 1024
"""What the kernel takes for a client that stalls. By default it is megabytes, and most stalls would go unnoticed."""

_LOOPBACK_ADDRESSES: Final = 254
_BIND_ADDRESS_NO_PORT: Final = 24
"""IP_BIND_ADDRESS_NO_PORT of Linux: bind the address now and leave the port to connect(), which can share them."""

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


def allow_files(clients: int) -> None:
    """Let this process open so many connections. Raises `UsageError` where the machine does not."""
    needed = clients + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise UsageError(
                f"{clients} clients in one process need {needed} open files, and this machine allows {hard}. Use more "
                "--processes, or raise the limit (ulimit -Hn)."
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def resolve(host: str, port: int) -> Address:
    """Where to connect. Raises `UsageError` where there is no such host."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UsageError(f"{host!r} cannot be found ({error.strerror}). Is the URL right?") from error
    return family, address


def open_socket(address: Address, client: int, *, stalls: bool) -> socket.socket:
    """A socket for a client, not connected yet; on loopback, each 20,000 clients come from an address of their own."""
    family, where = address
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)  # noqa: FBT003  the socket module's own
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if stalls:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_RECEIVE_BYTES)
        source = client // CLIENTS_PER_ADDRESS
        if source and family == socket.AF_INET and ipaddress.ip_address(where[0]).is_loopback:
            made.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            made.bind((f"127.0.0.{1 + source % _LOOPBACK_ADDRESSES}", 0))
    except OSError:
        made.close()
        raise
    return made
