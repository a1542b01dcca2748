"""Fuzz: `python -m tests.fuzz --inputs 1000000 --seed 1`. Ends with 1 where an input breaks a law.

One input alone, and as few of its bytes as break the law: `python -m tests.fuzz --target tally --seed 1 --input 17`.
"""

import argparse
import logging
import os
import signal
import sys
import time
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tests.fuzz.bounds import Bound
from tests.fuzz.campaign import Outcome, run
from tests.fuzz.every import TARGETS, inputs_of
from tests.fuzz.inputs import attempt, input_of, shortest

_SHOWN_BYTES: Final = 2_000
_LINE_EVERY: Final = 10_000
"""Inputs between two lines, where there is no terminal to show bars on."""


def main() -> int:
    """Fuzz, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many inputs, of all targets together")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other inputs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes")
    parser.add_argument("--target", choices=TARGETS, action="append", help="this one only; may be repeated")
    parser.add_argument("--input", type=int, help="with one --target: this input alone")
    given = parser.parse_args()
    names = given.target or list(TARGETS)
    for asked in (signal.SIGINT, signal.SIGTERM):  # a shell's job in the background would not hear the first
        signal.signal(asked, signal.default_int_handler)
    if given.input is None:
        return _many(names, given.seed, given.inputs, given.jobs)
    if len(names) != 1:
        parser.error("--input is one of one target: give --target")
    logging.disable(logging.CRITICAL)
    return _one(names[0], given.seed, given.input)


def _one(name: str, seed: int, number: int) -> int:
    target = TARGETS[name]
    with target.opened() as opened, Bound(target.cpu_s) as bound:
        data = input_of(target, opened.corpus, seed, number)
        found = attempt(target, bound, opened.check, data, (seed, number))
        if found is None:
            sys.stdout.write(f"{name}: input {number} of seed {seed}, {len(data)} bytes, breaks no law.\n")
            return 0
        short = shortest(target, bound, opened.check, data, found.kind)
    sys.stdout.write(f"{found.trace}\n{found}\n  {len(short)} of {len(data)} bytes do it: {short[:_SHOWN_BYTES]!r}\n")
    return 1


def _many(names: list[str], seed: int, inputs: int, jobs: int) -> int:
    began = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        *(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        counts = {name: inputs_of(TARGETS[name], inputs) for name in names}
        whole = progress.add_task("fuzzing", total=sum(counts.values()))
        bars = {name: progress.add_task(f"  {name}", total=count) for name, count in counts.items()}

        def on_progress(name: str, tried: int) -> None:
            progress.advance(bars[name], tried)
            progress.advance(whole, tried)
            done = int(progress.tasks[0].completed)
            if not sys.stderr.isatty() and done // _LINE_EVERY > (done - tried) // _LINE_EVERY:
                sys.stderr.write(f"{done:,} inputs, {time.monotonic() - began:.0f} s\n")

        outcomes = run(names, seed, inputs, jobs, on_progress)
    _say(outcomes, seed, time.monotonic() - began)
    return 1 if any(outcome.findings for outcome in outcomes.values()) else 0


def _say(outcomes: dict[str, Outcome], seed: int, seconds: float) -> None:
    console = Console(width=120)
    table = Table("target", "what", title=f"seed {seed}, {seconds:.0f} s")
    table.add_column("inputs", justify="right")
    table.add_column("broken", justify="right")
    for name, outcome in outcomes.items():
        table.add_row(name, TARGETS[name].about, f"{outcome.tried:,}", str(outcome.kinds.total()))
    console.print(table)
    for outcome in outcomes.values():
        for kind, finding in outcome.findings.items():
            console.print(f"{outcome.kinds[kind]} times: {finding}", markup=False, highlight=False)
    tried = sum(outcome.tried for outcome in outcomes.values())
    console.print(f"{tried:,} inputs, {sum(len(one.findings) for one in outcomes.values())} laws broken.", markup=False)


if __name__ == "__main__":
    sys.exit(main())
