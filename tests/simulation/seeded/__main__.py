"""Simulate many nights: `python -m tests.simulation.seeded --seeds 10000`. Ends with 1 where one of them goes wrong."""

import argparse
import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tests.simulation.seeded.finding import STAGES, failure

_AT_ONCE: Final = 20
"""Seeds that go to a worker together."""

_MAX_FINDINGS: Final = 10
"""After so many there is enough to look at."""


def main() -> int:
    """Simulate, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.seeded", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many nights")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes")
    parser.add_argument("--seed", type=int, help="one night alone")
    parser.add_argument("--stage", choices=STAGES, default="night", help="with --seed: what of it")
    parser.add_argument("--trace", action="store_true", help="with --seed: all that happens")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if given.seed is not None:
        return _one(given.seed, given.stage, trace=given.trace)
    return _many(range(given.first, given.first + given.seeds), given.jobs)


def _one(seed: int, stage: str, *, trace: bool) -> int:
    outcome = STAGES[stage].play(seed, verbose=trace)
    _say("\n".join(outcome.lines))
    _say("\n".join([f"seed {seed}, trace {outcome.trace}", *outcome.wrong]))
    return 1 if outcome.wrong else 0


def _many(seeds: range, jobs: int) -> int:
    began, number, found = time.monotonic(), 0, 0
    with ProcessPoolExecutor(jobs, initializer=logging.disable, initargs=(logging.CRITICAL,)) as pool:
        for number, finding in enumerate(pool.map(failure, seeds, chunksize=_AT_ONCE), 1):
            if finding is not None:
                found += 1
                _say(str(finding))
            if number % 500 == 0:
                _say(f"{number} nights, {found} wrong, {time.monotonic() - began:.0f} s")
            if found >= _MAX_FINDINGS:
                pool.shutdown(cancel_futures=True)
                break
    _say(f"{number} nights from seed {seeds.start}: {found} wrong, {time.monotonic() - began:.0f} s")
    return 1 if found else 0


def _say(text: str) -> None:
    if text:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
