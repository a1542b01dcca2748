"""Totals of every contest, source and district from tallies, by Bytewax, with recovery on disk.

`python totals.py SERVERS TALLIES OUT FOLDER PARTITIONS`. A box counts with its newest revision.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSinkMessage, KafkaSourceMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

Boxes = dict[int, tuple[int, dict[str, int]]]
"""Each box's revision and votes, of a contest, source and district."""


class Cell(StatefulBatchLogic[dict[str, Any], bytes, Boxes]):
    """The boxes of a contest, source and district, and their sums: told once for all tallies that came together."""

    def __init__(self, boxes: Boxes | None) -> None:
        self.boxes = boxes or {}
        self.sums: dict[str, int] = {}
        for _, votes in self.boxes.values():
            self.add(votes, 1)

    def on_batch(self, tallies: list[dict[str, Any]]) -> tuple[Iterable[bytes], bool]:
        """Take tallies in."""
        for tally in tallies:
            known = self.boxes.get(tally["box"])
            if known is not None:
                if known[0] >= tally["revision"]:
                    continue
                self.add(known[1], -1)
            self.boxes[tally["box"]] = tally["revision"], tally["votes"]
            self.add(tally["votes"], 1)
        return [orjson.dumps(self.sums)], StatefulBatchLogic.RETAIN

    def snapshot(self) -> Boxes:
        """What a start after a crash goes on from."""
        return self.boxes.copy()

    def add(self, votes: dict[str, int], sign: int) -> None:
        for candidate, count in votes.items():
            self.sums[candidate] = self.sums.get(candidate, 0) + sign * count


def keyed(message: KafkaSourceMessage[bytes, bytes]) -> tuple[str, dict[str, Any]]:
    """The tally, by what it counts towards."""
    tally = orjson.loads(message.value or b"{}")
    return f"{tally['contest']}|{tally['source']}|{tally['district']}", tally


def flow(servers: str, tallies: str, out: str) -> Dataflow:
    """From the one topic to the other."""
    made = Dataflow("totals")
    read = kop.input("in", made, brokers=[servers], topics=[tallies], batch_size=2_000)
    totals = op.stateful_batch("add", op.map("key", read.oks, keyed), Cell)
    messages = op.map("message", totals, lambda one: KafkaSinkMessage(one[0].encode(), one[1]))
    kop.output("out", messages, brokers=[servers], topic=out)
    return made


if __name__ == "__main__":
    servers, tallies, out, folder, partitions = sys.argv[1:]
    kept = Path(folder)
    if not kept.exists():
        kept.mkdir(parents=True)
        init_db_dir(kept, int(partitions))
    cli_main(flow(servers, tallies, out), recovery_config=RecoveryConfig(str(kept)))
