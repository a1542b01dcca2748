"""A bare connection to a gateway, for what no library would send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from gateway.admission.handshake import Limits
from gateway.settings import GatewaySettings
from tests.gateway.gateways import FAST, Running, is_ready, night, running, viewer
from tests.patience import LIMIT_S

OPENING: Final = (
    b"GET /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
)
MASKED: Final = 0x80
NO_MASK: Final = bytes(4)
"""A mask of zeros: what is masked with it stays as it is."""

RESTLESS: Final = replace(FAST, heartbeat_s=0.2, limits=Limits())
"""Whoever does not answer a goodbye is cut off after two heartbeats. Limits are those of a gateway in earnest."""


def frame(payload: bytes, first: int = 0x81) -> bytes:
    """One frame from a client."""
    size = len(payload)
    if size < 126:
        head = bytes([first, MASKED | size])
    elif size < 65_536:
        head = bytes([first, MASKED | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, MASKED | 127]) + size.to_bytes(8, "big")
    return head + NO_MASK + payload


@asynccontextmanager
async def attacked(
    folder: Path, settings: GatewaySettings = RESTLESS
) -> AsyncIterator[tuple[Running, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A gateway, a bare connection to it, and afterwards a look whether it still serves everybody else."""
    async with night(folder) as log, running(log, settings=settings) as gateway:
        await is_ready(gateway)
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        try:
            yield gateway, reader, writer
        finally:
            writer.transport.abort()
        async with viewer(gateway) as other:
            await other.subscribe("tr")
            await other.next("snapshot")


async def opened(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *headers: bytes) -> None:
    writer.write(OPENING + b"".join(line + b"\r\n" for line in headers) + b"\r\n")
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT_S)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Everything until the gateway hangs up."""
    received = b""
    try:
        while data := await asyncio.wait_for(reader.read(65_536), LIMIT_S):
            received += data
    except ConnectionError:
        pass
    return received


def closing(code: int) -> bytes:
    return code.to_bytes(2, "big")
