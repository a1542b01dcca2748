"""A client of the stream of server-sent events: httpx, and the parser of HTML's section 9.2.6."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson

from tests.gateway.gateways import Message, Running, Viewer, http_client
from tests.patience import LIMIT_S

ALL = "contest=mayor&source=aa&unit=tr&unit=tr/*&unit=tr/34/*"


class EventReader(Viewer):
    """Reads events as they come, and applies them as a WebSocket client does. The stream's end is `None`."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(None)  # type: ignore[arg-type]  # it has no socket
        self.response = response
        self.last_id = ""
        self.retry_ms = 0
        self.comments = 0
        self.names: list[str] = []
        self._lines = response.aiter_lines()

    async def event(self) -> Message | None:
        """The next event's data."""
        name = "message"
        data: list[str] = []
        async for line in self._lines:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line and data:
                self.names.append(name)
                return self._message(name, "\n".join(data))
            if not field and line:
                self.comments += 1
            elif field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif field == "id":
                self.last_id = value
            elif field == "retry":
                self.retry_ms = int(value)
        return None

    async def next(self, *types: str) -> Message:
        async with asyncio.timeout(LIMIT_S):
            while (message := await self.event()) is not None:
                if message["type"] in types:
                    return message
        raise EOFError

    async def ends(self) -> None:
        """Return at the end of the stream."""
        async with asyncio.timeout(LIMIT_S):
            while await self.event() is not None:
                pass

    def _message(self, name: str, data: str) -> Message:
        message: Message = orjson.loads(data)
        assert name == {"error": "refusal"}.get(str(message["type"]), message["type"])
        self.messages.append(message)
        self.apply(message)
        return message


@asynccontextmanager
async def listening(
    gateway: Running, query: str = ALL, *, last_id: str | None = None, **options: Any
) -> AsyncIterator[EventReader]:
    """A client that listens."""
    headers = {"accept": "text/event-stream"} | ({"last-event-id": last_id} if last_id is not None else {})
    async with (
        http_client(gateway, **options) as client,
        client.stream("GET", f"/v1/stream?{query}", headers=headers) as response,
    ):
        yield EventReader(response)
