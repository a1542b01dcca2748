"""`kill -9` of the real aggregator: its districts go on by itself, started again, and by another that stays."""

import re
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.simulation.forked import forked, run
from tests.simulation.processes import Process, until

NIGHT = ("--seed", "7", "--boxes-per-district", "4", "--speed", "0")
ALL = [0, 1, 2, 3]


async def test_partitions_come_back_by_a_restart_and_by_another_member(
    log_url: str, unique: str, tmp_path: Path
) -> None:
    where = ("--log", log_url, "--run", unique)
    run("simulate", *where, *NIGHT, "--partitions", "4")
    with ExitStack() as stack:

        def aggregator(name: str) -> Process:
            launch = partial(forked, output=tmp_path / name)
            arguments = ["--verbose", "aggregate", *where, "--member", name]
            return stack.enter_context(Process(arguments, launch))

        def folds(name: str) -> list[int]:
            """The partitions that it last said it folds."""
            path = tmp_path / name
            said = re.findall(r"Folding partitions \[([0-9, ]*)\]", path.read_text() if path.exists() else "")
            return [int(one) for one in said[-1].split(",") if one.strip()] if said else []

        one, two = aggregator("one"), aggregator("two")
        one.start()
        await until(lambda: folds("one") == ALL)
        one.kill()
        (tmp_path / "one").unlink()
        one.start()
        await until(lambda: folds("one") == ALL)
        two.start()
        await until(lambda: len(folds("two")) == 2 and sorted(folds("one") + folds("two")) == ALL)
        one.kill()
        await until(lambda: folds("two") == ALL)
