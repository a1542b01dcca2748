"""One night as it runs in earnest: producers, two aggregators, two gateways, an archiver, and clients who are judged.

Every process is one that can be killed; whoever ends is started again, as a service manager would, and what it ended
with is kept. The clients are the load tester's, at both gateways in turn, and one of ours at each gateway.
"""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from eventlog.clock import Clock
from eventlog.port import EventLog
from eventlog.run import Run, create_run
from producers.simulating.library import read_scenario
from tests.chaos import feed
from tests.chaos.links import Line
from tests.chaos.oracle import Oracle
from tests.chaos.watching import Watch, acknowledged, scraped, shown
from tests.kafka.cluster import MECHANISM, USER
from tests.patience import LIMIT_S
from tests.ports import free_port
from tests.proxy import proxy
from tests.simulation.forked import forked
from tests.simulation.processes import Process, Screen

BOXES: Final = 40
"""Of each of the night's 39 districts."""

CLIENTS: Final = 12
"""Of the load tester, in each stack."""

SUPERVISED_EVERY_S: Final = 0.05
RESTARTED_AFTER_S: Final = 1.0
_SOON_S: Final = 0.005
NIGHT: Final = "night"
FEED: Final = "feed"
_MIX: Final = Path(__file__).with_name("mix.toml")
_MUCH_S: Final = 6 * 3_600
_WANTED: Final = {"contest": "metropolitan_mayor", "source": feed.SOURCE, "units": ["tr", "tr/34", "tr/34/*"]}


class Stack:
    """The processes of one run, and whoever looks at them."""

    def __init__(self, number: int, lines: Mapping[str, Line], folder: Path, clock: Clock) -> None:
        self.number = number
        self.lines = lines
        self.folder = folder
        self.clock = clock
        self.name = f"stack-{number}"
        self.processes: dict[str, Process] = {}
        self.watches: dict[str, Watch] = {}
        self.screens: list[Screen] = []
        self.ended: list[tuple[float, str, int]] = []
        """Who ended by itself: when, who, and with which exit code."""
        self.wrong: list[str] = []
        """What must never be."""
        self.killed = 0
        self.password = folder / "password"
        self.run: Run
        self.oracle: Oracle
        self._gateways = {"gateway-1": free_port(), "gateway-2": free_port()}
        self._metrics = {who: free_port() for who in ("aggregator-1", "aggregator-2", "archiver")}
        self._rests: set[str] = set()

    @asynccontextmanager
    async def running(self, log: EventLog, speed: float) -> AsyncIterator[None]:
        """The night, at this speed, while the block runs."""
        definition = read_scenario().shrink(boxes_per_district=BOXES).definition()
        self.run = await create_run(log, self.name, definition, mode="test", epoch="c4a0", clock=self.clock)
        self.oracle = Oracle(self.run)
        async with AsyncExitStack() as resources:
            self._prepare(resources, speed)
            balancer = await resources.enter_async_context(proxy(*self._gateways.values()))
            group = await resources.enter_async_context(asyncio.TaskGroup())
            tasks = [group.create_task(screen.watch()) for screen in self.screens]
            tasks.append(group.create_task(self._supervise()))
            judge = resources.enter_context(self._judged(balancer.port))
            try:
                yield
                await asyncio.to_thread(self._verdict, judge)
            finally:
                for task in tasks:
                    task.cancel()

    def gateway(self, who: str) -> str:
        """Where a gateway answers."""
        return f"http://127.0.0.1:{self._gateways[who]}"

    async def kill(self, who: str) -> None:
        """`kill -9`; it is started again at once, unless it rests."""
        process = self.processes[who]
        process.send(signal.SIGKILL)
        while not process.has_ended:  # noqa: ASYNC110  another process has no event to set
            await asyncio.sleep(_SOON_S)
        self.killed += 1
        if who not in self._rests:
            process.start()

    async def rest(self, *names: str) -> None:
        """Kill these, and leave it so."""
        self._rests |= set(names)
        for who in names:
            if not self.processes[who].has_ended:
                await self.kill(who)

    async def wake(self, *names: str) -> None:
        """Start these again."""
        self._rests -= set(names)
        for who in names:
            self.processes[who].start()

    async def stop(self, who: str) -> int | None:
        """Ask one to end (SIGTERM), and leave it so: its exit code; `None` where it does not end."""
        self._rests.add(who)
        process = self.processes[who]
        process.send(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT_S):
                while not process.has_ended:  # noqa: ASYNC110  another process
                    await asyncio.sleep(SUPERVISED_EVERY_S)
        return process.code

    async def finish_night(self) -> None:
        """Publish the simulated night to its end, as fast as it goes. The feed has come to its end, too."""
        await self.rest(NIGHT, FEED)
        self.set_speed(0)
        process = self.processes[NIGHT]
        process.start()
        async with asyncio.timeout(4 * LIMIT_S):
            while not process.has_ended:  # noqa: ASYNC110  another process
                await asyncio.sleep(SUPERVISED_EVERY_S)

    def set_speed(self, speed: float) -> None:
        """How fast the simulated night is from its next start on."""
        self.processes[NIGHT].arguments[-1] = str(speed)

    def _prepare(self, resources: AsyncExitStack, speed: float) -> None:
        self.folder.mkdir(parents=True)
        self.set_password("right")
        where = ["--run", self.name, "--log"]
        for who in ("aggregator-1", "aggregator-2"):
            port = self._metrics[who]
            work = ["aggregate", "--checkpoint-s", "2", "--metrics-port", str(port), *where, self.lines[who].url]
            self._add(resources, who, work, self.lines[who])
            self.watches[who] = Watch(who, partial(scraped, port, "sandik_aggregator_tallies_total"))
        for who, port in self._gateways.items():
            self._add(resources, who, ["gateway", "--port", str(port), *where, self.lines[who].url], self.lines[who])
            screen = Screen(f"ws://127.0.0.1:{port}/v1/stream", {"type": "subscribe", "id": who, **_WANTED})
            screen.counter = feed.GROWS
            self.screens.append(screen)
            self.watches[who] = Watch(who, partial(shown, screen))
        port, line = self._metrics["archiver"], self.lines["archiver"]
        work = ["archive", "--out", str(self.folder / "archive"), "--roll-s", "2", "--metrics-port", str(port)]
        self._add(resources, "archiver", [*work, *where, line.url], line)
        self.watches["archiver"] = Watch("archiver", partial(scraped, port, "sandik_archiver_records"))
        line, memory = self.lines["producers"], self.folder / "fed"
        began_s = str(self.clock.now().timestamp())
        self._add(resources, FEED, [line.url, self.name, str(memory), began_s], line, is_feed=True)
        self.watches[FEED] = Watch(FEED, partial(acknowledged, memory))
        night = ["simulate", "--boxes-per-district", str(BOXES), "--source", "aa", "--source", "anka", *where, line.url]
        self._add(resources, NIGHT, [*night, "--speed", str(speed)], line)

    def set_password(self, password: str) -> None:
        """What whoever starts from now on gives as the password."""
        self.password.write_text(password)

    def _add(
        self, resources: AsyncExitStack, who: str, arguments: list[str], line: Line, *, is_feed: bool = False
    ) -> None:
        environment = {}
        if line.is_guarded:
            environment = {
                "SANDIK_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
                "SANDIK_KAFKA_SASL_MECHANISM": MECHANISM,
                "SANDIK_KAFKA_SASL_USERNAME": USER,
                "SANDIK_KAFKA_SASL_PASSWORD_FILE": str(self.password),
            }
        output = self.folder / f"{who}.log"
        launch = partial(forked, output=output, environment=environment, run=feed.main if is_feed else None)
        process = Process(arguments, launch)
        self.processes[who] = resources.enter_context(process)
        process.start()

    async def _supervise(self) -> None:
        """Start again whoever has ended by itself, after a second, and keep what it ended with."""
        due: dict[str, float] = {}
        while True:
            await asyncio.sleep(SUPERVISED_EVERY_S)
            now = self.clock.monotonic()
            for who, process in self.processes.items():
                code = process.code
                if code is None or code == -signal.SIGKILL or who in self._rests or (who, code) == (NIGHT, 0):
                    continue
                if who not in due:
                    due[who] = now + RESTARTED_AFTER_S
                    self._note_end(now, who, code)
                elif now >= due[who]:
                    del due[who]
                    process.start()

    def _note_end(self, now: float, who: str, code: int) -> None:
        self.ended.append((now, who, code))
        if code == 0:
            self.wrong.append(f"{self.name}: {who} has ended with 0, and nobody had asked it to")

    @contextlib.contextmanager
    def _judged(self, port: int) -> Iterator[subprocess.Popen[bytes]]:
        """The load tester, whose clients go to both gateways in turn."""
        command = [
            *(sys.executable, "-m", "sandik", "load", f"ws://127.0.0.1:{port}/v1/stream"),
            *("--clients", str(CLIENTS), "--processes", "1", "--ramp", "1s", "--duration", f"{_MUCH_S}s"),
            *("--grace", "30s", "--subscriptions", str(_MIX)),
        ]
        with (self.folder / "load.log").open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
            try:
                yield process
            finally:
                process.kill()
                process.wait(LIMIT_S)

    def _verdict(self, judge: subprocess.Popen[bytes]) -> None:
        """End the load tester, and take what it says of the clients."""
        judge.send_signal(signal.SIGTERM)
        code = judge.wait(2 * LIMIT_S)
        if code != 0:
            said = (self.folder / "load.log").read_text().splitlines()[-12:]
            self.wrong.append(f"{self.name}: the judge of the clients ended with {code}: {' / '.join(said)}")
        for who, screen in zip(self._gateways, self.screens, strict=True):
            self.wrong += [f"{self.name}: a client of {who}: {fault}" for fault in screen.faults]
