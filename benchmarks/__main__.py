"""`python -m benchmarks [NAME …]`: run the benchmarks and print their tables.

`python -m benchmarks gateway …` measures the gateway beside its peers; it has options of its own.
"""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from benchmarks.aggregating import aggregating, taking_over
from benchmarks.archive import archive
from benchmarks.board import board
from benchmarks.encodings import encodings
from benchmarks.folding import folding
from benchmarks.gateway.command import main as measure_gateway
from benchmarks.growth import growth
from benchmarks.latency import latency
from benchmarks.load_tester import load_tester
from benchmarks.mapping import mapping
from benchmarks.measure import machine
from benchmarks.on_air.nights import nights
from benchmarks.on_air.pixels import pixels
from benchmarks.parsing import parsing
from benchmarks.replay import replay
from benchmarks.staging import staging
from benchmarks.streams import streams
from benchmarks.stretches import stretches


def on_air() -> Iterator[str]:
    """The nights through the overlays, and from append to pixels."""
    yield from nights()
    yield ""
    yield from pixels()


BENCHMARKS: dict[str, Callable[[], Iterator[str]]] = {
    "parsing": parsing,
    "folding": folding,
    "aggregating": aggregating,
    "taking_over": taking_over,
    "archive": archive,
    "board": board,
    "encodings": encodings,
    "growth": growth,
    "latency": latency,
    "load_tester": load_tester,
    "replay": replay,
    "staging": staging,
    "streams": streams,
    "stretches": stretches,
    "mapping": mapping,
    "on_air": on_air,
}


def main() -> None:
    """Run the benchmarks that are named, or all of them."""
    if sys.argv[1:2] == ["gateway"]:
        measure_gateway(sys.argv[2:])
        return
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(BENCHMARKS)}, gateway.")
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}")
    for name in names:
        print(f"\n`python -m benchmarks {name}`\n")
        for line in BENCHMARKS[name]():
            print(line, flush=True)


if __name__ == "__main__":
    main()
