"""Chaos on Apache Kafka: three brokers, the real commands as processes, and faults drawn from a seed.

Ends with 1 where anything is wrong: totals that are not the oracle's, a client that saw a gap or a step back, a process
that froze, or one that took longer than it may to move again after an outage.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from eventlog.clock import Wall
from sandik.process import run_to_completion
from schemas.errors import Interrupted
from tests.chaos.faults import KINDS
from tests.chaos.kills import Round
from tests.chaos.outages import BOUND_S, Outage
from tests.chaos.world import Plan, Report, play

EXAMPLE: Final = "Example: python -m tests.chaos --seed 7 --outages 200 --kills 1000 --stacks 3 --json chaos.json"

_LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS

_SIGNALLED: Final = 130
"""As a shell tells of who was ended by Ctrl-C."""

_console: Final = Console(highlight=False)


def main() -> int:
    """Let it happen, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("--seed", type=int, default=1, help="which faults, when and for how long (default 1)")
    parser.add_argument("--outages", type=int, default=10, help="how many outages of 1 to 60 s (default 10)")
    parser.add_argument("--kills", type=int, default=100, help="how many times kill -9 (default 100)")
    parser.add_argument("--stacks", type=int, default=2, help="nights beside one another (default 2)")
    parser.add_argument("--longest", type=float, default=60.0, metavar="S", help="the longest outage (default 60)")
    parser.add_argument("--faults", metavar="KIND,…", help=f"only these kinds of outages: {', '.join(KINDS)}")
    parser.add_argument("--speed", type=float, default=30.0, help="of the simulated night (default 30)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add every outage and round to a file")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep what the processes said and archived, here")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    only = tuple(given.faults.split(",")) if given.faults else ()
    if unknown := set(only) - set(KINDS):
        parser.error(f"there is no kind of fault {min(unknown)!r}; there are {', '.join(KINDS)}")
    plan = Plan(
        given.seed, given.outages, given.kills, given.stacks, longest_s=given.longest, speed=given.speed, only=only
    )
    with tempfile.TemporaryDirectory(prefix="sandik-chaos-") as folder:
        try:
            report = _play(plan, given.keep or Path(folder), given.json)
        except Interrupted:
            _console.print("Ended by a signal before all was done; so are brokers and processes.")
            return _SIGNALLED
        return _tell(report)


def _play(plan: Plan, folder: Path, json: Path | None) -> Report:
    folder.mkdir(exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console) as progress:
        outages = progress.add_task("outages", total=plan.outages)
        kills = progress.add_task("kills", total=plan.kills)

        def tell(what: Outage | Round) -> None:
            if json is not None:
                with json.open("ab") as file:
                    file.write(orjson.dumps(asdict(what), option=_LINE, default=lambda _: None))
            if isinstance(what, Outage):
                progress.advance(outages)
                progress.console.print(_line_of_outage(what), markup=False, soft_wrap=True)
            else:
                progress.advance(kills, sum(what.killed.values()))
                progress.console.print(_line_of_round(what), markup=False, soft_wrap=True)

        return run_to_completion(play(plan, folder, Wall(), tell))


def _line_of_outage(one: Outage) -> str:
    slowest = max((it.seconds or 0.0 for it in one.recoveries), default=0.0)
    ended = [f"{it.who} ended with {it.code}" for it in one.recoveries if it.code is not None]
    stack = "all stacks" if one.stack is None else f"stack {one.stack}"
    what = f"{one.number:4} {one.fault.kind}, {one.fault.whom}, {stack}, {one.lasted_s:.1f} s"
    return "; ".join([f"{what}: all move after {slowest:.1f} s", *ended])


def _line_of_round(one: Round) -> str:
    killed = ", ".join(f"{who} {count}" for who, count in sorted(one.killed.items()))
    return f"round {one.number:3} ({killed}): agreed after {max(one.agreed_s.values(), default=0.0):.1f} s"


def _tell(report: Report) -> int:
    promised = [it for one in report.outages for it in one.recoveries if it.is_promised]
    stood = [it for it in promised if it.stood]
    times = sorted(it.seconds for it in stood if it.seconds is not None)
    killed: dict[str, int] = {}
    for one in report.rounds:
        for who, count in one.killed.items():
            role = who.rsplit("-", 1)[0]
            killed[role] = killed.get(role, 0) + count
    table = Table(title=f"seed {report.plan.seed}, {report.plan.stacks} stacks, {report.tallies} tallies", box=None)
    table.add_column("what")
    table.add_column("how it went")
    table.add_row("outages", str(len(report.outages)))
    table.add_row("gateways and aggregators looked at", f"{len(promised)}, of which {len(stood)} stood still")
    table.add_row("… of these, moved again after", _quantiles(times))
    table.add_row("… ended with an exit code", str(sum(it.code is not None for it in promised)))
    table.add_row(f"… neither within {BOUND_S:.0f} s", str(len(report.late())))
    table.add_row("kill -9", f"{sum(killed.values())}: " + ", ".join(f"{n} {c}" for n, c in sorted(killed.items())))
    table.add_row("… all agreed with the oracle after", _quantiles(sorted(_agreed(report.rounds))))
    table.add_row("wrong", str(len(report.wrong)))
    _console.print(table)
    for wrong in [*report.late(), *report.wrong]:
        _console.print(wrong, markup=False, soft_wrap=True)
    return 1 if report.wrong or report.late() else 0


def _agreed(rounds: Sequence[Round]) -> list[float]:
    return [seconds for one in rounds for seconds in one.agreed_s.values()]


def _quantiles(times: Sequence[float]) -> str:
    if not times:
        return "nobody"
    at = [times[min(len(times) - 1, int(share * len(times)))] for share in (0.5, 0.99)]
    return f"median {at[0]:.1f} s, p99 {at[1]:.1f} s, at most {times[-1]:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
