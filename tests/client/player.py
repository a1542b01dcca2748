"""Plays a transcript through the Python machine, as tests/node/player.mjs does through the one in JavaScript."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sandik.client.night import Change, Handle, News, Night, Pending, StatusChange
from sandik.client.subscription import Figures, Wanted
from schemas.wire import SERVER_MESSAGE, Error, Subscribe, Unsubscribe

Step = Mapping[str, Any]
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")


class Player:
    """A night, the subscriptions that a transcript wants, and what came of its steps since the last look."""

    def __init__(self, wanted: Sequence[Mapping[str, Any]], places: Sequence[str]) -> None:
        self.wanted = [wanted_of(one) for one in wanted]
        self.places = places
        self.now = 0.0
        self.sent: list[Subscribe | Unsubscribe] = []
        self.told: list[News] = []
        self.delay_s: float | None = None
        self.handles: dict[int, Handle] = {}
        self.night = Night(send=self.sent.append, tell=self.told.append, now=lambda: self.now, random=lambda: 0.5)

    def play(self, step: Step) -> None:
        """Carry out one step: {"do": …}."""
        match step["do"]:
            case "receive":
                message = dict(step["message"])
                if isinstance(message.get("id"), int):
                    message["id"] = self.wanted[message["id"]].id
                self.night.receive(SERVER_MESSAGE.validate_python(message, strict=False))
            case "subscribe":
                self.handles[step["subscription"]] = self.night.subscribe(self.wanted[step["subscription"]])
            case "unsubscribe":
                self.handles[step["subscription"]].close()
            case "lose":
                self.delay_s = self.night.lose(step["code"])
            case "advance":
                self.now += step["seconds"]
            case name:
                getattr(self.night, name)()

    def look(self) -> dict[str, Any]:
        """Everything that a client could see now, as plain JSON."""
        night = self.night
        seen = {
            "status": night.status,
            "code": night.code,
            "run": night.run,
            "mode": night.mode,
            "epoch": night.epoch,
            "definition_version": night.definition_version,
            "scope": night.scope,
            "gaps": night.gaps,
            "reachable": night.reachable,
            "embargoed": night.embargoed,
            "embargo": night.embargo,
            "held": night.held,
            "holding": night.holding,
            "pending": night.pending,
            "calls": [call.model_dump() for call in night.calls],
            "graphics": {channel: graphic.model_dump() for channel, graphic in night.graphics.items()},
            "replay": night.replay.model_dump() if night.replay else None,
            "feeds": {source: asdict(feed) for source, feed in night.feeds.items()},
            "patience_s": night.patience_s,
            "delay_s": self.delay_s,
            "shown": {place: _figures(night.entry(*place.split(" "))) for place in self.places},
            "newest": {place: _figures(night.newest(*place.split(" "))) for place in self.places},
            "sent": [message.model_dump(exclude_none=True) for message in self.sent],
            "told": [_news(news) for news in self.told],
        }
        self.sent.clear()
        self.told.clear()
        return plain(seen)  # type: ignore[no-any-return]  # a dict gives a dict


def wanted_of(one: Mapping[str, Any]) -> Wanted:
    """What a transcript wants."""
    return Wanted(one["contest"], one["source"], tuple(one["units"]), one.get("max_rate_hz"))


def plain(value: Any) -> Any:  # noqa: PLR0911  one answer a kind
    """The same with every moment in UTC and every number a float, however it was written."""
    match value:
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case datetime():
            return round(value.timestamp(), 3)
        case str() if _MOMENT.fullmatch(value):
            return plain(datetime.fromisoformat(value))
        case bool():
            return value
        case int() | float():
            return round(float(value), 6)
        case _:
            return value


def _figures(figures: Figures | None) -> dict[str, Any] | None:
    if figures is None:
        return None
    return {name: value for name, value in asdict(figures).items() if value is not None}


def _news(news: News) -> list[Any]:
    match news:
        case Change():
            return ["change", asdict(news)]
        case Pending():
            return ["pending", {"pending": news.count}]
        case StatusChange():
            return ["connection", asdict(news)]
        case Error():
            return ["fault", news.message]
        case _:
            return [news.type, None]
