"""Faults on the way to the log, as stages."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from math import log
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, get_args

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from eventlog.port import Entry
from producers.chance import Chance, seeded
from producers.input_files import did_you_mean, parse_toml
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

Delivering = Iterator[Delivery]


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
"""An id that no definition should have: what the unknown ids are replaced by."""


def damaged(entry: Entry, damage: Damage) -> Entry:
    """The record with this damage. One that cannot have it (a withdrawal has no votes) is cut short instead."""
    if damage == "misrouted":
        return Entry(entry.key + b"/astray", entry.value, entry.partition)
    return Entry(entry.key, _BYTES[damage](entry.value), entry.partition)


def _cut_short(value: bytes) -> bytes:
    text = value.rstrip()  # cut in its padding, an oversized one would be intact again
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


Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=7 * 24 * 3600)]

DAMAGES: Final[tuple[Damage, ...]] = get_args(Damage)


class _Stage(BaseModel):
    """`source`: only the deliveries of this source are disturbed; without it, all are."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    source: Id | None = None

    def concerns(self, delivery: Delivery) -> bool:
        """Whether this stage may disturb this delivery."""
        return self.source in (None, delivery.source)


class Duplicate(_Stage):
    """This share is sent once more, within `after_s`."""

    stage: Literal["duplicate"]
    share: Share = 0.05
    after_s: Seconds = 60.0

    def apply(self, deliveries: Deliveries, chance: Chance) -> Delivering:
        """The same deliveries and the doubles, in due order."""

        def doubled(delivery: Delivery) -> list[Delivery]:
            if self.concerns(delivery) and chance.random() < self.share:
                return [delivery, _later(delivery, self.after_s * chance.random())]
            return [delivery]

        return _in_order((delivery.due, doubled(delivery)) for delivery in deliveries)


class Reorder(_Stage):
    """This share is overtaken by whatever comes within the next `within_s`."""

    stage: Literal["reorder"]
    share: Share = 1.0
    within_s: Seconds = 30.0

    def apply(self, deliveries: Deliveries, chance: Chance) -> Delivering:
        """The same deliveries, some later by a time of their own."""

        def moved(delivery: Delivery) -> Delivery:
            if self.concerns(delivery) and chance.random() < self.share:
                return _later(delivery, self.within_s * chance.random())
            return delivery

        return _in_order((delivery.due, [moved(delivery)]) for delivery in deliveries)


class Delay(_Stage):
    """Everything comes later: by `by_s`, and by some more that is short mostly, `jitter_s` on average."""

    stage: Literal["delay"]
    by_s: Seconds = 30.0
    jitter_s: Seconds = 0.0

    def apply(self, deliveries: Deliveries, chance: Chance) -> Delivering:
        """The same deliveries, later. As on one connection, nothing overtakes anything."""
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
    """Connections break: with `share` as the chance at each delivery, and for `outage_s`.

    What falls into an outage is lost on the way, and sent once it is over; so are the `overlap` deliveries before it,
    because the sender cannot know whether they arrived.
    """

    stage: Literal["drop_and_resend"]
    share: Share = 0.002
    outage_s: Seconds = 30.0
    overlap: Annotated[int, Field(ge=0, le=10_000)] = 20

    def apply(self, deliveries: Deliveries, chance: Chance) -> Delivering:
        """The same deliveries, those of an outage at its end, with some that had arrived."""
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
    """This share comes damaged first, in one of the ways of `damages`, and then intact."""

    stage: Literal["corrupt"]
    share: Share = 0.01
    damages: Annotated[tuple[Damage, ...], Field(min_length=1, strict=False)] = DAMAGES

    def apply(self, deliveries: Deliveries, chance: Chance) -> Delivering:
        """The same deliveries, each damaged one before its intact one."""
        for delivery in deliveries:
            if self.concerns(delivery) and chance.random() < self.share:
                damage = self.damages[chance.randrange(0, len(self.damages))]
                yield delivery._replace(entry=damaged(delivery.entry, damage))
            yield delivery


class Burst(_Stage):
    """Nothing for `every_s`, then all that has gathered at once."""

    stage: Literal["burst"]
    every_s: Annotated[float, Field(gt=0, le=24 * 3600)] = 60.0

    def apply(self, deliveries: Deliveries, chance: Chance) -> Delivering:  # noqa: ARG002  a stage takes its chance
        """The same deliveries, each at the next whole multiple of `every_s`."""
        return _in_order(
            (
                delivery.due,
                [_later(delivery, -delivery.due.timestamp() % self.every_s) if self.concerns(delivery) else delivery],
            )
            for delivery in deliveries
        )


class Silence(_Stage):
    """Nothing comes from `since` to `until`; what was held back then comes within `catch_up_s`, still in order."""

    stage: Literal["silence"]
    since: AwareDatetime
    until: AwareDatetime
    catch_up_s: Seconds = 300.0

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.since >= self.until:
            raise ValueError("a silence ends after it began: until must be later than since")
        return self

    def apply(self, deliveries: Deliveries, chance: Chance) -> Delivering:  # noqa: ARG002  a stage takes its chance
        """The same deliveries; those of the silence squeezed into the minutes after it."""
        caught_up = self.until + timedelta(seconds=self.catch_up_s)

        def moved(delivery: Delivery) -> Delivery:
            if not self.concerns(delivery) or not self.since <= delivery.due < caught_up:
                return delivery
            place = (delivery.due - self.since) / (caught_up - self.since)
            return delivery._replace(due=self.until + place * (caught_up - self.until))

        return _in_order((delivery.due, [moved(delivery)]) for delivery in deliveries)


Stage = Annotated[Duplicate | Reorder | Delay | DropAndResend | Corrupt | Burst | Silence, Field(discriminator="stage")]

KINDS: Final[dict[str, type[BaseModel]]] = {
    "duplicate": Duplicate,
    "reorder": Reorder,
    "delay": Delay,
    "drop_and_resend": DropAndResend,
    "corrupt": Corrupt,
    "burst": Burst,
    "silence": Silence,
}
"""Every stage by its name."""


def disturb(deliveries: Deliveries, stages: Sequence[Stage], seed: int) -> Delivering:
    """Put the deliveries through all stages, the first one first. The same seed disturbs in the same way."""
    for place, stage in enumerate(stages):
        deliveries = stage.apply(deliveries, seeded(seed, "stage", place, stage.stage))
    return iter(deliveries)


def _later(delivery: Delivery, seconds: float) -> Delivery:
    return delivery._replace(due=delivery.due + timedelta(seconds=seconds))


def _in_order(known: Iterable[tuple[datetime, list[Delivery]]]) -> Delivering:
    """Deliveries in due order, given what becomes known at each moment: nothing that is due before it."""
    waiting: list[tuple[datetime, int, Delivery]] = []
    order = count()
    for moment, deliveries in known:
        for delivery in deliveries:
            heappush(waiting, (delivery.due, next(order), delivery))
        while waiting and waiting[0][0] <= moment:
            yield heappop(waiting)[2]
    while waiting:
        yield heappop(waiting)[2]


_STAGE: Final[TypeAdapter[Stage]] = TypeAdapter(Stage)


def parse_fault(text: str) -> Stage:
    """The stage that `NAME` or `NAME:key=value,…` stands for. Raises `ScenarioError`, which says what it may be."""
    name, _, settings = text.partition(":")
    if name not in KINDS:
        raise ScenarioError(f"There is no fault {name!r}.{did_you_mean(name, KINDS)} There is: {', '.join(KINDS)}.")
    fields: dict[str, Any] = {"stage": name}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise ScenarioError(f"{text!r}: {setting!r} sets nothing. Write it as key=value, such as share=0.1.")
        fields[key.strip()] = _value(value.strip())
    try:
        return _STAGE.validate_python(fields)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        key = str(fault["loc"][-1])
        hint = did_you_mean(key, KINDS[name].model_fields) if fault["type"] == "extra_forbidden" else ""
        known = ", ".join(field for field in KINDS[name].model_fields if field != "stage")
        raise ScenarioError(f"{text!r}: {key}: {fault['msg']}.{hint} {name} knows: {known}.") from error


def _value(text: str) -> float | str | datetime | list[str]:
    """A number, a moment, names joined by `+`, or a name."""
    if "+" in text and ":" not in text:
        return text.split("+")
    try:
        found: float | str | datetime = parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text
    return found
