"""`python -m benchmarks [NAME …]`: run the benchmarks and print their tables.

`python -m benchmarks gateway …` measures the gateway beside its peers; it has options of its own.
"""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Final

from benchmarks.measure import machine

BENCHMARKS: Final = {
    "parsing": "benchmarks.parsing:parsing",
    "folding": "benchmarks.folding:folding",
    "aggregating": "benchmarks.aggregating:aggregating",
    "taking_over": "benchmarks.aggregating:taking_over",
    "archive": "benchmarks.archive:archive",
    "board": "benchmarks.board:board",
    "encodings": "benchmarks.encodings:encodings",
    "growth": "benchmarks.growth:growth",
    "latency": "benchmarks.latency:latency",
    "load_tester": "benchmarks.load_tester:load_tester",
    "replay": "benchmarks.replay:replay",
    "staging": "benchmarks.staging:staging",
    "streams": "benchmarks.streams:streams",
    "stretches": "benchmarks.stretches:stretches",
    "mapping": "benchmarks.mapping:mapping",
    "on_air": "benchmarks.on_air.nights:on_air",
}
"""Where each is. Only what is measured is imported: what one needs is in no other's memory."""


def benchmark(name: str) -> Callable[[], Iterator[str]]:
    """The benchmark of this name: what it yields are the lines of its tables."""
    module, function = BENCHMARKS[name].split(":")
    found: Callable[[], Iterator[str]] = getattr(import_module(module), function)
    return found


def main() -> None:
    """Run the benchmarks that are named, or all of them."""
    if sys.argv[1:2] == ["gateway"]:
        from benchmarks.gateway.command import main as measure_gateway  # noqa: PLC0415  as `BENCHMARKS`

        measure_gateway(sys.argv[2:])
        return
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(BENCHMARKS)}, gateway.")
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}")
    for name in names:
        print(f"\n`python -m benchmarks {name}`\n")
        for line in benchmark(name)():
            print(line, flush=True)


if __name__ == "__main__":
    main()
