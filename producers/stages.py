"""Fault injection on the way to the log: stages, each of which maps a stream of deliveries to another. Pure.

A delivery is a record on its way from a producer to the log. Stages compose: any may follow any. None of them loses
anything: late, duplicate and reordered records are what revisions make harmless, and a damaged record comes beside the
intact one. So every composition ends in the totals of the undisturbed night, and what was damaged ends in quarantine.

A scenario lists stages under `[[faults]]`, the command line writes them as `duplicate:share=0.1,after_s=30`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from math import log
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, get_args

import orjson
from pydantic import AwareDatetime, Field, ValidationError, model_validator

from eventlog.port import Entry
from producers.chance import Chance, seeded
from producers.input_files import FileSection, Share, all_faults, did_you_mean, parse_toml
from schemas.errors import ScenarioError
from schemas.fields import MAX_BOX_NUMBER, Id
from schemas.tally import MAX_TALLY_BYTES


class Delivery(NamedTuple):
    """A record, when it is due to be appended, and which source sends it."""

    due: datetime
    entry: Entry
    source: str


Deliveries = Iterable[Delivery]
"""In due order."""

DeliveryStream = Iterator[Delivery]
"""The same, to be read once."""


Damage = Literal[
    "malformed",
    "oversized",
    "misrouted",
    "negative",
    "unknown_contest",
    "unknown_source",
    "unknown_district",
    "unknown_box",
    "unknown_candidate",
]

NOBODY: Final = "nobody"
"""An id that no definition should have: it replaces the real one in a record of an unknown contest, source, …"""


def damaged(entry: Entry, damage: Damage) -> Entry:
    """Return the record with this damage. One that cannot have it (a withdrawal has no votes) is cut short instead."""
    if damage == "misrouted":
        return Entry(entry.key + b"/astray", entry.value, entry.partition)
    return Entry(entry.key, _BYTES[damage](entry.value), entry.partition)


def _cut_short(value: bytes) -> bytes:
    text = value.rstrip()  # half of an oversized record may be padding only, and without it the record is intact
    return text[: len(text) // 2]


def _pad(value: bytes) -> bytes:
    return value + b" " * MAX_TALLY_BYTES


def _rewritten(value: bytes, **fields: object) -> bytes:
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError:
        return _cut_short(value)
    if not isinstance(record, dict) or not fields.keys() <= record.keys():
        return _cut_short(value)
    return orjson.dumps(record | fields)


_BYTES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "malformed": _cut_short,
    "oversized": _pad,
    "negative": lambda value: _rewritten(value, cast=-1),
    "unknown_contest": lambda value: _rewritten(value, contest=NOBODY),
    "unknown_source": lambda value: _rewritten(value, source=NOBODY),
    "unknown_district": lambda value: _rewritten(value, district=NOBODY),
    "unknown_box": lambda value: _rewritten(value, box=MAX_BOX_NUMBER),
    "unknown_candidate": lambda value: _rewritten(value, votes={NOBODY: 1}),
}


Seconds = Annotated[float, Field(ge=0, le=7 * 24 * 3600)]

DAMAGES: Final[tuple[Damage, ...]] = get_args(Damage)


class _Stage(FileSection):
    """What all stages have. `source`: disturb only the deliveries of this source; without it, those of all."""

    source: Id | None = None

    def concerns(self, delivery: Delivery) -> bool:
        """Return whether this stage may disturb this delivery."""
        return self.source in (None, delivery.source)


class Duplicate(_Stage):
    """Send this share of the deliveries once more, within `after_s`."""

    stage: Literal["duplicate"]
    share: Share = 0.05
    after_s: Seconds = 60.0

    def apply(self, deliveries: Deliveries, chance: Chance) -> DeliveryStream:
        """Yield the same deliveries and the duplicates, in due order."""

        def doubled(delivery: Delivery) -> list[Delivery]:
            if self.concerns(delivery) and chance.random() < self.share:
                return [delivery, _later(delivery, self.after_s * chance.random())]
            return [delivery]

        return _in_order((delivery.due, doubled(delivery)) for delivery in deliveries)


class Reorder(_Stage):
    """Let this share of the deliveries be overtaken by whatever comes within the next `within_s`."""

    stage: Literal["reorder"]
    share: Share = 1.0
    within_s: Seconds = 30.0

    def apply(self, deliveries: Deliveries, chance: Chance) -> DeliveryStream:
        """Yield the same deliveries, some of them later, each by a delay of its own."""

        def moved(delivery: Delivery) -> Delivery:
            if self.concerns(delivery) and chance.random() < self.share:
                return _later(delivery, self.within_s * chance.random())
            return delivery

        return _in_order((delivery.due, [moved(delivery)]) for delivery in deliveries)


class Delay(_Stage):
    """Delay everything by `by_s`, and by a jitter that is exponentially distributed with the mean `jitter_s`."""

    stage: Literal["delay"]
    by_s: Seconds = 30.0
    jitter_s: Seconds = 0.0

    def apply(self, deliveries: Deliveries, chance: Chance) -> DeliveryStream:
        """Yield the same deliveries, later. As on one connection, none overtakes another."""
        latest: datetime | None = None

        def moved(delivery: Delivery) -> Delivery:
            nonlocal latest
            if not self.concerns(delivery):
                return delivery
            late = _later(delivery, self.by_s - self.jitter_s * log(1 - chance.random()))
            latest = max(late.due, latest or late.due)
            return late._replace(due=latest)

        return _in_order((delivery.due, [moved(delivery)]) for delivery in deliveries)


class DropAndResend(_Stage):
    """Break the connection: at each delivery with the probability `share`, for `outage_s`.

    What is due during an outage is sent at its end. So are the `overlap` deliveries before it, once more: the sender
    cannot know whether they arrived.
    """

    stage: Literal["drop_and_resend"]
    share: Share = 0.002
    outage_s: Seconds = 30.0
    overlap: Annotated[int, Field(ge=0, le=10_000)] = 20

    def apply(self, deliveries: Deliveries, chance: Chance) -> DeliveryStream:
        """Yield the same deliveries, those of an outage at its end, together with duplicates of those before it."""
        return _in_order(self._sent(deliveries, chance))

    def _sent(self, deliveries: Deliveries, chance: Chance) -> Iterator[tuple[datetime, list[Delivery]]]:
        over: datetime | None = None
        arrived: deque[Delivery] = deque(maxlen=self.overlap)
        for delivery in deliveries:
            known: list[Delivery] = []
            if not self.concerns(delivery):
                known.append(delivery)
            elif over is not None and delivery.due < over:
                known.append(delivery._replace(due=over))
            elif chance.random() < self.share:
                resent_at = over = delivery.due + timedelta(seconds=self.outage_s)
                known += [earlier._replace(due=resent_at) for earlier in (*arrived, delivery)]
                arrived.clear()
            else:
                arrived.append(delivery)
                known.append(delivery)
            yield delivery.due, known


class Corrupt(_Stage):
    """Send this share of the records damaged first, in one of the ways of `damages`, and then intact."""

    stage: Literal["corrupt"]
    share: Share = 0.01
    damages: Annotated[tuple[Damage, ...], Field(min_length=1, strict=False)] = DAMAGES

    def apply(self, deliveries: Deliveries, chance: Chance) -> DeliveryStream:
        """Yield the same deliveries, each damaged one before its intact one."""
        for delivery in deliveries:
            if self.concerns(delivery) and chance.random() < self.share:
                damage = self.damages[chance.randrange(0, len(self.damages))]
                yield delivery._replace(entry=damaged(delivery.entry, damage))
            yield delivery


class Burst(_Stage):
    """Send nothing for `every_s`, then all at once what is due by then."""

    stage: Literal["burst"]
    every_s: Annotated[float, Field(gt=0, le=24 * 3600)] = 60.0

    def apply(self, deliveries: Deliveries, chance: Chance) -> DeliveryStream:  # noqa: ARG002  a stage takes its chance
        """Yield the same deliveries, each due at the next whole multiple of `every_s`."""
        return _in_order(
            (
                delivery.due,
                [_later(delivery, -delivery.due.timestamp() % self.every_s) if self.concerns(delivery) else delivery],
            )
            for delivery in deliveries
        )


class Silence(_Stage):
    """Send nothing from `since` to `until`; send what was due meanwhile within `catch_up_s` afterwards, in order."""

    stage: Literal["silence"]
    since: AwareDatetime
    until: AwareDatetime
    catch_up_s: Seconds = 300.0

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.since >= self.until:
            raise ValueError("a silence ends after it began: until must be later than since")
        return self

    def apply(self, deliveries: Deliveries, chance: Chance) -> DeliveryStream:  # noqa: ARG002  a stage takes its chance
        """Yield the same deliveries; those of the silence and of the catch-up share the catch-up."""
        caught_up = self.until + timedelta(seconds=self.catch_up_s)

        def moved(delivery: Delivery) -> Delivery:
            if not self.concerns(delivery) or not self.since <= delivery.due < caught_up:
                return delivery
            # maps [since, caught_up) linearly onto [until, caught_up): so the order stays, also with what is due then
            part = (delivery.due - self.since) / (caught_up - self.since)
            return delivery._replace(due=self.until + part * (caught_up - self.until))

        return _in_order((delivery.due, [moved(delivery)]) for delivery in deliveries)


AnyStage = Duplicate | Reorder | Delay | DropAndResend | Corrupt | Burst | Silence
Stage = Annotated[AnyStage, Field(discriminator="stage")]

KINDS: Final[dict[str, type[AnyStage]]] = {
    "duplicate": Duplicate,
    "reorder": Reorder,
    "delay": Delay,
    "drop_and_resend": DropAndResend,
    "corrupt": Corrupt,
    "burst": Burst,
    "silence": Silence,
}
"""Every stage by its name."""


def disturb(deliveries: Deliveries, stages: Sequence[Stage], seed: int) -> DeliveryStream:
    """Put the deliveries through all stages, the first one first. The same seed disturbs in the same way."""
    for number, stage in enumerate(stages):
        deliveries = stage.apply(deliveries, seeded(seed, "stage", number, stage.stage))
    return iter(deliveries)


def _later(delivery: Delivery, seconds: float) -> Delivery:
    return delivery._replace(due=delivery.due + timedelta(seconds=seconds))


def _in_order(known: Iterable[tuple[datetime, list[Delivery]]]) -> DeliveryStream:
    """Yield deliveries in due order. `known` has, for moments in rising order, deliveries that are due then or later.

    A delivery is held until a moment after which nothing can become known that is due before it.
    """
    waiting: list[tuple[datetime, int, Delivery]] = []
    order = count()
    for moment, deliveries in known:
        for delivery in deliveries:
            heappush(waiting, (delivery.due, next(order), delivery))
        while waiting and waiting[0][0] <= moment:
            yield heappop(waiting)[2]
    while waiting:
        yield heappop(waiting)[2]


def parse_fault(text: str) -> Stage:
    """Return the stage that `NAME` or `NAME:key=value,…` stands for, in the words of a scenario's `[[faults]]`.

    Raises `ScenarioError`, which says what there is.
    """
    name, _, settings = text.partition(":")
    if name not in KINDS:
        raise ScenarioError(f"There is no fault {name!r}.{did_you_mean(name, KINDS)} There is: {', '.join(KINDS)}.")
    fields: dict[str, Any] = {"stage": name}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise ScenarioError(f"{text!r}: {setting!r} sets nothing. Write it as key=value, such as share=0.1.")
        fields[key.strip()] = _setting(value.strip())
    try:
        return KINDS[name].model_validate(fields)
    except ValidationError as error:
        fault = all_faults(error, KINDS[name])[0]
        known = ", ".join(field for field in KINDS[name].model_fields if field != "stage")
        raise ScenarioError(
            f"{text!r}: {fault}{'' if fault.endswith(('.', '?')) else '.'} {name} knows: {known}."
        ) from error


def _setting(text: str) -> float | str | datetime | list[str]:
    """Parse a number, a moment, names joined by `+`, or one name."""
    if "+" in text and ":" not in text:  # a moment has a colon, and its offset a plus
        return text.split("+")
    try:
        parsed: float | str | datetime = parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text
    return parsed
