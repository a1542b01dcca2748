"""The naive oracle of the past: what may be told of a moment, by the records that the log had been given by then.

It shares nothing with the product's fold. Of a moment it takes from each partition what comes before the first record
that is newer, and the records of one place one by one. To the control room exactly that is told. To the public what
was on air, or what was on air up to `EARLIER_S` before; or, where the last totals before that have no watermark behind
them (since who published them died, say), since the last watermark. It is never told what was on air later.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import orjson

from eventlog.port import partition_of
from eventlog.run import RunTopics
from schemas.figures import EVERYWHERE
from schemas.moments import epoch_ms
from tests.simulation.seeded.law import Law
from tests.simulation.seeded.oracle import NOTHING, Figures, Place, Shown, overlaid, places
from tests.simulation.seeded.orders import Orders
from tests.simulation.seeded.store import Partition, Store, Stored
from tests.simulation.seeded.story import Story
from tests.simulation.seeded.tallied import Tallied, tallied

EARLIER_S: Final = 1.2
"""So long before the moment a figure may have been on air last: of each second compaction keeps one watermark."""

TOLD: Final = tuple(name for name in EVERYWHERE if name != "annulled")
"""The counts in an answer's row."""

Plain = tuple[tuple[int, ...], dict[str, int]]


class _Said(NamedTuple):
    """What a record of the totals topic says of a place; `number` is a version, or the order that it relays."""

    offset: int
    at_s: float
    kind: Literal["totals", "gate", "override"]
    number: int
    figures: Mapping[str, int]


class _Watermark(NamedTuple):
    """How far partitions were published, by the log's time and position of the record that says so."""

    end: int
    appended_ms: int
    positions: Mapping[str, int]


class PastOracle:
    """Judges what is told of moments that have been."""

    def __init__(self, store: Store, topics: RunTopics, story: Story, shown: Shown, orders: Orders) -> None:
        self._store = store
        self._topics = topics
        self._story = story
        self._shown = shown
        self._orders = orders
        self._said: dict[Place, list[_Said]] = {place: [] for place in places(shown.law)}
        self._watermarks: dict[bytes, _Watermark] = {}
        """By key the last one, which is what compaction leaves."""
        self._heard = 0
        self._come_to: dict[tuple[int, int], Tallied] = {}
        """What so many records of a partition come to: places share a partition, and a moment is asked for again."""

    def judge(self, moment: datetime, answer: Mapping[str, Any], *, public: bool) -> list[str]:
        """What is wrong with an answer of the route for totals about this moment."""
        self._hear()
        found = list(_wrong_sums(answer, self._law(moment)))
        banned = self._orders.is_banned(self._end(self._topics.control.name, moment), moment)
        if answer["embargoed"] != banned:
            found.append(f"it says that an embargo was {'' if answer['embargoed'] else 'not '}in force")
        told = {(row["contest"], row["source"], row["unit"]): _plain(row) for row in answer["totals"]}
        if public and banned:
            return found + [f"the public is told {figures} of {place}" for place, figures in told.items()]
        for place in places(self._shown.law):
            figures = told.get(place, _told(NOTHING))
            what = self._of_public(place, figures, moment) if public else self._of_control_room(place, figures, moment)
            if what is not None:
                found.append(f"{place} is told as {figures}, {what}")
        return found

    def _of_control_room(self, place: Place, told: Plain, moment: datetime) -> str | None:
        """All that had come in by then, and what was set by hand by then."""
        end = self._end(self._topics.totals.name, moment)
        true = overlaid(self._counted(place, self._tallies_by(place, moment)), self._by_hand(place, end))
        return None if told == _told(true) else f"and was {_told(true)} for the control room"

    def _of_public(self, place: Place, told: Plain, moment: datetime) -> str | None:
        end = self._end(self._topics.totals.name, moment)
        shown = self._shown.at(place, end, public=True)
        if told == _told(shown) or told in map(_told, self._earlier(place, end, moment)):
            return None
        return f"and {_told(shown)} was on air at {end}, version {shown.version}"

    def _earlier(self, place: Place, end: int, moment: datetime) -> Iterator[Figures]:
        """What was on air between what a watermark says that may be the last that is left, and a position."""
        before_ms = epoch_ms(moment) - round(EARLIER_S * 1_000)
        number = str(self._number(place))
        known = [
            (one.positions[number], -one.end)
            for one in self._watermarks.values()
            if one.appended_ms <= before_ms and number in one.positions
        ]
        first = -max(known)[1] if known else 0
        before = len(self._shown.public_by(place, first))
        yield from self._shown.public_by(place, end)[max(0, before - 1) :]

    def _by_hand(self, place: Place, end: int) -> Mapping[str, int]:
        """The figures that stand by hand at a position of the totals topic."""
        set_by = [said for said in self._said[place] if said.offset < end and said.kind == "override"]
        return max(set_by, key=lambda said: said.number).figures if set_by else {}

    def _counted(self, place: Place, end: int) -> Figures:
        """What the tallies before an offset come to."""
        return self._tallied(self._number(place), end).figures.get(place, NOTHING)

    def _tallied(self, number: int, end: int) -> Tallied:
        if (number, end) not in self._come_to:
            history = self._partitions[number].history[:end]
            self._come_to[number, end] = tallied(history, self._story.garbage, self._story.amending.laws)
        return self._come_to[number, end]

    def _law(self, moment: datetime) -> Law:
        """The version of the definition that was ordered by then, or that held among some tallies."""
        version = self._orders.versions[self._end(self._topics.control.name, moment)]
        for number, partition in enumerate(self._partitions):
            version = max(version, self._tallied(number, _end_of(partition.history, moment)).version)
        return self._story.amending.law_of(version)

    @property
    def _partitions(self) -> Sequence[Partition]:
        return self._store.partitions(self._topics.tallies.name)

    def _number(self, place: Place) -> int:
        return partition_of(place[2].encode(), self._topics.partitions)

    def _tallies_by(self, place: Place, moment: datetime) -> int:
        return _end_of(self._partitions[self._number(place)].history, moment)

    def _end(self, topic: str, moment: datetime) -> int:
        return _end_of(self._store.partitions(topic)[0].history, moment)

    def _hear(self) -> None:
        """Take down what has come into the totals topic since."""
        history = self._store.partitions(self._topics.totals.name)[0].history
        for record in history[self._heard :]:
            kind = (record.key or b"").partition(b":")[0].decode() if b":" in (record.key or b"") else "totals"
            if kind not in {"totals", "gate", "override", "watermark"}:
                continue
            fields = orjson.loads(record.value or b"")
            if kind == "watermark":
                found = _Watermark(record.offset + 1, record.timestamp, fields["positions"])
                self._watermarks[record.key or b""] = found
                continue
            place = fields["contest"], fields["source"], fields["district"]
            number = fields["version" if kind == "totals" else kind]
            figures = {"held": fields["held"]} if kind == "gate" else fields.get("figures", {})
            self._said[place].append(_Said(record.offset, record.at_s, kind, number, figures))  # type: ignore[arg-type]
        self._heard = len(history)


def _end_of(history: Sequence[Stored], moment: datetime) -> int:
    """The offset of the first record that is newer than the moment."""
    moment_ms = epoch_ms(moment)
    return next((record.offset for record in history if record.timestamp > moment_ms), len(history))


def _plain(row: Mapping[str, Any]) -> Plain:
    return tuple(row[name] for name in TOLD), {name: votes for name, votes in row["votes"].items() if votes}


def _told(figures: Figures) -> Plain:
    """Figures as an answer has them."""
    counts, votes = figures.plain
    return tuple(count for name, count in zip(EVERYWHERE, counts, strict=True) if name != "annulled"), votes


def _wrong_sums(answer: Mapping[str, Any], law: Law) -> Iterator[str]:
    """What is wrong with units: boxes that there were not, and above districts other sums than of those below."""
    rows = {(row["contest"], row["source"], row["unit"]): row for row in answer["totals"]}
    for (contest, source, unit), row in rows.items():
        if row["boxes_total"] != law.boxes_total(unit):
            yield f"{unit} is told to have {row['boxes_total']} boxes, and had {law.boxes_total(unit)}"
        if unit in law.boxes:
            continue
        parts = [place for place in rows if place[:2] == (contest, source) and place[2] in law.boxes]
        below = [rows[place] for place in parts if place[2].startswith(f"{unit}/")]
        counts = tuple(sum(one[name] for one in below) for name in TOLD)
        if _plain(row)[0] != counts:
            yield f"{unit} is told as {_plain(row)}, and its districts come to {counts}"
