"""The real commands as processes, to be killed; and a client that comes back with its cursor."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol, Self

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.patience import LIMIT_S


class Launched(Protocol):
    """A process that was started, as `subprocess.Popen` and `forked.Forked` have it."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises `subprocess.TimeoutExpired`."""
        ...


def launched(arguments: list[str]) -> Launched:
    """A command of ours in a new interpreter."""
    command = [sys.executable, "-m", "sandik", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@dataclass
class Process:
    """One command that is started again whenever it was killed."""

    arguments: list[str]
    launch: Callable[[list[str]], Launched] = launched
    starts: int = 0
    _process: Launched | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it unless it runs."""
        if self._process is None or self._process.poll() is not None:
            self._process = self.launch(self.arguments)
            self.starts += 1

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._process is None:
            raise RuntimeError("It was not started.")
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it was started, and is over."""
        return self._process is not None and self._process.poll() is not None

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        return self._process.poll() if self._process is not None else None

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        if self._process is None:
            raise RuntimeError("It was not started.")
        return self._process.wait(LIMIT_S)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(self._process.pid, number)

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self.send(signal.SIGKILL)
            self._process.wait(LIMIT_S)


async def until(holds: Callable[[], bool]) -> None:
    """Return once it holds: something that another process does, such as writing a file."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110  another process has no event to set
            await asyncio.sleep(0.02)


def run(*arguments: str) -> bytes:
    """Run a command to its end; its standard output."""
    return subprocess.run(
        [sys.executable, "-m", "sandik", *arguments], check=True, capture_output=True, timeout=4 * LIMIT_S
    ).stdout


@dataclass
class Screen:
    """A graphics client: shows absolute values, keeps its cursor, and reports whatever must never happen."""

    url: str
    subscription: dict[str, Any]
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    cursor: dict[str, Any] | None = None
    faults: list[str] = field(default_factory=list)
    connections: int = 0
    messages: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    version: int | None = None
    """The version of the definition that it was told last."""
    counter: str | None = None
    """A figure that only grows, where there is one."""

    @property
    def seq(self) -> int:
        """How far it is."""
        return self.cursor["seq"] if self.cursor is not None else 0

    async def watch(self) -> None:
        """Stay connected for ever, coming back with the cursor whenever the connection is lost."""
        while True:
            with contextlib.suppress(OSError, WebSocketException):
                await self._connected()
            await asyncio.sleep(0.02)  # the pause of a client between two attempts

    async def _connected(self) -> None:
        async with connect(self.url, compression=None, open_timeout=LIMIT_S) as socket:
            self.connections += 1
            since = {"since": self.cursor} if self.cursor else {}
            await socket.send(orjson.dumps(self.subscription | since).decode())
            async for message in socket:
                self._take(orjson.loads(message))

    def _take(self, message: dict[str, Any]) -> None:
        self.messages += 1
        match message["type"]:
            case "hello":
                self.version = message["definition_version"]
                if self.cursor is None:
                    self.cursor = {"epoch": message["epoch"], "seq": 0}
            case "snapshot":
                self._check(message)
                shown = {entry["unit"]: entry for entry in message["totals"]}
                self.faults += [f"{unit} was blanked" for unit in self.shown.keys() - shown.keys()]
                self.shown = shown
            case "delta":
                self._check(message)
                if self.cursor is not None and message["from"] > self.cursor["seq"]:
                    self.faults.append(f"gap: from {message['from']} beyond {self.cursor['seq']}")
                for entry in message["totals"]:
                    self._merge(entry)
            case "error":
                self.faults.append(f"error: {message}")
        if message["type"] in {"snapshot", "delta"} and self.cursor is not None:
            self.cursor = {"epoch": message.get("epoch", self.cursor["epoch"]), "seq": message["seq"]}
            self.moved.set()

    def _check(self, message: dict[str, Any]) -> None:
        if self.cursor is not None and message["seq"] < self.cursor["seq"]:
            self.faults.append(f"seq stepped back from {self.cursor['seq']} to {message['seq']}")

    def _merge(self, entry: dict[str, Any]) -> None:
        known = self.shown.setdefault(entry["unit"], {"votes": {}})
        if known.get("boxes_opened") and entry.get("boxes_opened") == 0:
            self.faults.append(f"{entry['unit']} fell to zero")
        if self.counter and entry.get(self.counter, inf) < known.get(self.counter, 0):
            self.faults.append(f"{self.counter} of {entry['unit']} fell to {entry[self.counter]}")
        votes = {**known["votes"], **entry.get("votes", {})}
        known.update(entry)
        known["votes"] = votes
