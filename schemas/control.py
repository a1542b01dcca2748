"""Control records: what a run is, and what its operators order. The first record of topic `control` creates the run.

An order is signed by an operator (`schemas.trust`): its run and epoch are inside what is signed, and its `id` counts
once, so nobody can play it again, in this run or in another. An editorial call is an order; it is never computed.
A director's orders say how a replay goes on; they count only in a run of mode replay.

An order also says until when it may be delivered (`deliver_by`), so that nobody can keep one back and hand it in later.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final, Literal, Protocol, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError

from schemas.amendments import FIRST_VERSION, Amended, Changes, Digest, amended_as
from schemas.asides import VOTES
from schemas.asides import Figures as HandSet
from schemas.definition import Election
from schemas.errors import DefinitionError
from schemas.fields import Frozen, Id, Moment, SignedOrder, UnitId
from schemas.figures import SET_BY_HAND
from schemas.graphics import RundownOrder, unknown_in_graphic

Mode = Literal["live", "test", "replay"]

DELIVERY: Final = timedelta(minutes=5)
"""How long an order may be on its way: a log that fails over answers within a minute, and whoever was told that it did
not gives the order again. After five minutes the night is another one than the one that the order was given for."""

MIN_SPEED: Final = 0.1
MAX_SPEED: Final = 100_000.0
"""Speeds of a replay: from slow motion to a night of eight hours in a third of a second, or 0: as fast as it goes."""

MAX_STEP: Final = 100_000
"""Records in one step: more than a minute of the fullest night; further on one seeks."""

EpochName = Annotated[str, Field(min_length=4, max_length=64)]
"""The name of one incarnation of a run's log."""


def _within_speeds(speed: float) -> float:
    if speed and not MIN_SPEED <= speed <= MAX_SPEED:
        raise ValueError(f"a speed is from {MIN_SPEED} to {MAX_SPEED:.0f}, or 0: as fast as it goes")
    return speed


Speed = Annotated[float, AfterValidator(_within_speeds)]
"""How many seconds of the night pass in one of ours; 0: as fast as it goes."""


Position = Annotated[str, Field(min_length=5, max_length=300, pattern=r"^[\w.\-]+/\d+/\d+$")]
"""Where a quarantined record's original lies: topic, partition, offset."""


class RunCreated(Frozen):
    """A run begins: its mode, its definition, and the `epoch` that names this incarnation of its log.

    Of several such records the first in the log stands.
    """

    v: Literal[1] = 1
    type: Literal["run_created"] = "run_created"
    run: str
    mode: Mode
    epoch: EpochName
    at: Moment
    definition: Election

    def encode(self) -> bytes:
        """The record value."""
        return self.model_dump_json().encode()


class EpochBegun(Frozen):
    """A replay epoch begins: the replay went back in time, and from here on this take's topics are the run's.

    Takes are counted from 1 (what the run began with is 0), and each counts only if it is the next one: of several
    such records for one take the first in the log stands.
    """

    v: Literal[1] = 1
    type: Literal["epoch_begun"] = "epoch_begun"
    run: str
    epoch: EpochName
    take: Annotated[int, Field(ge=1)]
    at: Moment

    def encode(self) -> bytes:
        """The record value."""
        return self.model_dump_json().encode()

    def follows(self, run: str, take: int) -> bool:
        """Whether it begins the replay epoch after this take of this run."""
        return (self.run, self.take) == (run, take + 1)


class RunRestored(Frozen):
    """A run was restored into a log from its archive: its epoch goes on, with the orders that are signed for it.

    Totals are computed anew, at other positions, so clients' cursors do not hold for them: `incarnation` names this log
    among all logs of the run. Of several such records the last stands.
    """

    v: Literal[1] = 1
    type: Literal["run_restored"] = "run_restored"
    run: str
    epoch: EpochName
    incarnation: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    at: Moment

    def encode(self) -> bytes:
        """The record value."""
        return self.model_dump_json().encode()


class EmbargoSet(SignedOrder):
    """From now on numbers are for the control room only: until a time, or, without one, until an operator lifts it."""

    type: Literal["embargo_set"] = "embargo_set"
    until: Moment | None = None


class EmbargoLifted(SignedOrder):
    """Numbers are for everyone."""

    type: Literal["embargo_lifted"] = "embargo_lifted"


class Held(SignedOrder):
    """Freeze a contest for everyone but the control room: in one unit and below it, or everywhere."""

    type: Literal["held"] = "held"
    contest: Id
    unit: UnitId | None = None


class Released(SignedOrder):
    """Let go of what is held in a contest: in one unit and below it, or everywhere."""

    type: Literal["released"] = "released"
    contest: Id
    unit: UnitId | None = None


class Taken(SignedOrder):
    """Show everyone the newest of what is held, in one step, and go on holding: a contest in a unit, or everywhere."""

    type: Literal["taken"] = "taken"
    contest: Id
    unit: UnitId | None = None


class FigureOverridden(SignedOrder):
    """Set figures of a district by hand, in the place of what the source says; those set before stay.

    `unit` is the district. Everywhere these figures show they are marked, also in the sums above. `instead_of` is what
    the source itself said of them when the order was given, 0 where it had said nothing; older orders do not say it.
    """

    type: Literal["figure_overridden"] = "figure_overridden"
    contest: Id
    source: Id
    unit: UnitId
    figures: Annotated[HandSet, Field(min_length=1)]
    instead_of: HandSet = Field(default_factory=dict)


class OverrideWithdrawn(SignedOrder):
    """Take back every figure of a district that was set by hand."""

    type: Literal["override_withdrawn"] = "override_withdrawn"
    contest: Id
    source: Id
    unit: UnitId


class QuarantineReleased(SignedOrder):
    """Release a record from quarantine: it was repaired and published again."""

    type: Literal["quarantine_released"] = "quarantine_released"
    position: Position


class QuarantineRejected(SignedOrder):
    """A quarantined record was looked at, and stays where it is."""

    type: Literal["quarantine_rejected"] = "quarantine_rejected"
    position: Position


class Called(SignedOrder):
    """An editor says who has won in a unit. A later call for the same contest and unit replaces it."""

    type: Literal["called"] = "called"
    contest: Id
    unit: UnitId
    candidate: Id


class CallWithdrawn(SignedOrder):
    """An editor takes a call back."""

    type: Literal["call_withdrawn"] = "call_withdrawn"
    contest: Id
    unit: UnitId


class DefinitionAmended(SignedOrder):
    """Amend the election's definition: from version `version - 1` to this one. See `schemas.amendments`."""

    type: Literal["definition_amended"] = "definition_amended"
    version: Annotated[int, Field(gt=FIRST_VERSION)]
    amends: Digest
    yields: Digest
    changes: Changes

    def relayed(self, offset: int) -> Amended:
        """The record by which it holds among the tallies; `offset` is where it lies in the control topic."""
        return Amended(version=self.version, order=offset, amends=self.amends, yields=self.yields, changes=self.changes)


class ReplayPaused(SignedOrder):
    """The replay stands still."""

    type: Literal["replay_paused"] = "replay_paused"


class ReplayResumed(SignedOrder):
    """The replay goes on."""

    type: Literal["replay_resumed"] = "replay_resumed"


class ReplaySought(SignedOrder):
    """The replay goes on from another moment of the night; an earlier one begins a new epoch."""

    type: Literal["replay_sought"] = "replay_sought"
    to: Moment


class ReplayStepped(SignedOrder):
    """Play this many more records, then pause."""

    type: Literal["replay_stepped"] = "replay_stepped"
    records: Annotated[int, Field(ge=1, le=MAX_STEP)] = 1


class ReplaySpeedSet(SignedOrder):
    """The replay goes on at this speed."""

    type: Literal["replay_speed_set"] = "replay_speed_set"
    speed: Speed


ReplayOrder = ReplayPaused | ReplayResumed | ReplaySought | ReplayStepped | ReplaySpeedSet
"""The orders of a replay's director."""

Order = (
    EmbargoSet
    | EmbargoLifted
    | Held
    | Released
    | Taken
    | FigureOverridden
    | OverrideWithdrawn
    | QuarantineReleased
    | QuarantineRejected
    | Called
    | CallWithdrawn
    | DefinitionAmended
    | RundownOrder
    | ReplayOrder
)
ORDER: Final[TypeAdapter[Order]] = TypeAdapter(Annotated[Order, Field(discriminator="type")])
CONTROL: Final[TypeAdapter[RunCreated | EpochBegun | Order]] = TypeAdapter(
    Annotated[RunCreated | EpochBegun | Order, Field(discriminator="type")]
)


def parse_control(value: bytes) -> RunCreated | None:
    """Parse a record that may create a run; `None` for anything else. Raises `ValueError` for one that is broken."""
    if _fields(value).get("type") != "run_created":
        return None
    return RunCreated.model_validate_json(value)


def is_amendment(value: bytes | None) -> bool:
    """Whether a record may be an order that amends the definition, without parsing it."""
    return value is not None and b'"definition_amended"' in value


def _fields(value: bytes | None) -> dict[str, object]:
    """Return the fields of a record; none where it is no JSON object."""
    try:
        fields = orjson.loads(value or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}


RecordT = TypeVar("RecordT", bound=BaseModel)


def parse_as(model: type[RecordT], value: bytes | None) -> RecordT | None:
    """Parse a record that may be of this model; `None`, without parsing, for most others.

    Whether it is of the model's type is decided as orders are read. The model alone would take a record without a type,
    and one with NaN, which are no records to whoever looks for orders.
    """
    kind: str = model.model_fields["type"].default
    if value is None or b'"%b"' % kind.encode() not in value or _fields(value).get("type") != kind:
        return None
    try:
        return model.model_validate_json(value)
    except ValidationError:
        return None


def parse_epoch(value: bytes | None) -> EpochBegun | None:
    """Parse a record that may begin an epoch; `None` for others."""
    return parse_as(EpochBegun, value)


def parse_restored(value: bytes | None) -> RunRestored | None:
    """Parse a record that may be a restore's; `None` for others."""
    return parse_as(RunRestored, value)


class Takes:
    """The fold of a run's control topic as far as it says in which take the run goes on. Feed it every record in order.

    It is one rule for all who read the topic, and that of `eventlog.run.find_run`: what lies before the record that
    creates the run begins nothing, and a take begins only where the one before it has begun.
    """

    def __init__(self, run: str) -> None:
        self.take: int | None = None
        """The take in which the run goes on; `None` before the run is created."""
        self._run = run

    def fold(self, value: bytes | None) -> str | None:
        """Fold one record; the epoch that begins by it, `None` for most."""
        if self.take is None:
            fields = _fields(value)
            if fields.get("type") != "run_created":
                return None
            self.take = 0
            return str(fields.get("epoch"))
        begun = parse_epoch(value)
        if begun is None or not begun.follows(self._run, self.take):
            return None
        self.take = begun.take
        return begun.epoch

    def is_beyond(self, take: int) -> bool:
        """Whether the run goes on in a later take than this one."""
        return self.take is not None and self.take > take


_OfContest = Held | Released | Taken | FigureOverridden | OverrideWithdrawn | Called | CallWithdrawn
"""The orders about a contest, and perhaps a unit of it."""


def unknown_in(order: Order, definition: Election) -> str | None:
    """Return a sentence about what an order names and the definition does not have; `None` where all is there."""
    if isinstance(order, EmbargoSet | EmbargoLifted | QuarantineReleased | QuarantineRejected | ReplayOrder):
        return None
    if isinstance(order, DefinitionAmended):
        return _impossible_amendment(order, definition)
    if isinstance(order, RundownOrder):
        return unknown_in_graphic(order, definition)
    return _unknown_place(order, definition)


def _unknown_place(order: _OfContest, definition: Election) -> str | None:
    contest = definition.contest_by_id.get(order.contest)
    if contest is None:
        return f"There is no contest {order.contest!r}. There are: {', '.join(definition.contest_by_id)}."
    if order.unit is not None and order.unit not in definition.unit_by_id:
        return f"There is no unit {order.unit!r} in the election's definition."
    if isinstance(order, FigureOverridden | OverrideWithdrawn):
        return _unknown_cell(order, definition) or (
            _unknown_figure(order, definition) if isinstance(order, FigureOverridden) else None
        )
    if isinstance(order, Called):
        return _unknown_candidate(order.candidate, definition, order.contest, order.unit) or _withdrawn(
            order, definition
        )
    return None


def _withdrawn(order: Called, definition: Election) -> str | None:
    ballot = {candidate.id: candidate for candidate in definition.ballot(order.contest, order.unit)}
    if ballot[order.candidate].withdrawn:
        return f"{order.candidate!r} has withdrawn from {order.contest!r} in {order.unit!r}, and cannot win it."
    return None


def _impossible_amendment(order: DefinitionAmended, definition: Election) -> str | None:
    try:
        amended_as(definition, order.relayed(0))
    except DefinitionError as error:
        return str(error)
    return None


def _unknown_cell(order: FigureOverridden | OverrideWithdrawn, definition: Election) -> str | None:
    if order.source not in definition.source_ids:
        return f"There is no source {order.source!r}. There are: {', '.join(sorted(definition.source_ids))}."
    if definition.is_cell(order.contest, order.source, order.unit):
        return None
    if definition.level_told(order.contest, order.source) is not None and definition.is_held(order.contest, order.unit):
        why = definition.why_not_told(order.contest, order.source, order.unit)
        return f"{why}. Set figures where the source tells them."
    if not definition.is_district(order.unit):
        return (
            f"{order.unit!r} is no {definition.levels_in_force[-1].id} with boxes. Set figures where boxes are: the "
            "sums above follow."
        )
    return f"Contest {order.contest!r} is not held in {order.unit!r}."


def _unknown_figure(order: FigureOverridden, definition: Election) -> str | None:
    for name in order.figures:
        if name.startswith(VOTES):
            unknown = _unknown_candidate(name.removeprefix(VOTES), definition, order.contest, order.unit)
            if unknown is not None:
                return unknown
        elif name not in SET_BY_HAND:
            return f"There is no figure {name!r} to set. There are: {', '.join(SET_BY_HAND)}, votes.CANDIDATE."
        elif name not in definition.given(order.contest, order.source).counts:
            return (
                f"{name!r} is not known of {order.contest!r} from {order.source!r}: by the definition the contest "
                "does not count it, or the source does not give it. So it is in no sum, and cannot be set."
            )
    return None


def _unknown_candidate(candidate: str, definition: Election, contest: str, unit: str) -> str | None:
    if candidate in definition.ballot_ids(contest, unit) or candidate in definition.names_in(contest, unit):
        return None
    return f"There is no candidate {candidate!r} on the ballot of {contest!r} in {unit!r}."


class RunFacts(Protocol):
    """A run, without where its records are. `take` and `partitions` are those of its topics.

    `definition` is the one in force, which `amendments` have made of `base`.
    """

    @property
    def name(self) -> str: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def epoch(self) -> str: ...
    @property
    def take(self) -> int: ...
    @property
    def partitions(self) -> int: ...
    @property
    def definition(self) -> Election: ...
    @property
    def base(self) -> Election: ...
    @property
    def amendments(self) -> Sequence[Amended]: ...
