"""Follow an election night from a gateway: `@sandik/client` in Python.

async with connect(url, subscriptions=[Wanted("metropolitan_mayor", "aa", ("tr/34", "tr/34/*"))]) as night:
    async for change in night:
        print(night.entry(change.contest, change.source, "tr/34"), night.feeds)

- `night` is the machine, without I/O: one `subscription` after the other, each with its cursor, beside the server's
  state (feeds, holds). It also says when to come back.
- `connection` lets a WebSocket feed it; the token that it brings is replaced before it expires. It also asks for the
  election's definition, in any version: `night.definition_version` says by which one figures are summed up.
"""

from sandik.client.connection import LiveNight, Token, connect, fetch_definition
from sandik.client.night import Change, Handle, News, Night, Pending, Retry, Status, StatusChange, may_reconnect
from sandik.client.subscription import FeedNow, Figures, Wanted, covers, is_held

__all__ = [
    "Change",
    "FeedNow",
    "Figures",
    "Handle",
    "LiveNight",
    "News",
    "Night",
    "Pending",
    "Retry",
    "Status",
    "StatusChange",
    "Token",
    "Wanted",
    "connect",
    "covers",
    "fetch_definition",
    "is_held",
    "may_reconnect",
]
