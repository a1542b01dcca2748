"""Steady load: how long from Kafka to a client, and what stalled clients do to the others."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import NamedTuple

from benchmarks.gateway.crowd import Crowd
from benchmarks.gateway.feed import Appends, units
from benchmarks.gateway.handshake import subscribe
from benchmarks.gateway.options import Options
from benchmarks.gateway.plan import Look, Plan, Seen
from benchmarks.gateway.process import cpu_s, queued_s, resident_kb
from benchmarks.gateway.published import consuming_centrifugo
from benchmarks.gateway.servers import Fed, Missing, sandik
from benchmarks.logs import log_urls
from benchmarks.measure import spread

DISTRICTS = 39
COUNTRY_DISTRICTS = 973
STALL_EVERY = 5
"""Every fifth client stalls: 20 %."""

FILL_S = 4
"""How long stalled clients' buffers may take to fill: 320 KiB at 10 deltas of 11 KiB a second."""


class Load(NamedTuple):
    """So many clients, each following one of the keys, each key changing so often.

    Where sandik has ticks of `tick_ms`, Centrifugo, whose loads have none, sends each publication as it comes.
    """

    clients: int
    keys: int
    rate_hz: float
    tick_ms: float | None = None

    @property
    def name(self) -> str:
        """What the table calls it."""
        where = "Centrifugo (Go)" if self.tick_ms is None else f"sandik, {self.tick_ms:.0f} ms ticks"
        return f"{where}: {self.clients:,} clients × {self.rate_hz}/s, {self.keys} keys"

    def serve(self, url: str, run: str) -> AbstractContextManager[Fed]:
        """Start the server on the log at this URL. Entering it raises `Missing` where the peer is not installed."""
        if self.tick_ms is None:
            return consuming_centrifugo(districts=self.keys, url=url, run=run)
        says = tuple(subscribe(unit) for unit in units(self.keys))
        return sandik(districts=self.keys, says=says, tick_ms=self.tick_ms, url=url, run=run)


class Window(NamedTuple):
    """What was seen in one window of steady load; waits in milliseconds."""

    mean: float
    p50: float
    p99: float
    worst: float
    core: float
    queued: float
    append_ms: float
    append_p99_ms: float
    counted: int
    resident_mb: float


def kafka_to_client(options: Options) -> Iterator[str]:
    """Milliseconds from the moment a record was due at Kafka to its receipt, the server on one core of its own."""
    many, half = options.many, options.many // 2
    loads = [
        Load(many, DISTRICTS, 2.5, 50),
        Load(many, DISTRICTS, 2.5, 10),
        Load(half, DISTRICTS, 5, 50),
        Load(half, DISTRICTS, 5, 10),
        Load(many, COUNTRY_DISTRICTS, 2.5, 50),
        Load(many, DISTRICTS, 2.5),
        Load(half, DISTRICTS, 5),
        Load(many, COUNTRY_DISTRICTS, 2.5),
    ]
    yield (
        "| Kafka → client, each client follows one of the keys | mean ms | p99 ms | worst ms "
        "| until Kafka had it: mean ms | p99 ms | sent of what was due | server ran | had to wait for its core |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    with log_urls() as urls:
        for number, load in enumerate(loads):
            try:
                with load.serve(urls["Apache Kafka"], f"bench-{number}") as server:
                    windows = _windows(server, load, options)
            except Missing as error:
                yield f"| {load.name} | not measured: {error} | | | | | | | |"
                continue
            due = load.clients * load.rate_hz * options.seconds
            yield f"| {load.name} | {_cells(windows, due)} |"
    yield ""


def _windows(server: Fed, load: Load, options: Options) -> list[Window]:
    with _crowd(server, load.clients, options) as crowd:
        _window(server, crowd, options.seconds / 2, load.rate_hz)  # warms up
        return [_window(server, crowd, options.seconds, load.rate_hz) for _ in range(3)]


def stalled(options: Options) -> Iterator[str]:
    """The others' wait while a fifth of the clients does not read, in turns with nobody stalled."""
    clients = options.few
    says = (subscribe("tr/34/*"),)
    with ExitStack() as stack:
        server = stack.enter_context(sandik(districts=DISTRICTS, says=says))
        crowd = stack.enter_context(_crowd(server, clients, options, weak_every=STALL_EVERY))
        _window(server, crowd, options.seconds / 2, 10, together=True)
        calm, halted = [], []
        for _ in range(options.repeats):
            calm.append(_window(server, crowd, options.seconds / 2, 10, together=True))
            crowd.stall(STALL_EVERY)
            _window(server, crowd, FILL_S, 10, together=True)
            halted.append(_window(server, crowd, options.seconds / 2, 10, together=True))
            crowd.stall(0)
            _window(server, crowd, 1, 1, together=True)
    others = clients - clients // STALL_EVERY
    yield (
        f"| {others:,} reading clients, {DISTRICTS} districts each, 10 deltas/s | mean ms | p50 ms | p99 ms "
        "| worst ms | resident MB | server had to wait for its core |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, windows in ((f"all {clients:,} read", calm), ("20 % more of them stalled", halted)):
        figures = [spread([getattr(one, field) for one in windows]) for field in ("mean", "p50", "p99", "worst")]
        queued = spread([100 * one.queued for one in windows])
        memory = spread([one.resident_mb for one in windows])
        waits = " | ".join(one.text() for one in figures)
        yield f"| {name} | {waits} | {memory.text('.0f')} | {queued.text('.0f')} % |"
    ratio = spread([after.p99 / before.p99 for before, after in zip(calm, halted, strict=True)])
    yield ""
    yield f"p99 with a fifth stalled, × without: {ratio.text('.2f')}."
    yield ""


def _crowd(server: Fed, clients: int, options: Options, weak_every: int = 0) -> Crowd:
    plan = Plan(server.port, clients, server.dialect, Look.SENT_AT, weak_every=weak_every)
    return Crowd(plan, options.crowds)


def _window(server: Fed, crowd: Crowd, seconds: float, rate_hz: float, *, together: bool = False) -> Window:
    crowd.seen()
    began, queued = cpu_s(server.pids), queued_s(server.pids)
    server.feed.begin(rate_hz, seconds, together=together)
    crowd.listen(seconds + 1)
    appends = server.feed.wait()
    seen = crowd.arrived()
    if seen.lost:
        raise RuntimeError(f"{seen.lost} clients were dropped")
    core = (cpu_s(server.pids) - began) / seconds
    queued = (queued_s(server.pids) - queued) / seconds
    return _summary(seen, core, queued, appends, resident_kb(server.pids) / 1_024)


def _summary(seen: Seen, core: float, queued: float, appends: Appends, resident_mb: float) -> Window:
    waits = sorted(wait / 1_000 for wait in seen.waits_us)
    if not waits:
        raise RuntimeError("no client received anything")
    return Window(
        mean=sum(waits) / len(waits),
        p50=waits[len(waits) // 2],
        p99=waits[int(len(waits) * 0.99)],
        worst=waits[-1],
        core=core,
        queued=queued,
        append_ms=appends.mean_ms,
        append_p99_ms=appends.p99_ms,
        counted=seen.counted,
        resident_mb=resident_mb,
    )


def _cells(windows: list[Window], due: float) -> str:
    fields = ("mean", "p99", "worst", "append_ms", "append_p99_ms")
    waits = [spread([getattr(one, field) for one in windows]).text() for field in fields]
    share = spread([100 * one.counted / due for one in windows]).text(".0f") + " %"
    core = spread([100 * one.core for one in windows]).text(".0f") + " %"
    queued = spread([100 * one.queued for one in windows]).text(".0f") + " %"
    return " | ".join([*waits, share, core, queued])
