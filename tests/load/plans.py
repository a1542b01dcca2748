"""Plans and outcomes, for tests."""

from dataclasses import replace
from typing import Any

from sandik.load.outcome import Histogram, LoadFigures, Outcome, Piece
from sandik.load.plan import Plan, Schedule, Stalling
from tests.builders import small_election

URL = "ws://127.0.0.1:1/v1/stream"
SCHEDULE = Schedule.of(small_election(), 10.0, seed=1)
MESSAGE = {"type": "subscribe", "id": "load", "contest": "mayor", "source": "aa", "units": ["tr"]}


def plan(**changes: Any) -> Plan:
    """Four clients of one subscription in one process: 10 s to connect, 20 s measured, with a feed of 10 a second."""
    fields: dict[str, Any] = {
        "url": URL,
        "token": None,
        "clients": 4,
        "processes": 1,
        "ramp_s": 10.0,
        "duration_s": 20.0,
        "grace_s": 1.0,
        "stalling": Stalling(),
        "subscriptions": (MESSAGE,),
        "units": (frozenset({"tr"}),),
        "allotted": (0, 0, 0, 0),
        "schedule": SCHEDULE,
        "wall_s": 1_000_000.0,
        "seed": 1,
    }
    return Plan(**fields | changes)


def outcome(**changes: Any) -> Outcome:
    """A load of some seconds that went well."""
    found = Outcome(plan(**changes))
    for second in range(30):
        figures = LoadFigures(frames=100, size_bytes=50_000, opened=1)
        figures.behind = Histogram(range(10_000, 60_000, 100))
        figures.newest = Histogram(range(5_000, 30_000, 100))
        found.take(0, Piece(second, 4, figures))
    found.settle()
    found.elapsed_s = 31.0
    found.cpu_s = [3.0]
    return found


def without_feed(**changes: Any) -> Plan:
    """The same with somebody else's feed."""
    return replace(plan(**changes), schedule=None, units=())
