"""What a connection holds: resident memory of each server per connection, idle and subscribed."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Final

from benchmarks.gateway.crowd import Crowd
from benchmarks.gateway.loops import messages
from benchmarks.gateway.options import Options
from benchmarks.gateway.plan import Plan
from benchmarks.gateway.process import resident_kb
from benchmarks.gateway.published import centrifugo, nchan
from benchmarks.gateway.servers import Missing, Server, python_peer, sample, sandik
from benchmarks.measure import spread
from benchmarks.patience import LIMIT_S

REPEATS: Final = 3
WARM_CLIENTS: Final = 100
"""Clients that come first, so that what a server makes once is not counted as theirs."""

SETTLE_S: Final = 1
Peers = dict[str, Callable[[], AbstractContextManager[Server]]]


def memory(options: Options) -> Iterator[str]:
    """KB resident a connection: connected and silent, then subscribed and after three deltas."""
    with sandik() as ours:
        delta = sample(ours)
    peers: Peers = {
        "uvloop, no protocol: the bare loop": partial(python_peer, "loop", delta),
        "sandik, without compression": sandik,
        "sandik, compression offered": partial(sandik, deflate=True),
        "`websockets`, without compression": partial(python_peer, "broadcast", delta),
        "`websockets` as it comes, compression on": partial(python_peer, "broadcast-deflate", delta),
        "nchan (nginx, C), without compression": partial(nchan, messages(delta)),
        "Centrifugo (Go), without compression": partial(centrifugo, messages(delta)),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in peers}
    missing: dict[str, str] = {}
    notes: dict[str, str] = {}
    for _ in range(REPEATS):
        for name, start in peers.items():
            try:
                with start() as server:
                    found[name].append(_held(server, options.few))
                    if name == "sandik, compression offered" and not _compresses(server):
                        notes[name] = " (and declined: it does not compress yet)"
            except Missing as error:
                missing[name] = str(error)
    yield f"| {options.few:,} connections: KB resident a connection | idle | subscribed |"
    yield "|---|---:|---:|"
    for name, results in found.items():
        if name in missing:
            yield f"| {name} | not measured: {missing[name]} | |"
            continue
        idle, subscribed = (spread([result[index] for result in results]) for index in (0, 1))
        yield f"| {name}{notes.get(name, '')} | {idle.text()} | {subscribed.text()} |"
    yield ""


def _held(server: Server, clients: int) -> tuple[float, float]:
    dialect = server.dialect
    with Crowd(Plan(server.port, WARM_CLIENTS, dialect)):
        server.round()
        before = _settled_kb(server)
        with Crowd(Plan(server.port, clients, replace(dialect, says=()))) as crowd:
            idle = _settled_kb(server) - before
            if dialect.says:
                crowd.say(*dialect.says)
                crowd.expect(1)
                crowd.arrived()
            for _ in range(3):
                crowd.expect(1)
                server.round()
                crowd.arrived()
            subscribed = _settled_kb(server) - before
    return idle / clients, subscribed / clients


def _settled_kb(server: Server) -> int:
    time.sleep(SETTLE_S)
    return resident_kb(server.pids)


def _compresses(server: Server) -> bool:
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as client:
        client.sendall(server.dialect.request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += client.recv(4_096)
    return b"permessage-deflate" in answer
