"""What docs/protocol.md tells a client's author is what the gateway does."""

import asyncio
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from gateway.clients.session import MAX_ERRORS
from schemas.wire import CLIENT_MESSAGE, MAX_MESSAGE_BYTES, MAX_SUBSCRIPTIONS, SERVER_MESSAGE, CloseCode, ErrorCode
from tests.gateway.gateways import night, publish, running
from tests.gateway.nights import totals
from tests.patience import LIMIT_S

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_message(example: str) -> None:
    adapter: Any = CLIENT_MESSAGE if 'subscribe"' in example else SERVER_MESSAGE
    message = adapter.validate_json(example)
    assert f'"type":"{message.type}"' in example


def test_every_message_has_an_example() -> None:
    types = set(re.findall(r'"type":"(\w+)"', "".join(EXAMPLES)))
    assert types == {
        "subscribe",
        "unsubscribe",
        "hello",
        "snapshot",
        "delta",
        "state",
        "event",
        "unsubscribed",
        "error",
        "goodbye",
    }


def test_every_error_and_close_code_is_listed() -> None:
    for code in get_args(ErrorCode):
        assert f"`{code}`" in PAGE
    for closing in CloseCode:
        assert f"| {closing.value} |" in PAGE


def test_the_limits_are_the_real_ones() -> None:
    assert f"{MAX_MESSAGE_BYTES // 1024} KiB" in PAGE
    assert f"more than {MAX_SUBSCRIPTIONS} on one connection" in PAGE
    assert f"After {MAX_ERRORS} such errors" in PAGE


async def test_the_python_client_follows_a_night_through_a_restart(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)\n```", PAGE, re.DOTALL)
    names: dict[str, Any] = {"__name__": "a page"}
    exec(compile(source, "docs/protocol.md", "exec"), names)  # noqa: S102  it is our own page
    shown: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 1}))
        async with running(log) as gateway:
            follow = names["follow"](gateway.ws, lambda units: shown.put_nowait(dict(units)), "mayor")
            client = asyncio.create_task(follow)
            await seen(shown, 1)
        await publish(log, totals(votes={"imamoglu": 2}, version=1))
        async with running(log, port=gateway.port):
            await seen(shown, 2)
            client.cancel()
            await asyncio.wait({client}, timeout=LIMIT_S)


async def seen(shown: "asyncio.Queue[dict[str, Any]]", votes: int) -> None:
    """Return once the client shows so many votes in the district."""
    async with asyncio.timeout(LIMIT_S):
        while (await shown.get())["tr/34/uskudar"].votes["imamoglu"] != votes:
            pass
