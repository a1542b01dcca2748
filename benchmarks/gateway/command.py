"""The command: which parts to measure, and how large."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from benchmarks.gateway.fanning import coalesced, cpu
from benchmarks.gateway.holding import memory
from benchmarks.gateway.options import Options
from benchmarks.gateway.process import leave_server_core, raise_socket_limit
from benchmarks.gateway.returning import herd
from benchmarks.gateway.steady import kafka_to_client, stalled
from benchmarks.gateway.wire import wire
from benchmarks.measure import machine

PARTS: Final[dict[str, Callable[[Options], Iterator[str]]]] = {
    "cpu": cpu,
    "coalesced": coalesced,
    "latency": kafka_to_client,
    "memory": memory,
    "wire": wire,
    "herd": herd,
    "stalled": stalled,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the parts that are asked for, and print their tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks gateway", description="The gateway beside its peers.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--clients", type=int, nargs="+", default=list(Options.sizes), help="two sizes, such as 20 50")
    parser.add_argument("--repeats", type=int, default=Options.repeats, help="blocks of rounds a server")
    parser.add_argument("--rounds", type=int, default=Options.rounds, help="rounds in a block")
    parser.add_argument("--seconds", type=float, default=Options.seconds, help="of one window of steady load")
    parser.add_argument("--crowds", type=int, default=Options.crowds, help="processes that the clients are in")
    chosen = parser.parse_args(arguments)
    options = Options(tuple(chosen.clients), chosen.repeats, chosen.rounds, chosen.seconds, chosen.crowds)
    signal.signal(signal.SIGTERM, _end)
    raise_socket_limit()
    leave_server_core()
    said = " ".join(sys.argv[1:] if arguments is None else arguments)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; load {os.getloadavg()[0]:.1f} at the start")
    print("median (lowest to highest); the server has a core of its own, the clients and the feed share the rest\n")
    for name in chosen.only:
        began = time.monotonic()
        print(f"`python -m benchmarks gateway --only {name}`{f' (of: {said})' if said else ''}\n")
        for line in PARTS[name](options):
            print(line, flush=True)
        print(f"({time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f})\n", flush=True)


def _end(number: int, _: object) -> None:
    """Leave every `with`, so that no server stays behind."""
    sys.exit(128 + number)
