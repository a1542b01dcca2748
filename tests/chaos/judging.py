"""Whether everybody shows what the oracle makes of the log: the gateways; at last the log and the archive."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
import orjson

from eventlog.port import EventLog
from tests.chaos.oracle import Figures, differences
from tests.chaos.stack import Stack
from tests.chaos.watching import PATIENCE_S
from tests.consumers.oracle import Key
from tests.gateway.gateways import WITHOUT_TLS
from tests.simulation.processes import run

_LOOK_EVERY_S: Final = 0.3
_ASK_S: Final = 10.0
_SHOWN: Final = 3
"""Differences that are told; the first few say what kind they are."""


async def agreed(stack: Stack, log: EventLog) -> None:
    """Return once both gateways show the naive sums of what the log holds; note in the stack who never does.

    Nothing may be appended to the tallies meanwhile.
    """
    expected = await stack.oracle.expected(log)
    for who in ("gateway-1", "gateway-2"):
        wrong: Sequence[str] = ["it has not answered"]
        try:
            async with asyncio.timeout(PATIENCE_S):
                while wrong := await _differences(stack, who, expected):  # noqa: ASYNC110  another process
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            stack.wrong.append(f"{stack.name}: {who} does not come to the oracle's totals: {'; '.join(wrong[:_SHOWN])}")


async def _differences(stack: Stack, who: str, expected: Mapping[Key, Figures]) -> Sequence[str]:
    try:
        async with httpx.AsyncClient(timeout=_ASK_S, verify=WITHOUT_TLS) as client:
            answer = await client.get(f"{stack.gateway(who)}/v1/totals")
    except httpx.HTTPError as error:
        return [repr(error)]
    if answer.status_code != httpx.codes.OK:
        return [answer.text]
    rows: Sequence[Mapping[str, Any]] = orjson.loads(answer.content)["totals"]
    return differences(expected, rows)


async def verdict(stack: Stack, log: EventLog, url: str) -> None:
    """The night is over: finish it, and see that everything that was made of the log is what the oracle says."""
    await stack.finish_night()
    await agreed(stack, log)
    expected = await stack.oracle.expected(log)
    where = ["--log", url, "--run", stack.name]
    rows = orjson.loads(await asyncio.to_thread(run, "totals", *where, "--tell", "log", "--format", "json"))
    stack.wrong += [f"{stack.name}: sandik totals: {one}" for one in differences(expected, rows)[:_SHOWN]]
    await _stop_archiver(stack)
    folder = str(stack.folder / "archive")
    await asyncio.to_thread(run, "archive", *where, "--out", folder, "--no-follow")
    await asyncio.to_thread(run, "verify", folder)


async def _stop_archiver(stack: Stack) -> None:
    """SIGTERM: it writes what it has, and ends with 0."""
    code = await stack.stop("archiver")
    if code != 0:
        stack.wrong.append(f"{stack.name}: the archiver was asked to end, and ended with {code}")
