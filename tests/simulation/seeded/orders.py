"""The naive oracle of the control topic: what operators have ordered by each of its positions, all keys known."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from tests.simulation.seeded.store import Stored


class Ban(NamedTuple):
    """An embargo as it was ordered; without `until` it ends by an order only."""

    until: datetime | None = None


class Frozen(NamedTuple):
    """Since which order a district shows nothing newer: where that order lies, and when it was appended."""

    offset: int
    at_s: float


class Orders:
    """Every position of the control topic: whether there is an embargo, what is held, what is set by hand."""

    def __init__(self, ignored: frozenset[bytes], districts: Collection[str]) -> None:
        """`districts` are those that there are in the end: an order about what is above them is about all of them."""
        self.bans: list[Ban | None] = [None]
        """The embargo that stands before each offset."""
        self.frozen: dict[tuple[str, str], Frozen] = {}
        """The contests and districts that are held by now."""
        self.by_hand: dict[tuple[str, str, str], dict[str, int]] = {}
        """The figures that are set by hand by now, by contest, source and district."""
        self.versions: list[int] = [1]
        """The version of the definition that is in force before each offset."""
        self._districts = districts
        self._ignored = ignored
        self._known: set[str] = set()

    @property
    def end(self) -> int:
        """The position after the last record."""
        return len(self.bans) - 1

    def hear(self, record: Stored) -> None:
        """A record was appended to the control topic."""
        fields = orjson.loads(record.value or b"")
        ban, version = self.bans[-1], self.versions[-1]
        if fields.get("id") and fields["id"] not in self._known and record.value not in self._ignored:
            self._known.add(fields["id"])
            if fields["type"] == "embargo_set":
                ban = Ban(datetime.fromisoformat(fields["until"]) if fields["until"] else None)
            elif fields["type"] == "embargo_lifted":
                ban = None
            elif fields["type"] == "definition_amended":
                version = fields["version"]
            self._hold(fields, Frozen(record.offset, record.at_s))
            self._set(fields)
        self.bans.append(ban)
        self.versions.append(version)

    def is_banned(self, position: int, now: datetime) -> bool:
        """Whether who has read the topic up to here knows of an embargo that is in force."""
        ban = self.bans[position]
        return ban is not None and (ban.until is None or now < ban.until)

    def _hold(self, fields: Mapping[str, Any], since: Frozen) -> None:
        unit = fields.get("unit") or "tr"
        for district in self._districts:
            place = fields.get("contest", ""), district
            if district != unit and not district.startswith(f"{unit}/"):
                continue
            match fields["type"]:
                case "held":
                    self.frozen.setdefault(place, since)
                case "taken" if place in self.frozen:
                    self.frozen[place] = since
                case "released":
                    self.frozen.pop(place, None)
                case _:
                    pass

    def _set(self, fields: Mapping[str, Any]) -> None:
        if fields["type"] == "figure_overridden":
            place = fields["contest"], fields["source"], fields["unit"]
            self.by_hand[place] = self.by_hand.get(place, {}) | fields["figures"]
        elif fields["type"] == "override_withdrawn":
            self.by_hand.pop((fields["contest"], fields["source"], fields["unit"]), None)
