"""Who asks a gateway for what was: the public and the control room, at its route for totals, in the night and after it.

The past is worked out by the product, in a process of its own, as it is: with a line to the log that does not fail.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from starlette.types import Message

from eventlog.run import Run, find_run
from gateway.admission.access import sign
from gateway.gateway import Gateway
from gateway.recall import Moments, Past
from gateway.routes.application import application
from sandik.past import past_of
from schemas.trust import OperatorKey
from tests.builders import NIGHT
from tests.gateway.tokens import HS256, SIGN_HS256
from tests.simulation.seeded.log import SimulatedLog
from tests.simulation.seeded.operators import RUN
from tests.simulation.seeded.past import PastOracle
from tests.simulation.seeded.store import Store

KEY: Final = HS256
"""By which the gateways check the control room's token."""

_APART_MS: Final = 2_000
"""So far from where the log's clock was set: what waited meanwhile is no matter of its time."""

_LATER_MS: Final = (0, 0, 1, 40, 150, 600, 1_500)
"""So long after a record a moment is asked for: at once, before the tick that publishes it, after that."""

_NO_PAGES: Final = Path(__file__).parent / "no-pages"
"""Nobody asks for a page, and an application for every question need not read them."""

_CONTROL_ROOM: Final = sign(
    SIGN_HS256,
    subject="control room",
    scope="control_room",
    runs=(RUN,),
    now=NIGHT - timedelta(days=1),
    expires=NIGHT + timedelta(days=1),
)


class Asking:
    """Asks gateways for moments that have been, and has the answers judged."""

    def __init__(
        self,
        store: Store,
        run: Run,
        operators: tuple[OperatorKey, ...],
        oracle: PastOracle,
        *,
        chance: random.Random,
        record: Callable[[str], None],
        wrong: Callable[[str], None],
    ) -> None:
        self._store = store
        self._run = run
        self._operators = operators
        self._oracle = oracle
        self._chance = chance
        self._record = record
        self._wrong = wrong
        self._unclear: list[tuple[int, int]] = []
        self._asked = 0

    def clock_set(self, before_ms: int, after_ms: int) -> None:
        """The log's clock was set: what it showed twice, or never, is no moment to ask for."""
        self._unclear.append((min(before_ms, after_ms) - _APART_MS, max(before_ms, after_ms) + _APART_MS))

    async def ask(self, gateway: Gateway, *, public: bool) -> None:
        """Ask for the totals at some moment, as somebody."""
        moment = self._moment()
        if moment is None:
            return
        status, body = await self._get(gateway, moment, public=public)
        who = "the public" if public else "the control room"
        self._record(f"{who} asks for {moment.isoformat()}: {status} {body.decode()}")
        if status == 200:
            for what in self._oracle.judge(moment, orjson.loads(body), public=public):
                self._wrong(f"{who} asks for {moment.isoformat()}: {what}")

    async def at(self, moment: datetime) -> Past:
        """What the process works out that a gateway starts for it."""
        async with SimulatedLog(self._store) as log:
            run = await find_run(log, RUN, self._operators)
            return await past_of(log, run, moment, self._operators)

    def _moment(self) -> datetime | None:
        """A moment at or after some record: none where the log's clock says nothing clear of it."""
        topics = self._run.topics
        topic = self._chance.choice([topics.tallies, topics.tallies, topics.totals, topics.control]).name
        records = [record for partition in self._store.partitions(topic) for record in partition.history]
        if not records:
            return None
        at_ms = self._chance.choice(records).timestamp + self._chance.choice(_LATER_MS)
        if at_ms >= self._store.now_ms() or any(first <= at_ms <= last for first, last in self._unclear):
            return None
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(NIGHT.tzinfo)

    async def _get(self, gateway: Gateway, moment: datetime, *, public: bool) -> tuple[int, bytes]:
        """What the gateway's route answers."""
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        headers = [] if public else [(b"authorization", f"Bearer {_CONTROL_ROOM}".encode())]
        query = urlencode({"at": moment.isoformat()}).encode()
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/v1/totals", "query_string": query}
        async with Moments(self) as moments:
            await application(gateway, _NO_PAGES, moments)(scope | {"headers": headers}, receive, send)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
