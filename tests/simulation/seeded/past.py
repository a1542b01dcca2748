"""The naive oracle of the past: what may be told of a moment, by the records that the log had been given by then.

It shares nothing with the product's fold. Of a moment it takes from each partition what comes before the first record
that is newer, and the records of one place one by one. To the control room exactly that is told. To the public what
was on air, or else what was in the log already and came on air within `EARLY_S`, with no order and no embargo between;
just before an embargo it may be told what was on air a second before that began. Where an owner marks tallies as late
that are on air already, since nobody told it so, it may be told what was on air before them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

import orjson

from eventlog.port import partition_of
from eventlog.topics import RunTopics
from schemas.figures import COUNTS
from schemas.moments import epoch_ms
from tests.builders import DISTRICTS
from tests.simulation.seeded.oracle import NOTHING, Figures, Place, Shown, districts, overlaid
from tests.simulation.seeded.orders import Orders
from tests.simulation.seeded.store import Store, Stored
from tests.simulation.seeded.story import Story
from tests.simulation.seeded.tallied import tallied

EARLY_S: Final = 1.2
"""How much earlier than it was on air a figure may be told: the second after which tallies are marked as late, a tick
and the way to the log."""

EMBARGO_S: Final = 1.0
"""What came so shortly before an embargo began may be left out."""

CONFUSED_S: Final = 5.0
"""An owner that does not know what is published says so again within a lease, or a few pauses between tries."""

TOLD: Final = tuple(name for name in COUNTS if name != "annulled")
"""The counts in an answer's row."""

Plain = tuple[tuple[int, ...], dict[str, int]]


class _Said(NamedTuple):
    """What a record of the totals topic says of a place; `number` is a version, or the order that it relays."""

    offset: int
    at_s: float
    kind: Literal["totals", "gate", "override"]
    number: int
    figures: Mapping[str, int]


class _Late(NamedTuple):
    """What says that the tallies of a partition from one on are published after it."""

    offset: int
    at_s: float
    partition: int
    tally: int


class PastOracle:
    """Judges what is told of moments that have been."""

    def __init__(self, store: Store, topics: RunTopics, story: Story, shown: Shown, orders: Orders) -> None:
        self._store = store
        self._topics = topics
        self._story = story
        self._shown = shown
        self._orders = orders
        self._said: dict[Place, list[_Said]] = {place: [] for place in districts()}
        self.early_s = EARLY_S
        """Longer once a clock was set: whoever takes up a partition compares its own with the log's."""
        self._late: list[_Late] = []
        self._heard = 0
        self._come_to: dict[tuple[int, int], Mapping[Place, Figures]] = {}
        """What so many records of a partition come to: places share a partition, and a moment is asked for again."""

    def judge(self, moment: datetime, answer: Mapping[str, Any], *, public: bool) -> list[str]:
        """What is wrong with an answer of the route for totals about this moment."""
        self._hear()
        found = list(_wrong_sums(answer))
        banned = self._orders.is_banned(self._end(self._topics.control.name, moment), moment)
        if answer["embargoed"] != banned:
            found.append(f"it says that an embargo was {'' if answer['embargoed'] else 'not '}in force")
        told = {(row["contest"], row["source"], row["unit"]): _plain(row) for row in answer["totals"]}
        if public and banned:
            return found + [f"the public is told {figures} of {place}" for place, figures in told.items()]
        for place in districts():
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
        if told == _told(shown) or told in map(_told, self._instead(place, end, moment)):
            return None
        return f"and {_told(shown)} was on air at {end}, version {shown.version}"

    def _instead(self, place: Place, end: int, moment: datetime) -> Iterator[Figures]:
        """What may be told of a place in the stead of what was on air at a position."""
        began = self._embargo_after(moment)
        yield from self._early(place, end, moment, until_s=math.inf if began is None else began.at_s)
        if began is not None:
            earlier = datetime.fromtimestamp(began.timestamp / 1000, moment.tzinfo) - timedelta(seconds=EMBARGO_S)
            before = self._end(self._topics.totals.name, earlier)
            yield self._shown.at(place, before, public=True)
            yield from self._early(place, before, earlier, until_s=began.at_s)
        yield from self._marked(place, end)
        yield from self._confused(place, end, moment)

    def _early(self, place: Place, end: int, moment: datetime, *, until_s: float) -> Iterator[Figures]:
        """What was in the log already and came on air soon after, before any order about the place, and before then."""
        if self._is_held(place, end):
            return
        by_then = [said for said in self._said[place] if said.offset < end]
        version = max((said.number for said in by_then if said.kind == "totals"), default=-1)
        known = {(said.kind, said.number) for said in by_then}
        by_hand, partition, last = self._by_hand(place, end), self._partition(place), self._tallies_by(place, moment)
        for said in self._said[place][len(by_then) :]:
            if (said.kind, said.number) in known:
                continue  # it is said again
            if said.kind != "totals" or said.at_s >= until_s:
                return
            for offset in range(version + 1, min(said.number + 1, last)):
                if said.at_s - partition[offset].at_s <= self.early_s:
                    yield overlaid(self._counted(place, offset + 1), by_hand)
            version = max(version, said.number)

    def _marked(self, place: Place, end: int) -> Iterator[Figures]:
        """What was on air before what is marked as published later.

        Whoever marks it may not know that it is published: by another owner, or because the log has taken what it did
        not acknowledge.
        """
        known, number = self._shown.public_by(place, end), self._number(place)
        for late in self._late:
            if late.offset >= end and late.partition == number:
                before = [index for index, one in enumerate(known) if one.version is None or one.version < late.tally]
                yield from known[before[-1] :]

    def _confused(self, place: Place, end: int, moment: datetime) -> Iterator[Figures]:
        """What the place came to by any of its tallies by then, where who marks them as late was mistaken.

        About when it marks them it publishes again what is published: it was not told that the log took it, or that
        another owner was there. So which of the tallies were on air by then is not what its mark says.
        """
        last, by_hand = self._tallies_by(place, moment), self._by_hand(place, end)
        marked = [late.at_s for late in self._late if late.offset >= end and late.partition == self._number(place)]
        highest, again = -1, []
        for said in self._said[place]:
            if said.kind == "totals":
                again += [said.at_s] if said.number <= highest and said.offset >= end else []
                highest = max(highest, said.number)
        if not self._is_held(place, end) and any(abs(one - other) < CONFUSED_S for one in marked for other in again):
            yield from (overlaid(self._counted(place, offset), by_hand) for offset in range(last + 1))

    def _embargo_after(self, moment: datetime) -> Stored | None:
        """The order by which an embargo began just after the moment."""
        history = self._store.partitions(self._topics.control.name)[0].history
        for record in history[self._end(self._topics.control.name, moment) :]:
            at = datetime.fromtimestamp(record.timestamp / 1000, moment.tzinfo)
            if self._orders.is_banned(record.offset + 1, at):
                return record if at - moment <= timedelta(seconds=EMBARGO_S) else None
        return None

    def _by_hand(self, place: Place, end: int) -> Mapping[str, int]:
        """The figures that stand by hand at a position of the totals topic."""
        set_by = [said for said in self._said[place] if said.offset < end and said.kind == "override"]
        return max(set_by, key=lambda said: said.number).figures if set_by else {}

    def _is_held(self, place: Place, end: int) -> bool:
        gates = [said for said in self._said[place] if said.offset < end and said.kind == "gate"]
        return bool(gates) and bool(max(gates, key=lambda said: said.number).figures["held"])

    def _counted(self, place: Place, end: int) -> Figures:
        """What the tallies before an offset come to."""
        number = self._number(place)
        if (number, end) not in self._come_to:
            self._come_to[number, end] = tallied(self._partition(place)[:end], self._story.garbage).figures
        return self._come_to[number, end].get(place, NOTHING)

    def _partition(self, place: Place) -> Sequence[Stored]:
        return self._store.partitions(self._topics.tallies.name)[self._number(place)].history

    def _number(self, place: Place) -> int:
        return partition_of(place[2].encode(), self._topics.partitions)

    def _tallies_by(self, place: Place, moment: datetime) -> int:
        return _end_of(self._partition(place), moment)

    def _end(self, topic: str, moment: datetime) -> int:
        return _end_of(self._store.partitions(topic)[0].history, moment)

    def _hear(self) -> None:
        """Take down what has come into the totals topic since."""
        history = self._store.partitions(self._topics.totals.name)[0].history
        for record in history[self._heard :]:
            kind = (record.key or b"").partition(b":")[0].decode() if b":" in (record.key or b"") else "totals"
            if kind not in {"totals", "gate", "override", "late"}:
                continue
            fields = orjson.loads(record.value or b"")
            if kind == "late":
                self._late.append(_Late(record.offset, record.at_s, fields["partition"], fields["offset"]))
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
    return tuple(count for name, count in zip(COUNTS, counts, strict=True) if name != "annulled"), votes


def _wrong_sums(answer: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the units above the districts: each is to be the sum of those below it."""
    rows = {(row["contest"], row["source"], row["unit"]): row for row in answer["totals"]}
    for (contest, source, unit), row in rows.items():
        if unit in DISTRICTS:
            continue
        below = [row for place, row in rows.items() if place[:2] == (contest, source) and _is_below(place[2], unit)]
        counts = tuple(sum(one[name] for one in below) for name in TOLD)
        if _plain(row)[0] != counts:
            yield f"{unit} is told as {_plain(row)}, and its districts come to {counts}"


def _is_below(district: str, unit: str) -> bool:
    return district in DISTRICTS and district.startswith(f"{unit}/")
