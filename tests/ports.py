"""Ports for who must come back at the same one."""

import itertools
import os
import random
import socket
from typing import Final

_FROM: Final = 15_000
_TO: Final = 30_000
"""Below the ports that systems hand out by themselves: one of those may go to anybody's connection while nobody listens
there, even to a client that looks for the very process that is away (TCP lets it meet itself)."""

_picked = itertools.chain.from_iterable(itertools.repeat(random.Random(os.getpid()).sample(range(_FROM, _TO), 1_000)))


def free_port() -> int:
    """A port that nobody listens at now, another one each time."""
    while True:
        port = next(_picked)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
