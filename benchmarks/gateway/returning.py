"""A herd: every client dropped at once, and back at once, each with the cursor it had."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from benchmarks.gateway.crowd import Crowd
from benchmarks.gateway.feed import EPOCH
from benchmarks.gateway.options import Options
from benchmarks.gateway.plan import Look, Plan
from benchmarks.gateway.process import cpu_s
from benchmarks.gateway.servers import sandik
from benchmarks.measure import spread

REPEATS: Final = 3
UNITS: Final = ("tr/34",)


def herd(options: Options) -> Iterator[str]:
    """Seconds from the drop until the clients are back and current; something changed while they were away.

    They come back without any pause, which is worse than a client that heeds what it is told: that waits a moment.
    """
    lasts, medians, costs, refusals = [], [], [], []
    with ExitStack() as stack:
        server = stack.enter_context(sandik())
        crowd = stack.enter_context(
            Crowd(
                Plan(server.port, options.many, server.request, server.says, counted=server.counted, look=Look.SEQ),
                options.crowds,
            )
        )
        for _ in range(REPEATS):
            crowd.seen()
            crowd.expect(1)
            server.round()
            crowd.arrived()
            crowd.stall(1)
            server.round()  # nobody reads this one: it is what they come back for
            began = cpu_s(server.pids)
            waits = sorted(crowd.drop_and_return(EPOCH, UNITS))
            costs.append(1e6 * (cpu_s(server.pids) - began) / len(waits))
            refusals.append(float(crowd.seen().refused))
            lasts.append(waits[-1])
            medians.append(waits[len(waits) // 2])
    yield f"| {options.many:,} clients dropped at once, back at once with their cursors | |"
    yield "|---|---:|"
    yield f"| all back and current, s | {spread(lasts).text('.2f')} |"
    yield f"| half of them, s | {spread(medians).text('.2f')} |"
    yield f"| CPU µs of the server a returning client (connect, upgrade, subscribe, delta) | {spread(costs).text()} |"
    yield f"| attempts turned away, and tried again after 0.5 to 1.5 s | {spread(refusals).text('.0f')} |"
    yield ""
