"""The faults that a seed brings: what happens, to whom, when. Data, so that a list of them can be made shorter."""

import random
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "append_unwritten",
    "ack_lost",
    "append_torn",
    "append_twice",
    "ack_late",
    "written_late",
    "read_error",
    "stray_cancel",
    "outage",
    "refused",
    "mute",
    "stall",
    "crash",
    "kill",
    "rebalance",
    "evict",
    "clock_jump",
    "compact",
    "disconnect",
    "clog",
]
"""What can happen.

append_unwritten: the next append fails, and nothing of it is written. ack_lost: it fails and is written. append_torn:
it fails and half of it is written. append_twice: it is written twice. ack_late: it is acknowledged late. written_late:
it fails, and is written later. read_error: the next read fails. stray_cancel: the next call is cancelled, by nobody.
outage: every call fails for a time. refused: every call fails for a time, and is told that trying again makes no
sense (a password, an ACL). mute: reads bring nothing for a time. stall: the process stands still for a time,
and goes on as if nothing had been. crash: the process dies at its next call but some, and is started again.
kill: it dies at that moment, wherever it waits.
rebalance: a group's partitions are shared out anew. evict: a member is taken out of its group, and learns it later.
clock_jump: a wall clock is set forward or back. compact: compacted topics are compacted. disconnect: a client's
connection is lost. clog: a client takes nothing for a time.
"""

AT_APPEND: Final[frozenset[Kind]] = frozenset(
    {"append_unwritten", "ack_lost", "append_torn", "append_twice", "ack_late", "written_late"}
)
"""What waits for the process's next append."""

MAX_FAULT_S: Final = 4.0
"""How long the longest fault lasts; a lease in a group lasts longer than most."""


@dataclass(frozen=True)
class Fault:
    """Something that happens to `target` at a virtual second; `amount` is seconds, or calls until a crash."""

    at_s: float
    kind: Kind
    target: str
    amount: float = 0.0


_TO_PROCESSES: Final[tuple[Kind, ...]] = (
    *sorted(AT_APPEND),
    "read_error",
    "stray_cancel",
    "outage",
    "refused",
    "mute",
    "stall",
    "crash",
    "kill",
    "evict",
)
_TO_CLIENTS: Final[tuple[Kind, ...]] = ("disconnect", "clog")
_MAX_JUMP_S: Final = 7_200.0
_MAX_CALLS: Final = 40


def draw(seed: object, processes: list[str], clients: list[str], *, count: int, until_s: float) -> tuple[Fault, ...]:
    """The faults of a seed, in the order of their time."""
    chance = random.Random(f"faults-{seed}")
    return tuple(sorted((_one(chance, processes, clients, until_s) for _ in range(count)), key=lambda one: one.at_s))


def _one(chance: random.Random, processes: list[str], clients: list[str], until_s: float) -> Fault:
    at_s = round(chance.uniform(0.0, until_s), 3)
    roll = chance.random()
    if roll < 0.65:
        kind = chance.choice(_TO_PROCESSES)
        amount = float(chance.randint(0, _MAX_CALLS)) if kind == "crash" else round(chance.uniform(0.1, MAX_FAULT_S), 3)
        return Fault(at_s, kind, chance.choice(processes), amount)
    if roll < 0.8:
        return Fault(at_s, chance.choice(_TO_CLIENTS), chance.choice(clients), round(chance.uniform(0.1, 3.0), 3))
    if roll < 0.87:
        return Fault(at_s, "rebalance", "log")
    if roll < 0.94:
        return Fault(at_s, "compact", "log")
    return Fault(
        at_s, "clock_jump", chance.choice([*processes, "log"]), round(chance.uniform(-_MAX_JUMP_S, _MAX_JUMP_S))
    )
