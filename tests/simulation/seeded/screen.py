"""A simulated client: the real client's core over two queues in virtual time. It judges all that it is told."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import orjson

from gateway.admission.access import Grant
from gateway.clients.framing import Framing
from gateway.clients.hub import AHEAD_PATIENCE_S
from gateway.gateway import Gateway
from sandik.client import night as client
from sandik.client.subscription import Wanted
from schemas.figures import EVERYWHERE
from schemas.wire import SERVER_MESSAGE, Delta, Hello, Snapshot, Subscribe, Unsubscribe
from tests.builders import DISTRICTS
from tests.simulation.seeded.oracle import Place, Shown

UNITS: Final = (*DISTRICTS, "tr/34", "tr")
NUMBERS: Final = frozenset({"snapshot", "delta", "event"})
"""The types of messages that hold figures of the night."""

_TRAVEL_S: Final = (0.001, 0.1)
_LOST: Final = 1006
_APART_S: Final = 1e-6
"""What keeps two messages in their order."""


class Connection:
    """One connection, as the gateway sees it."""

    framing = Framing.PLAIN

    def __init__(self, gateway: Gateway, screen: "Screen") -> None:
        self.gateway = gateway
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._screen = screen
        self._leaving = False
        self._down_s = self._up_s = 0.0

    def unsent_bytes(self) -> int:
        return 1

    def check(self, news: bytes) -> None:
        """A ping: whoever is here answers."""
        self.send(news)

    def send(self, data: bytes) -> None:
        for payload in messages_in(data):
            self._screen.look(self, payload)
            self._down_s = self._later(self._down_s, self._arrive, payload)

    def close(self, code: int, _: str) -> None:
        if not self._leaving:
            self._leaving = True
            self.gateway.broadcaster.leave(self)
            asyncio.get_running_loop().call_soon(self.gateway.broadcaster.disconnect, self)
            self._down_s = self._later(self._down_s, self._end, code)

    def say(self, text: str) -> None:
        """The client sends a message."""
        self._up_s = self._later(self._up_s, self._hear, text)

    def lose(self, *, gateway_lives: bool = True) -> None:
        """Nothing gets through any more."""
        if gateway_lives and not self._leaving:
            self.gateway.broadcaster.disconnect(self)
        self._leaving = True
        self._end(_LOST)

    def clog(self, clogged: bool) -> None:
        """The client takes no more, or takes it again."""
        if not self._leaving:
            self.gateway.broadcaster.set_draining(self, not clogged)

    def _later(self, last_s: float, work: Callable[..., None], *args: object) -> float:
        loop = asyncio.get_running_loop()
        at_s = max(last_s + _APART_S, loop.time() + self._screen.chance.uniform(*_TRAVEL_S))
        loop.call_at(at_s, work, *args)
        return at_s

    def _arrive(self, payload: bytes) -> None:
        if not self.closed.done():
            self._screen.receive(payload)

    def _hear(self, text: str) -> None:
        if not self._leaving:
            self.gateway.broadcaster.receive(self, text)

    def _end(self, code: int) -> None:
        if not self.closed.done():
            self.closed.set_result(code)


class Screen:
    """One client, for a whole night. `wrong` is told what must not be; `embargoed` whether a gateway knows of a ban.

    `views` say what is to be shown by whom each version of the definition is in force for.
    """

    def __init__(
        self,
        name: str,
        grant: Grant,
        views: Sequence[Shown],
        *,
        chance: random.Random,
        wrong: Callable[[str], None],
        embargoed: Callable[[Gateway], bool],
        record: Callable[[str], None],
    ) -> None:
        self.name = name
        self.chance = chance
        self.connection: Connection | None = None
        self._grant = grant
        self._views = views
        self._version = 1
        self._versions: dict[str, int] = {}
        self._wrong = wrong
        self._embargoed = embargoed
        self._record = record
        self._asked_s: dict[str, float] = {}
        loop = asyncio.get_running_loop()
        self._night = client.Night(send=self._send, tell=lambda _: None, now=loop.time, random=chance.random)
        pairs = ("mayor", "aa"), chance.choice([("mayor", "anka"), ("district_mayor", "aa")])
        rates = chance.choice([None, None, 2.0])
        asked = [Wanted(contest, source, UNITS, rates) for contest, source in pairs]
        self._wanted = {wanted.id: wanted for wanted in asked}
        for wanted in self._wanted.values():
            self._night.subscribe(wanted)

    @property
    def is_public(self) -> bool:
        """Whether it is shown what is on air, and not all there is."""
        return self._grant.scope == "public"

    async def live(self, gateways: Callable[[], list[Gateway]]) -> None:
        """Stay connected for ever, each time to any gateway that is there."""
        while True:
            self._night.connecting()
            await asyncio.sleep(self.chance.uniform(*_TRAVEL_S))
            there = gateways()
            if not there:
                await asyncio.sleep(self._night.lose(_LOST) or 0)
                continue
            self.connection = Connection(self.chance.choice(there), self)
            self.connection.gateway.broadcaster.connect(self.connection, self._grant)
            self._night.opened()
            code = await self.connection.closed
            self.connection = None
            await asyncio.sleep(self._night.lose(code) or 0)

    def behind(self) -> list[Place]:
        """Where it does not show what is to be shown by now."""
        places = [(wanted.contest, wanted.source, unit) for wanted in self._wanted.values() for unit in wanted.units]
        if self._version != len(self._views):
            return places
        return [place for place in places if not self._is_right(place, self._shown.end)]

    @property
    def _shown(self) -> Shown:
        return self._views[self._version - 1]

    def look(self, connection: Connection, payload: bytes) -> None:
        """A gateway has sent this."""
        self._record(f"{self.name} {payload.decode()}")
        if self.is_public and orjson.loads(payload)["type"] in NUMBERS and self._embargoed(connection.gateway):
            self._wrong(f"{self.name} was sent figures under an embargo: {payload.decode()[:200]}")

    def receive(self, payload: bytes) -> None:
        """Take a message, and see that what is shown then is what was to be shown at that position."""
        message = SERVER_MESSAGE.validate_json(payload)
        if isinstance(message, Hello):
            self._hear_version(message)
        before = self._seq_before(message.id) if isinstance(message, Snapshot | Delta) else 0
        if isinstance(message, Snapshot) and message.seq < before and not self._was_patient(message.id):
            self._wrong(f"{self.name} steps back from {before} to {message.seq}")
        self._night.receive(message)
        if self._night.gaps:
            self._wrong(f"{self.name} has a gap at {payload.decode()[:100]}")
        if isinstance(message, Snapshot | Delta) and self._night._subscriptions[message.id].seq == message.seq:
            wanted = self._wanted[message.id]
            for unit in wanted.units:
                place = (wanted.contest, wanted.source, unit)
                if not self._is_right(place, message.seq):
                    shown = self._shown.at(place, message.seq, public=self.is_public).plain
                    self._wrong(f"{self.name} shows {self._figures(place)} of {place} at {message.seq}, not {shown}")

    def _seq_before(self, subscription: str) -> int:
        """How far the client is; 0 by another definition, whose positions cannot be compared with these."""
        one = self._night._subscriptions[subscription]
        return one.seq if self._versions.get(one.epoch or "", self._version) == self._version else 0

    def _hear_version(self, message: Hello) -> None:
        """Each version of the definition has an epoch of its own."""
        self._version = message.definition_version
        if self._versions.setdefault(message.epoch, self._version) != self._version:
            self._wrong(f"{self.name} is told version {self._version} in {message.epoch}, and was told another")

    def _send(self, message: Subscribe | Unsubscribe) -> None:
        self._asked_s[message.id] = asyncio.get_running_loop().time()
        if self.connection is not None:
            self.connection.say(message.model_dump_json())

    def _was_patient(self, subscription: str) -> bool:
        """Whether the gateway has waited for what it has not read, and only then begun anew."""
        return asyncio.get_running_loop().time() - self._asked_s[subscription] >= AHEAD_PATIENCE_S

    def _is_right(self, place: Place, position: int) -> bool:
        found = self._night.newest(*place)
        if found is not None and found.boxes_total != self._shown.law.boxes_total(place[2]):
            return False
        return self._figures(place) == self._shown.at(place, position, public=self.is_public).plain

    def _figures(self, place: Place) -> tuple[tuple[int, ...], dict[str, int]]:
        found = self._night.newest(*place)
        if found is None:
            return (0,) * len(EVERYWHERE), {}
        votes = {name: count for name, count in found.votes.items() if count}
        return tuple(getattr(found, name) for name in EVERYWHERE), votes


def messages_in(data: bytes) -> Iterator[bytes]:
    """The payloads of whole text frames of a server (RFC 6455 section 5.2)."""
    while data:
        size, begin = data[1], 2
        if size >= 126:
            begin = 4 if size == 126 else 10
            size = int.from_bytes(data[2:begin], "big")
        yield data[begin : begin + size]
        data = data[begin + size :]
