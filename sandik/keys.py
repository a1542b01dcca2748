"""The keys of a replay at a terminal: what each of them orders."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from eventlog.archive_segment import moment
from producers.replaying.control_topic import ReplayPosition
from producers.replaying.playhead import Status
from schemas.control import MAX_SPEED, MIN_SPEED

KEYS: Final = "space: pause or resume   ← →: five minutes   n: next record   + -: faster, slower   0: start   q: end"
QUIT: Final = "q"

_JUMP: Final = timedelta(minutes=5)
_LEFT, _RIGHT = "\x1b[D", "\x1b[C"
_MAX_BYTES: Final = 64
_SIXTY: Final = 60.0

Order = dict[str, Any]


def keys_in(text: str) -> Iterator[str]:
    """The keys that a terminal sent: letters, and arrows as their escape sequence."""
    at = 0
    while at < len(text):
        size = len(_LEFT) if text.startswith("\x1b[", at) else 1
        yield text[at : at + size]
        at += size


def ordered_by(key: str, place: ReplayPosition, start_us: int) -> Order | None:
    """What a key orders where the replay is at this place; `None` for any other key."""
    clock, first, last = (moment(us) for us in (place.clock_us, place.first_us, place.last_us))
    stands = place.status is Status.PAUSED
    orders: dict[str, Order] = {
        " ": {"type": "replay_resumed" if stands else "replay_paused"},
        _LEFT: {"type": "replay_sought", "to": max(first, clock - _JUMP)},
        _RIGHT: {"type": "replay_sought", "to": min(last, max(first, clock) + _JUMP)},
        "n": {"type": "replay_stepped", "records": 1},
        "+": {"type": "replay_speed_set", "speed": min(MAX_SPEED, (place.speed or _SIXTY) * 2)},
        "-": {"type": "replay_speed_set", "speed": max(MIN_SPEED, (place.speed or _SIXTY) / 2)},
        "0": {"type": "replay_sought", "to": moment(start_us)},
    }
    return orders.get(key)


@contextmanager
def raw_terminal() -> Iterator[bool]:
    """Let single keys through while the block runs; whether there is a terminal to read them from."""
    if not sys.stdin.isatty():
        yield False
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield True
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def pressed() -> AsyncIterator[str]:
    """Each key that is pressed, for ever."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, ready.set)
    try:
        while True:
            await ready.wait()
            ready.clear()
            text = os.read(sys.stdin.fileno(), _MAX_BYTES).decode(errors="ignore")
            if not text:
                return
            for key in keys_in(text):
                yield key
    finally:
        loop.remove_reader(sys.stdin)
