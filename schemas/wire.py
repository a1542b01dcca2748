"""The WebSocket protocol `sandik.v1`: every message, both ways, as JSON text frames.

A cursor is `(epoch, seq)`. `seq` N means that the first N positions of the totals topic are folded in; 0 is an empty
screen. `epoch` names the incarnation of the log: with another epoch a cursor means nothing and a snapshot follows.

`asyncapi` describes the stream for generators of clients or of documentation. The application in it is the gateway: it
receives what clients send, and sends the rest. https://www.asyncapi.com/docs/reference/specification/v3.1.0
"""

from enum import IntEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError, ValidationInfo, ValidatorFunctionWrapHandler
from pydantic.functional_validators import WrapValidator
from pydantic.json_schema import models_json_schema

from schemas.control import Mode, Speed
from schemas.fields import Frozen, Id, Total, UnitId
from schemas.graphics import Graphic
from schemas.progress import PlaybackStatus

PROTOCOL: Final = "sandik.v1"
"""The WebSocket subprotocol; a client may ask for it by name."""

MAX_MESSAGE_BYTES: Final = 16 * 1024
"""The largest message a client may send: a subscription to all of Türkiye's 1,345 districts by pattern is 200 bytes."""

MAX_SUBSCRIPTIONS: Final = 32
"""Subscriptions per connection: three contests, three sources, and three more of each for a control room, doubled."""

MAX_UNITS: Final = 256
"""Unit patterns in one subscription; 81 provinces and their `/*` fit."""

MAX_RATE_HZ: Final = 100

MAX_PAUSE_S: Final = 24 * 3600.0
"""The longest that a client is told to wait, for a sign of life or before it comes back: who waits longer is frozen."""

UnitPattern = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[a-z0-9][a-z0-9_\-/]*(/\*(:[a-z0-9][a-z0-9_\-]*)?)?$")
]
"""A unit id; or a unit id and `/*` for the units directly below it; or `/*:` and a level's id for all units of that
level in it, or the id of another tree for its units directly below the country."""

SubscriptionId = Annotated[str, Field(min_length=1, max_length=32)]

Scope = Literal["public", "control_room", "operator"]
"""What a connection may see; each includes the one before it."""


FROM_THE_SERVER: Final = "from the server"
"""The context in which a client reads messages: a newer server's word where there is a choice of words is kept."""


def _keep_newer(word: object, read: ValidatorFunctionWrapHandler, about: ValidationInfo) -> object:
    try:
        return read(word)
    except ValidationError:
        if about.context == FROM_THE_SERVER and isinstance(word, str):
            return word
        raise


_Newer: Final = WrapValidator(_keep_newer)
"""A choice of words that a newer server may have more of: one that is not known must not cost the whole message."""


class Cursor(Frozen):
    """What a client has seen: everything up to `seq` in `epoch`."""

    epoch: str
    seq: Total


class Subscribe(Frozen):
    """Client: send me these units of this contest from this source, and every change from now on.

    With `since` only what changed after that cursor is sent. A second `subscribe` with the same `id` replaces the
    first.
    Clients that use the same `id` for the same subscription share the bytes they are sent.
    """

    type: Literal["subscribe"]
    id: SubscriptionId
    contest: Id
    units: Annotated[tuple[UnitPattern, ...], Field(min_length=1, max_length=MAX_UNITS)]
    source: Id
    since: Cursor | None = None
    max_rate_hz: Annotated[float, Field(gt=0, le=MAX_RATE_HZ, strict=False)] | None = None


class Unsubscribe(Frozen):
    """Client: send no more for this subscription."""

    type: Literal["unsubscribe"]
    id: SubscriptionId


ClientMessage = Annotated[Subscribe | Unsubscribe, Field(discriminator="type")]
CLIENT_MESSAGE: Final[TypeAdapter[Subscribe | Unsubscribe]] = TypeAdapter(ClientMessage)


class Entry(Frozen):
    """The figures of one unit. In a snapshot all fields are there; in a delta only those that changed.

    A count that a snapshot does not have is unknown: the source does not give it (`absent` in the definition). `blank`
    is there where the contest counts blank votes apart.

    All values are absolute. `registered` counts the voters of the opened boxes: the denominator of turnout.
    `overridden` names the figures that an operator has set by hand, in the unit or below, such as `votes.imamoglu`.

    What may be said of the unit follows from its districts and never from its sums: `complete` is whether each has
    exactly all of its boxes opened, `boxes_surplus` how many opened boxes count in no share of boxes, since their
    district has no such many, and `contradictions` names what figures of a district contradict.
    """

    unit: UnitId
    level: Id | None = None
    boxes_total: Total | None = None
    as_of: AwareDatetime | None = None
    boxes_opened: Total | None = None
    annulled: Total | None = None
    registered: Total | None = None
    cast: Total | None = None
    valid: Total | None = None
    invalid: Total | None = None
    unattributed: Total | None = None
    flagged: Total | None = None
    blank: Total | None = None
    votes: dict[Id, Total] | None = None
    overridden: tuple[str, ...] | None = None
    boxes_surplus: Total | None = None
    complete: bool | None = None
    contradictions: tuple[str, ...] | None = None


class Hello(Frozen):
    """Server: the first message of every connection. `mode` says whether this is a live night.

    `definition_version` is that of the election's definition by which the figures of this epoch are summed up. A client
    that has another one fetches it anew.

    During an embargo `seq` is 0 for the public: how much has come in is a number too.
    """

    type: Literal["hello"]
    protocol: Literal["sandik.v1"]
    run: str
    mode: Mode
    epoch: str
    seq: Total
    heartbeat_s: Annotated[float, Field(gt=0, le=MAX_PAUSE_S)]
    scope: Scope = "public"
    definition_version: Annotated[int, Field(ge=1)] = 1


class Snapshot(Frozen):
    """Server: everything subscribed to that there is. Units never reported are not listed. Replaces what was."""

    type: Literal["snapshot"]
    id: SubscriptionId
    contest: Id
    source: Id
    epoch: str
    seq: Total
    as_of: AwareDatetime | None
    totals: tuple[Entry, ...]


class Delta(Frozen):
    """Server: what changed after `from`, up to `seq`. `from` is at or before the client's cursor.

    A client that sees a `from` beyond its cursor has found a fault of the server's; it subscribes again without
    `since`.
    """

    type: Literal["delta"]
    id: SubscriptionId
    from_: Annotated[Total, Field(alias="from")]
    seq: Total
    as_of: AwareDatetime | None
    totals: tuple[Entry, ...]


FeedState = Literal["live", "quiet", "stale", "down"]


class Feed(Frozen):
    """How one source is doing: `last_event` is event time, `age_s` the seconds since its last change came in.

    `set_aside` counts what the source has said, newer than its figures or against them, that is in quarantine.
    `restarted` counts what is ignored since the source's revisions began again: told later than what stands, with
    other counts and a lower revision. `ahead` counts statements dated well ahead of when the log was given them.
    `impossible` counts the boxes in the source's figures that have more than a box can have, until they are corrected.
    """

    state: Annotated[FeedState, _Newer]
    last_event: AwareDatetime | None
    age_s: Annotated[float, Field(allow_inf_nan=False)] | None
    set_aside: Total = 0
    restarted: Total = 0
    ahead: Total = 0
    impossible: Total = 0


class Call(Frozen):
    """An editor's word on who has won: never computed, and taken back by leaving the list."""

    contest: Id
    unit: UnitId
    candidate: Id
    by: str
    at: AwareDatetime


class Playback(Frozen):
    """Where a replay is. `clock` is the virtual time at the message's `at`; playing, it runs `speed` times as fast.

    `first` and `last` are the ends of what is replayed. While seeking, `clock` stands where the figures are.
    """

    clock: AwareDatetime
    speed: Speed
    status: PlaybackStatus
    first: AwareDatetime
    last: AwareDatetime


class State(Frozen):
    """Server: the state of the feeds; sent after hello, on every change, and every `heartbeat_s` as a sign of life.

    While `embargoed`, numbers are for the control room only; `embargo` is when that ends, `None` where only an operator
    ends it. The public is then told a `seq` of 0, no times of the feeds, and no calls. `hold` lists what is frozen for
    everyone but the control room: contests, or contest/unit; `held_in_part` the units above those, whose sums have a
    frozen part. Who may see no numbers is told of neither. Where the log is not `reachable`, every feed is down: of
    none can be said whether it is silent. `graphics` is by channel what operators have put on air; it has no figures,
    and everybody is told of it.
    """

    type: Literal["state"]
    seq: Total
    at: AwareDatetime
    reachable: bool = True
    feeds: dict[Id, Feed]
    embargo: AwareDatetime | None = None
    embargoed: bool = False
    hold: tuple[str, ...] = ()
    held_in_part: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    replay: Playback | None = None
    graphics: dict[Id, Graphic] = Field(default_factory=dict)


class Event(Frozen):
    """Server: something worth a strap has happened in a unit that the client follows; said once, after its delta.

    Derived from the figures with hysteresis, and never an editorial call. What is missed is not told again: whoever
    connects later finds what holds now in `/v1/facts`. `candidate` is who it is about, `before` who led until then,
    `percent` which milestone of boxes opened was passed.
    """

    type: Literal["event"]
    event: Annotated[Literal["leader_changed", "milestone", "cannot_be_overtaken", "can_be_overtaken_again"], _Newer]
    contest: Id
    source: Id
    unit: UnitId
    seq: Total
    as_of: AwareDatetime
    candidate: Id | None = None
    before: Id | None = None
    percent: Annotated[int, Field(ge=1, le=100)] | None = None


class Unsubscribed(Frozen):
    """Server: nothing more will come for this subscription."""

    type: Literal["unsubscribed"]
    id: SubscriptionId


ErrorCode = Literal[
    "malformed",
    "unknown_contest",
    "unknown_unit",
    "unknown_source",
    "unknown_subscription",
    "too_many_subscriptions",
    "too_fast",
    "not_ready",
]


class Error(Frozen):
    """Server: a message could not be acted on; the connection goes on. `message` says what to do."""

    type: Literal["error"]
    code: Annotated[ErrorCode, _Newer]
    message: str
    id: SubscriptionId | None = None


class Goodbye(Frozen):
    """Server: the last message before the connection is closed with `code`; come back after `retry_after_s`.

    It is drawn at random for each client, so that not all come back in the same moment.
    """

    type: Literal["goodbye"]
    code: int
    retry_after_s: Annotated[float, Field(ge=0, le=MAX_PAUSE_S)]


ServerMessage = Annotated[
    Hello | Snapshot | Delta | State | Event | Unsubscribed | Error | Goodbye,
    Field(discriminator="type"),
]
SERVER_MESSAGE: Final[TypeAdapter[Hello | Snapshot | Delta | State | Event | Unsubscribed | Error | Goodbye]] = (
    TypeAdapter(ServerMessage)
)


class CloseCode(IntEnum):
    """Why the server closes a connection. 4000 to 4499: connect again, with the cursor. 4500 to 4999: do not.

    The protocol's own codes come as RFC 6455 has them, among them 1002 (broken frame), 1003 (binary message),
    1007 (not UTF-8), 1009 (message too big), 1012 (the server restarts: connect again).
    """

    STALLED = 4000
    EPOCH_ENDED = 4001
    TOKEN_EXPIRED = 4003
    TOO_MANY_ERRORS = 4500
    TOO_FAST = 4501


CLOSE_REASONS: Final[dict[CloseCode, str]] = {
    CloseCode.STALLED: "the client read nothing for too long; connect again with the cursor",
    CloseCode.EPOCH_ENDED: "the log was made anew; connect again",
    CloseCode.TOKEN_EXPIRED: "the token has expired; connect again with a new one and the cursor",
    CloseCode.TOO_MANY_ERRORS: "too many messages that could not be acted on; mend the client",
    CloseCode.TOO_FAST: "more messages or bytes than a client needs; mend the client",
}
"""The reason sent with each code of ours."""


ASYNCAPI_VERSION: Final = "3.1.0"
"""The newest published version of the specification; AsyncAPI's own parser validates it."""

CONTRACT_VERSION: Final = "1.0.0"
"""Of `sandik.v1`: fields and kinds of messages may be added; a reader ignores what it does not know."""

FROM_CLIENTS: Final[tuple[type[Frozen], ...]] = (Subscribe, Unsubscribe)
FROM_SERVER: Final[tuple[type[Frozen], ...]] = (Hello, Snapshot, Delta, State, Event, Unsubscribed, Error, Goodbye)

_SCHEMA: Final = "#/components/schemas/{model}"
_REPLIES: Final[dict[type[Frozen], tuple[type[Frozen], ...]]] = {
    Subscribe: (Snapshot, Delta, Error),
    Unsubscribe: (Unsubscribed, Error),
}
_DESCRIPTION: Final = (
    f"One WebSocket, `{PROTOCOL}`: JSON in text messages, of at most {MAX_MESSAGE_BYTES} bytes from clients. A client "
    "subscribes, gets a snapshot once, and then deltas of absolute values from its cursor (epoch, seq) on. Close codes "
    "from 4000 to 4499 ask it to connect again with the cursor, from 4500 on not to."
)


def asyncapi() -> dict[str, Any]:
    """Return the stream as an AsyncAPI document."""
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "id": f"urn:sandik:{PROTOCOL}",
        "info": {
            "title": f"sandik: the stream {PROTOCOL}",
            "version": CONTRACT_VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {
                "host": "localhost:8765",
                "protocol": "ws",
                "description": "A gateway; behind TLS the protocol is wss.",
                "security": [_ref("securitySchemes", "bearer"), _ref("securitySchemes", "query")],
            }
        },
        "channels": {"stream": _channel()},
        "operations": _operations(),
        "components": {
            "messages": {_name(model): _message(model) for model in (*FROM_CLIENTS, *FROM_SERVER)},
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A read token in the header."},
                "query": {
                    "type": "httpApiKey",
                    "in": "query",
                    "name": "token",
                    "description": "The same in the URL, for browsers. Without either a client is the public.",
                },
            },
        },
    }


def _channel() -> dict[str, Any]:
    return {
        "address": "/v1/stream",
        "title": "The stream",
        "servers": [{"$ref": "#/servers/gateway"}],
        "messages": {_name(model): _ref("messages", _name(model)) for model in (*FROM_CLIENTS, *FROM_SERVER)},
        "bindings": {
            "ws": {
                "bindingVersion": "0.1.0",
                "method": "GET",
                "query": {"type": "object", "properties": {"token": {"type": "string"}}},
            }
        },
        "x-close-codes": {str(code.value): reason for code, reason in CLOSE_REASONS.items()},
    }


def _operations() -> dict[str, Any]:
    received = {_name(model): _operation("receive", model, _REPLIES[model]) for model in FROM_CLIENTS}
    return received | {_name(model): _operation("send", model) for model in FROM_SERVER}


def _operation(action: str, model: type[Frozen], replies: tuple[type[Frozen], ...] = ()) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": "#/channels/stream"},
        "summary": _summary(model),
        "messages": [_in_channel(model)],
    }
    if replies:
        answers = [_in_channel(reply) for reply in replies]
        operation["reply"] = {"channel": {"$ref": "#/channels/stream"}, "messages": answers}
    return operation


def _message(model: type[Frozen]) -> dict[str, Any]:
    return {
        "name": _name(model),
        "title": model.__name__,
        "summary": _summary(model),
        "contentType": "application/json",
        "payload": _ref("schemas", model.__name__),
    }


def _schemas() -> dict[str, Any]:
    """Return the JSON schema of every model and its parts, as they are read: a field with a default may be absent."""
    models = [(model, "validation") for model in (*FROM_CLIENTS, *FROM_SERVER)]
    _, described = models_json_schema(models, ref_template=_SCHEMA)  # type: ignore[arg-type]  # the mode is a literal
    schemas: dict[str, Any] = described["$defs"]
    return dict(sorted(schemas.items()))


def _name(model: type[Frozen]) -> str:
    return model.__name__.lower()


def _summary(model: type[Frozen]) -> str:
    """Return the first paragraph of the model's docstring, without the sender it begins with ("Server: ")."""
    first = " ".join((model.__doc__ or "").split("\n\n")[0].split())
    sentence = first.partition(": ")[2] or first
    return sentence[0].upper() + sentence[1:]


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _in_channel(model: type[Frozen]) -> dict[str, str]:
    return {"$ref": f"#/channels/stream/messages/{_name(model)}"}
