"""One client's side of `sandik.v1`, without any I/O: the text of a message in, what to do about it out.

A session is WAITING until the run is there and current; then it is OPEN and its client is greeted. What a client asks
for while WAITING is kept, so nobody has to know whether the gateway was started a second too late. Whatever a client
sends, the outcome is one of the outputs below, never an exception.

| state   | event   | next   |
|---------|---------|--------|
| WAITING | READY   | OPEN   |
| WAITING | GAVE_UP | CLOSED |
| WAITING | ENDED   | CLOSED |
| OPEN    | GAVE_UP | CLOSED |
| OPEN    | ENDED   | CLOSED |
| CLOSED  | ENDED   | CLOSED |
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Annotated, Final, NamedTuple

import orjson
from pydantic import BaseModel, Field, ValidationError

from schemas.definition import Election
from schemas.errors import UsageError
from schemas.fields import first_fault
from schemas.wire import (
    CLIENT_MESSAGE,
    CLOSE_REASONS,
    MAX_SUBSCRIPTIONS,
    CloseCode,
    Cursor,
    ErrorCode,
    Subscribe,
    SubscriptionId,
    Unsubscribe,
)

_MAX_NAMES_LISTED: Final = 20
"""Names in an error's message: more are no help to a reader. A contest or source beyond that is rare."""

_MAX_SELECTIONS_KEPT: Final = 1_024
"""Resolved selections kept for sharing, at up to 40 KB each for a whole country: 40 MB if somebody tries hard."""

_BELOW: Final = "/*"


class Unknown(UsageError):
    """A name that the definition does not have."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: Final = code


class Subscription(NamedTuple):
    """A subscription as the hub holds it: those that are equal share the bytes they are sent."""

    id: str
    contest: str
    source: str
    units: frozenset[str]
    max_rate_hz: float | None = None


class Catalogue:
    """The names of a definition, ready to be looked up."""

    def __init__(self, definition: Election) -> None:
        self._definition = definition
        self._selection = lru_cache(maxsize=_MAX_SELECTIONS_KEPT)(self._select)

    def subscription(self, message: Subscribe) -> Subscription:
        """What a client asks for, its patterns resolved. Raises `Unknown` for the first name that is not there."""
        return Subscription(
            id=message.id,
            contest=self.contest(message.contest),
            source=self.source(message.source),
            units=self.units(message.units),
            max_rate_hz=message.max_rate_hz,
        )

    def contest(self, name: str) -> str:
        """The name, if a contest has it. Raises `Unknown`."""
        if name not in self._definition.contest_by_id:
            there = _listed(self._definition.contest_by_id)
            raise Unknown("unknown_contest", f"There is no contest {name!r}. There are: {there}.")
        return name

    def source(self, name: str) -> str:
        """The name, if a source has it. Raises `Unknown`."""
        if name not in self._definition.source_ids:
            there = _listed(source.id for source in self._definition.sources)
            raise Unknown("unknown_source", f"There is no source {name!r}. There are: {there}.")
        return name

    def unit(self, name: str) -> str:
        """The name, if one unit has it. Raises `Unknown`."""
        if name not in self._definition.unit_by_id:
            example = self._definition.units[-1].id
            message = f"There is no unit {name!r}. Give an id such as {example!r}; GET /v1/definition lists them all."
            raise Unknown("unknown_unit", message)
        return name

    def units(self, patterns: Iterable[str]) -> frozenset[str]:
        """The ids of the units that the patterns stand for. Raises `Unknown` where one stands for none."""
        return self._selection(frozenset(patterns))

    def _select(self, patterns: frozenset[str]) -> frozenset[str]:
        selected: set[str] = set()
        for pattern in sorted(patterns):
            found = self._matching(pattern)
            if not found:
                raise Unknown(
                    "unknown_unit",
                    f"No unit matches {pattern!r}. Give a unit's id such as {self._definition.units[-1].id!r}, or an "
                    f"id and '{_BELOW}' for the units directly below it, or '{_BELOW}:' and a level's or tree's id for "
                    "those of the level, or of the tree directly below the country; GET /v1/definition lists them all.",
                )
            selected.update(found)
        return frozenset(selected)

    def _matching(self, pattern: str) -> tuple[str, ...]:
        definition = self._definition
        unit, is_below, kind = pattern.partition(_BELOW)
        if kind:
            return self._of_kind(unit, kind.removeprefix(":"))
        if is_below:
            return definition.children.get(unit, ())
        return (pattern,) if pattern in definition.unit_by_id else ()

    def _of_kind(self, above: str, kind: str) -> tuple[str, ...]:
        """The units of a level in this one, or those directly below the country in a tree."""
        definition = self._definition
        if kind in definition.tops:
            return definition.tops[kind] if above == definition.country else ()
        return tuple(unit for unit in definition.units_of_level.get(kind, ()) if above in definition.ancestors[unit])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(list(names)[:_MAX_NAMES_LISTED])


MAX_ERRORS: Final = 2 * MAX_SUBSCRIPTIONS
"""Wrong messages of one connection: a page whose every subscription is wrong makes half as many. More is a loop."""

_EXAMPLE: Final = '{"type":"subscribe","id":"s1","contest":"mayor","units":["tr/34","tr/34/*"],"source":"aa"}'
_MAX_QUOTED_CHARS: Final = 300
"""How much of a sentence about a faulty message goes back: it may quote the message, which may be 16 KiB long."""


class State(Enum):
    """Where a session is."""

    WAITING = auto()
    OPEN = auto()
    CLOSED = auto()


class Event(Enum):
    """What moves a session from one state to another."""

    READY = auto()
    GAVE_UP = auto()
    ENDED = auto()


TRANSITIONS: Final[dict[State, dict[Event, State]]] = {
    State.WAITING: {Event.READY: State.OPEN, Event.GAVE_UP: State.CLOSED, Event.ENDED: State.CLOSED},
    State.OPEN: {Event.GAVE_UP: State.CLOSED, Event.ENDED: State.CLOSED},
    State.CLOSED: {Event.ENDED: State.CLOSED},
}


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this text."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Follow:
    """Let the client follow a subscription, from `since` if that still means something."""

    subscription: Subscription
    since: Cursor | None


@dataclass(frozen=True, slots=True)
class Unfollow:
    """Send no more for this subscription."""

    id: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection."""

    code: int
    reason: str


Output = Reply | Follow | Unfollow | Close


class _Identified(BaseModel):
    """As much of a malformed message as helps its sender to find it."""

    id: Annotated[SubscriptionId, Field(strict=True)]


class Session:
    """The protocol's state for one client."""

    __slots__ = ("_catalogue", "_errors", "_subscribed", "_waiting", "state")

    def __init__(self) -> None:
        self.state = State.WAITING
        self._catalogue: Catalogue | None = None
        self._subscribed: list[str] = []
        """The ids, `MAX_SUBSCRIPTIONS` of them at most: most clients have one, and a set takes 200 bytes."""
        self._waiting: dict[str, Subscribe] = {}
        self._errors = 0

    def ready(self, catalogue: Catalogue) -> list[Output]:
        """The run is there, and the client is greeted: act on what it asked for meanwhile."""
        self._move(Event.READY)
        self._catalogue = catalogue
        outputs: list[Output] = []
        waiting, self._waiting = self._waiting, {}
        for message in waiting.values():
            self._subscribed.remove(message.id)
            outputs += self._act(message)
        return outputs

    def receive(self, text: str) -> list[Output]:
        """What to do about a message from the client; nothing, once the session is closed."""
        if self.state is State.CLOSED:
            return []
        try:
            message = CLIENT_MESSAGE.validate_json(text)
        except ValidationError as error:
            return self._refuse("malformed", f"{_fault_sentence(error)} A good message is: {_EXAMPLE}", _id_in(text))
        return self._act(message)

    def end(self) -> None:
        """The connection is gone."""
        self._move(Event.ENDED)

    def _act(self, message: Subscribe | Unsubscribe) -> list[Output]:
        if self.state is State.CLOSED:
            return []
        if isinstance(message, Unsubscribe):
            return self._unsubscribe(message)
        return self._subscribe(message)

    def _subscribe(self, message: Subscribe) -> list[Output]:
        if message.id not in self._subscribed and len(self._subscribed) >= MAX_SUBSCRIPTIONS:
            text = (
                f"A connection holds {MAX_SUBSCRIPTIONS} subscriptions. Unsubscribe one, or use fewer with more units."
            )
            return self._refuse("too_many_subscriptions", text, message.id)
        if self._catalogue is None:
            self._note(message.id)
            self._waiting[message.id] = message
            return []
        try:
            subscription = self._catalogue.subscription(message)
        except Unknown as error:
            return self._refuse(error.code, str(error), message.id)
        self._note(message.id)
        return [Follow(subscription, message.since)]

    def _unsubscribe(self, message: Unsubscribe) -> list[Output]:
        if message.id not in self._subscribed:
            text = f"There is no subscription {message.id!r} on this connection."
            return self._refuse("unknown_subscription", text, message.id)
        self._subscribed.remove(message.id)
        self._waiting.pop(message.id, None)
        return [Unfollow(message.id), Reply(orjson.dumps({"type": "unsubscribed", "id": message.id}))]

    def _note(self, subscription_id: str) -> None:
        if subscription_id not in self._subscribed:
            self._subscribed.append(subscription_id)

    def _refuse(self, code: ErrorCode, text: str, subscription: str | None) -> list[Output]:
        error = {"type": "error", "code": code, "message": text, "id": subscription}
        outputs: list[Output] = [Reply(orjson.dumps(error))]
        self._errors += 1
        if self._errors >= MAX_ERRORS:
            self._move(Event.GAVE_UP)
            outputs.append(Close(CloseCode.TOO_MANY_ERRORS, CLOSE_REASONS[CloseCode.TOO_MANY_ERRORS]))
        return outputs

    def _move(self, event: Event) -> None:
        try:
            self.state = TRANSITIONS[self.state][event]
        except KeyError:
            raise RuntimeError(f"A session that is {self.state.name} cannot be {event.name}.") from None


def _fault_sentence(error: ValidationError) -> str:
    return first_fault(error)[:_MAX_QUOTED_CHARS].encode(errors="replace").decode().rstrip(".") + "."


def _id_in(text: str) -> str | None:
    try:
        return _Identified.model_validate_json(text).id
    except ValidationError:
        return None
