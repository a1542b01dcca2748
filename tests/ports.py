"""Ports for who must come back at the same one."""

import os
import random
import socket
from typing import Final

_FROM: Final = 15_000
_TO: Final = 30_000
"""Below the ports that systems hand out by themselves: one of those may go to anybody's connection while nobody listens
there, even to a client that looks for the very process that is away (TCP lets it meet itself)."""

_picked = iter(random.Random(os.getpid()).sample(range(_FROM, _TO), _TO - _FROM))


def free_port() -> int:
    """A port that nobody listens at now, another one each time, and none that another process of tests was given.

    On a busy machine a broker takes a minute until it listens at its port. Until this process ends, a datagram socket
    at the same number says that the port is taken.
    """
    while True:
        port = next(_picked)
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        claim.detach()  # open for as long as the process
        return port
