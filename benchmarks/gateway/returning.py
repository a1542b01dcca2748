"""A herd: every client dropped at once, and back at once, each where it was."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Final, NamedTuple

from benchmarks.gateway.crowd import Crowd
from benchmarks.gateway.loops import messages
from benchmarks.gateway.options import Options
from benchmarks.gateway.plan import Look, Plan
from benchmarks.gateway.process import cpu_s
from benchmarks.gateway.published import centrifugo
from benchmarks.gateway.servers import Missing, Remembering, sample, sandik
from benchmarks.measure import Spread, spread

REPEATS: Final = 3


class _Return(NamedTuple):
    """How one herd came back: seconds until all and until half of them were current, CPU µs of each, and refusals."""

    last_s: float
    half_s: float
    cpu_us: float
    refused: float


def herd(options: Options) -> Iterator[str]:
    """Seconds from the drop until the clients are back and current; something changed while they were away.

    They come back without any pause, which is worse than a client that heeds what it is told: that waits a moment.
    """
    with sandik() as ours:
        texts = messages(sample(ours))
    servers: dict[str, Callable[[], AbstractContextManager[Remembering]]] = {
        "sandik, tokens required": sandik,
        "Centrifugo (Go), no tokens": partial(centrifugo, texts),
    }
    yield (
        f"| {options.many:,} clients dropped at once, back at once where they were | all back and current, s "
        "| half of them, s | CPU µs of the server a returning client (connect, upgrade, subscribe, delta) "
        "| attempts turned away, and tried again after 0.5 to 1.5 s |"
    )
    yield "|---|---:|---:|---:|---:|"
    for name, start in servers.items():
        try:
            with start() as server:
                returns = _returns(server, options)
        except Missing as error:
            yield f"| {name} | not measured: {error} | | | |"
            continue
        last_s, half_s, cpu_us, refused = (_of(returns, field) for field in _Return._fields)
        cells = (last_s.text(".2f"), half_s.text(".2f"), cpu_us.text(), refused.text(".0f"))
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _returns(server: Remembering, options: Options) -> list[_Return]:
    plan = Plan(server.port, options.many, server.dialect, Look.POSITION)
    with Crowd(plan, options.crowds) as crowd:
        return [_return(server, crowd) for _ in range(REPEATS)]


def _return(server: Remembering, crowd: Crowd) -> _Return:
    crowd.seen()
    crowd.expect(1)
    server.round()
    crowd.arrived()
    crowd.stall(1)
    server.round()  # nobody reads this one: it is what they come back for
    resume = server.resume()
    began = cpu_s(server.pids)
    waits = sorted(crowd.drop_and_return(resume))
    spent = 1e6 * (cpu_s(server.pids) - began) / len(waits)
    return _Return(waits[-1], waits[len(waits) // 2], spent, float(crowd.seen().refused))


def _of(returns: list[_Return], field: str) -> Spread:
    return spread([getattr(one, field) for one in returns])
