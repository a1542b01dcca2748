"""CPU of one frame to one client: a small delta to everybody, and a tick's worth of updates in one write."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from benchmarks.gateway.crowd import Crowd
from benchmarks.gateway.handshake import subscribe
from benchmarks.gateway.loops import messages
from benchmarks.gateway.options import Options
from benchmarks.gateway.plan import Plan
from benchmarks.gateway.process import cpu_s
from benchmarks.gateway.published import centrifugo, nchan
from benchmarks.gateway.servers import Missing, Sandik, Server, bare, frame, python_peer, sample, sandik
from benchmarks.measure import Spread, spread

DISTRICTS = 39
"""İstanbul's."""

MESSAGES_FACTOR = 4
"""So many times fewer rounds where a round is 39 messages: else the peers would write for minutes."""

Peers = Mapping[str, Callable[[], AbstractContextManager[Server]]]


class Round(NamedTuple):
    """What one round cost a server: its CPU seconds, and the frames that its clients got."""

    cpu_s: float
    frames: int
    bytes: int


def cpu(options: Options) -> Iterator[str]:
    """CPU µs a frame: one small delta to every client, all on the same subscription, round after round."""
    for clients in options.sizes:
        with sandik() as ours:
            delta = sample(ours)
            text = messages(delta)[0]
            peers: Peers = {
                "C, one `send` each: the bare limit": partial(bare, delta),
                "uvloop, one `write` each: the bare loop": partial(python_peer, "loop", delta),
                "`websockets.broadcast`": partial(python_peer, "broadcast", delta),
                "nchan (nginx, C)": partial(nchan, [text]),
                "Centrifugo (Go)": partial(centrifugo, [text]),
            }
            rounds, missing = side_by_side(ours, peers, clients, options)
        costs = {
            name: spread([1e6 * block.cpu_s / block.frames for block in blocks]) for name, blocks in rounds.items()
        }
        yield from _table(f"{clients:,} clients, {len(delta)} bytes a frame: CPU µs a frame", costs, missing)


def coalesced(options: Options) -> Iterator[str]:
    """Updates a CPU second: 39 districts changed in a tick, every client follows all of them.

    10,000 tallies a second over 39 districts, conflated every 100 ms, are exactly that. Who can put them in one write
    does; the peers have no such thing and send 39 messages. Of these, Centrifugo joins what waits for a client.
    """
    options = replace(options, rounds=max(1, options.rounds // MESSAGES_FACTOR))
    with sandik(districts=DISTRICTS, says=(subscribe("tr/34/*"),)) as ours:
        delta = sample(ours)
        with sandik(says=(subscribe("tr/34/*"),)) as single:
            text = messages(sample(single))[0]
        peers: Peers = {
            "C, one `send` of all: the bare limit": partial(bare, delta),
            "uvloop, one `write` of all: the bare loop": partial(python_peer, "loop", delta),
            "`websockets.broadcast`, 39 messages": partial(python_peer, "broadcast", frame(text.encode()) * DISTRICTS),
            "nchan (nginx, C), 39 messages": partial(nchan, [text] * DISTRICTS),
            "Centrifugo (Go), 39 messages": partial(centrifugo, [text] * DISTRICTS),
        }
        rounds, missing = side_by_side(ours, peers, options.few, options, each={"39 messages": DISTRICTS})
    updates = options.few * DISTRICTS * options.rounds
    rates = {name: spread([updates / block.cpu_s / 1_000 for block in blocks]) for name, blocks in rounds.items()}
    head = (
        f"{options.few:,} clients, 39 districts a tick ({len(delta):,} bytes in one frame, {len(text)} in a message of "
        "one): thousand updates a CPU second"
    )
    yield from _table(head, rates, missing)


def side_by_side(
    ours: Sandik, peers: Peers, clients: int, options: Options, each: Mapping[str, int] | None = None
) -> tuple[dict[str, list[Round]], dict[str, str]]:
    """Every server with its clients at once, taking turns: blocks of rounds by server, and who is missing and why.

    `each` says of how many messages a round is, by the end of a server's name; of one for the rest.
    """
    missing: dict[str, str] = {}
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name, start in peers.items():
            try:
                servers[name] = stack.enter_context(start())
            except Missing as error:
                missing[name] = str(error)
        servers["sandik"] = ours
        crowds = {
            name: stack.enter_context(Crowd(Plan(server.port, clients, server.dialect), options.crowds))
            for name, server in servers.items()
        }
        rounds: dict[str, list[Round]] = {name: [] for name in servers}
        for repeat in range(options.repeats + 1):
            for name, server in servers.items():
                messages_each = next((count for end, count in (each or {}).items() if name.endswith(end)), 1)
                block = _block(server, crowds[name], options.rounds, messages_each)
                if repeat:  # the first warms up
                    rounds[name].append(block)
    return rounds, missing


def _block(server: Server, crowd: Crowd, rounds: int, each: int) -> Round:
    crowd.seen()
    began = cpu_s(server.pids)
    frames = size = 0
    for _ in range(rounds):
        crowd.expect(each)
        server.round()
        seen = crowd.arrived()
        frames += seen.frames
        size += seen.bytes
    return Round(cpu_s(server.pids) - began, frames, size)


def _table(head: str, found: Mapping[str, Spread], missing: Mapping[str, str]) -> Iterator[str]:
    """One line a server; the ratio is to the bare loop, the median of one to the median of the other."""
    limit = next(figures.median for name, figures in found.items() if name.endswith("the bare loop"))
    yield f"| {head} | | × the bare loop |"
    yield "|---|---:|---:|"
    for name, figures in found.items():
        yield f"| {name} | {figures.text()} | {figures.median / limit:.2f} |"
    for name, reason in missing.items():
        yield f"| {name} | not measured: {reason} | |"
    yield ""
