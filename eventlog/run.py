"""A run in the log: its topics, creating one, finding one, and beginning a replay epoch.

The names of a run's topics carry the run. A live run refuses topics that are not what they must be; any other is
warned.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from eventlog.clock import Clock
from eventlog.port import MAX_RECORD_BYTES, WAIT_MS, Entry, EventLog, Silence, Topic, TopicFinding
from schemas.amendments import FIRST_VERSION, Amended, amended_as
from schemas.control import (
    DefinitionAmended,
    EpochBegun,
    Mode,
    RunCreated,
    is_amendment,
    parse_control,
    parse_epoch,
    parse_restored,
)
from schemas.definition import Election, check_times
from schemas.errors import DefinitionError, OtherVersion, RunConflict, UnknownRun, UsageError, WrongTopic
from schemas.fields import Record, first_fault, other_version

if TYPE_CHECKING:
    from schemas.trust import OperatorKey, OrderVerifier, Verdict


DEFAULT_PARTITIONS: Final = 8
"""How many ways a run's districts are spread: as many aggregators can share one night."""

MAX_LEDGER_BYTES: Final = 4 * MAX_RECORD_BYTES
"""The ledger of a district of 5,000 boxes with 49 candidates who all got votes in each is about 1 MiB, deflated."""

MAX_CONTROL_BYTES: Final = 8 * MAX_RECORD_BYTES
"""A definition of all Türkiye (1,345 districts, three contests with their own ballots) is about 4 MiB."""

MAX_COMPARISON_BYTES: Final = MAX_RECORD_BYTES
"""Sums of 49 candidates four times over and the boxes that explain most are some 10 KiB."""

MAX_QUARANTINE_BYTES: Final = 2 * MAX_RECORD_BYTES
"""The largest record there can be, in base64 (4/3 of it), with its reason."""


@dataclass(frozen=True, slots=True)
class RunTopics:
    """The topics of one run, namespaced by its name: a rehearsal cannot reach a live run's.

    A replay that goes back in time begins a new `take`: an empty log of its own, in a new epoch. Only `control` is the
    same in all of them.
    """

    run: str
    partitions: int = DEFAULT_PARTITIONS
    take: int = 0

    @property
    def _prefix(self) -> str:
        return f"sandik.{self.run}.take-{self.take}" if self.take else f"sandik.{self.run}"

    @property
    def tallies(self) -> Topic:
        """What feeds report. Keyed by district, so that a district lives in one partition; kept for ever."""
        return Topic(f"{self._prefix}.tallies", self.partitions)

    @property
    def totals(self) -> Topic:
        """What the aggregator publishes. One partition, so that its offsets order everything; compacted."""
        return Topic(f"{self._prefix}.totals", compacted=True)

    @property
    def ledger(self) -> Topic:
        """The aggregator's checkpoints, partitioned like `tallies`; compacted."""
        return Topic(f"{self._prefix}.ledger", self.partitions, compacted=True, max_record_bytes=MAX_LEDGER_BYTES)

    @property
    def comparisons(self) -> Topic:
        """Where two sources differ in a district, and why; compacted."""
        return Topic(f"{self._prefix}.comparisons", compacted=True, max_record_bytes=MAX_COMPARISON_BYTES)

    @property
    def quarantine(self) -> Topic:
        """What could not be used, with the reason; kept for ever."""
        return Topic(f"{self._prefix}.quarantine", max_record_bytes=MAX_QUARANTINE_BYTES)

    @property
    def control(self) -> Topic:
        """What the run is; kept for ever."""
        return Topic(f"sandik.{self.run}.control", max_record_bytes=MAX_CONTROL_BYTES)

    def all(self) -> tuple[Topic, ...]:
        """Every topic of the run; `control` last, so that a run that can be found is whole."""
        return (self.tallies, self.totals, self.ledger, self.comparisons, self.quarantine, self.control)


_log = logging.getLogger(__name__)


async def check_topics(log: EventLog, topics: RunTopics, mode: Mode) -> None:
    """Compare the topics of a run that is to be worked on. Raises `WrongTopic` where a live run cannot be held by them.

    A topic that is missing is no fault here: a run of an earlier release does not have all of them. Nor is one that may
    lose something once a broker fails a reason to stop a night.
    """
    found = await log.check(topics.all())
    wrong = [one for one in found if one.standing == "wrong"]
    if wrong and mode == "live":
        raise WrongTopic(topics.run, wrong[0].topic, in_words(wrong[0]), wrong[0].mend, len(wrong) - 1)
    for one in [*wrong, *_warnings(found)]:
        _log.warning("Topic %r: %s. (sandik topics --run %s shows all)", one.topic, in_words(one), topics.run)


def in_words(finding: TopicFinding) -> str:
    """Describe a finding in words, such as `retention.ms is 604800000 and must be -1`."""
    if finding.found is None:
        return f"{finding.setting}: not known, and must be {finding.wanted}"
    return f"{finding.setting} is {finding.found} and must be {finding.wanted}"


def _warnings(found: Sequence[TopicFinding]) -> list[TopicFinding]:
    return [one for one in found if one.standing in {"fragile", "untold"}]


RUN_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,99}")
"""What a run may be called: what Kafka allows in a topic's name, without the dot that separates its parts."""

_FIRST_RECORDS: Final = 16
_MORE_RECORDS: Final = 5_000
"""Records in one read: what creates a run comes first and may be megabytes; what follows is small."""


@dataclass(frozen=True, slots=True)
class Run:
    """An existing run: where its records are and what it is about. Of a replay `epoch` is its take's.

    `definition` is the one in force, which `amendments` have made of the one that the run began with.
    `incarnation` names the log that it was restored into; empty where it never was.
    """

    topics: RunTopics
    mode: Mode
    epoch: str
    definition: Election
    incarnation: str = ""
    amendments: tuple[Amended, ...] = ()
    original: Election | None = None
    """The definition that the run began with, where it was amended."""
    missed: "tuple[Verdict, ...]" = ()
    """Amendments that cannot be verified, and so are not in force: an operator may have meant them."""

    @property
    def base(self) -> Election:
        """The definition that the run began with."""
        return self.original or self.definition

    @property
    def version(self) -> int:
        """The version of the definition in force."""
        return FIRST_VERSION + len(self.amendments)

    @property
    def ordered(self) -> frozenset[str]:
        """The digests that amendments among its tallies may yield: those that the control topic has orders for."""
        return frozenset(amendment.yields for amendment in self.amendments)

    def definition_of(self, version: int) -> Election:
        """The definition of this version, which the run has or had."""
        definition = self.base
        for amendment in self.amendments[: version - FIRST_VERSION]:
            definition = amended_as(definition, amendment)
        return definition

    @property
    def name(self) -> str:
        """The run's name."""
        return self.topics.run

    @property
    def take(self) -> int:
        """Which take of a replay it is in; 0 is the first, and the only one of any other run."""
        return self.topics.take

    @property
    def partitions(self) -> int:
        """How many partitions its tallies are spread over."""
        return self.topics.partitions

    @property
    def log_epoch(self) -> str:
        """A name for the log that its totals are in: cursors of one cannot be compared with those of another.

        Nor can those of two versions of the definition, by which the same totals come to other sums.
        """
        log = f"{self.epoch}~{self.incarnation}" if self.incarnation else self.epoch
        return f"{log}.{self.version}" if self.amendments else log


async def create_run(
    log: EventLog,
    name: str,
    definition: Election,
    *,
    mode: Mode,
    epoch: str,
    clock: Clock,
    partitions: int | None = None,
    operators: "Sequence[OperatorKey]" = (),
) -> Run:
    """Create the run, or join it where it exists with the same definition and mode; `operators` as for `find_run`.

    Raises `RunConflict` where it exists with others, `UsageError` where the name cannot be a topic's, `WrongTopic`
    where a live run's topics are not what they must be, and `DefinitionError` where a run that is not there would begin
    with times that cannot be meant. A replay begins with those that its night had.
    """
    topics = RunTopics(name, await spread(log, name, partitions))
    if mode != "replay" and not await log.exists(topics.control.name):
        check_times(definition)
    await log.create(topics.all())
    try:
        run = await open_run(log, name, operators)
    except UnknownRun:
        await check_topics(log, topics, mode)
        created = RunCreated(run=name, mode=mode, epoch=epoch, at=clock.now(), definition=definition)
        await log.append(topics.control.name, [Entry(b"run", created.encode())])
        run = await find_run(log, name)
    if definition not in (run.base, run.definition):
        raise RunConflict(name, "definition")
    if run.mode != mode:
        raise RunConflict(name, "mode")
    return run


def check_run_name(name: str) -> None:
    """Raise `UsageError` where a run cannot have this name, since its topics could not."""
    if not RUN_NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a run's name. Use letters, digits, '-' and '_', 100 at most.")


async def spread(log: EventLog, name: str, asked: int | None = None) -> int:
    """Return the partitions of a new run: as asked, else as its topic was created beforehand, else the default.

    Raises `UsageError` where the name cannot be a topic's.
    """
    check_run_name(name)
    tallies = RunTopics(name).tallies.name
    if asked is None and await log.exists(tallies):
        return await log.partitions(tallies)
    return asked or DEFAULT_PARTITIONS


async def open_run(log: EventLog, name: str, operators: "Sequence[OperatorKey]" = ()) -> Run:
    """Find a run to work on. Raises as `find_run`, and `WrongTopic` where a live run's topics cannot hold it."""
    run = await find_run(log, name, operators)
    await check_topics(log, run.topics, run.mode)
    return run


async def find_run(log: EventLog, name: str, operators: "Sequence[OperatorKey]" = ()) -> Run:
    """Read from the log what the run is: the first `run_created` stands; of a replay, the newest take.

    Its definition is amended by orders that count by these keys, as any order does (`schemas.trust`). One that cannot
    be verified, and that an operator may have meant, is not in force and is `missed`: say so.

    Raises `UnknownRun`, and `DefinitionError` where its definition is one that this version cannot work with.
    """
    control = RunTopics(name).control.name
    if not RUN_NAME.fullmatch(name) or not await log.exists(control):
        raise UnknownRun(name)
    found = _Found(name, operators)
    end = (await log.end_offsets(control))[0]
    silence = Silence()
    async with log.reader(control, {0: 0}) as reader:
        while reader.positions[0] < end:
            batches = await reader.read(max_records=found.read_records, wait_ms=WAIT_MS)
            silence.heard(batches)
            for batch in batches:
                found.fold(batch.records)
    if found.created is None:
        raise UnknownRun(name)
    partitions = await log.partitions(RunTopics(name, take=found.take).tallies.name)
    topics = RunTopics(name, partitions, found.take)
    verifier = found.verifier
    run = Run(topics, found.created.mode, found.epoch, found.created.definition, found.incarnation)
    if verifier is None:
        return run
    if not verifier.amendments:
        return replace(run, missed=tuple(found.missed))
    amendments, definition = tuple(verifier.amendments), verifier.definition
    return replace(
        run, definition=definition, amendments=amendments, original=run.definition, missed=tuple(found.missed)
    )


async def begin_replay_epoch(
    log: EventLog, run: Run, *, epoch: str, clock: Clock, partitions: int | None = None
) -> Run:
    """Begin a replay epoch: create empty topics, and make the new epoch current before this returns.

    Raises `UsageError` where the run is no replay, or somebody else has begun a take at the same time.
    """
    if run.mode != "replay":
        raise UsageError(f"Run {run.name!r} is {run.mode}, and only a replay can begin again. Choose another --run.")
    take = run.topics.take + 1
    await log.create(RunTopics(run.name, partitions or run.topics.partitions, take).all())
    begun = EpochBegun(run=run.name, epoch=epoch, take=take, at=clock.now())
    await log.append(run.topics.control.name, [Entry(b"epoch", begun.encode())])
    found = await find_run(log, run.name)
    if found.epoch != epoch:
        raise UsageError(f"Another replay writes to run {run.name!r} at this moment. End it, or choose another --run.")
    return found


class _Found:
    """The fold of a control topic as far as it says what the run is."""

    def __init__(self, name: str, operators: "Sequence[OperatorKey]") -> None:
        self.verifier: OrderVerifier | None = None
        """Of all orders, as an id counts once; there is one once there is an amendment."""
        self._before: list[Record] = []
        """Everything behind what created the run."""
        self.missed: list[Verdict] = []
        self._operators = operators
        self.created: RunCreated | None = None
        self.take = 0
        self.epoch = ""
        self.incarnation = ""
        self._name = name

    @property
    def read_records(self) -> int:
        return _FIRST_RECORDS if self.created is None else _MORE_RECORDS

    def fold(self, records: Iterable[Record]) -> None:
        for record in records:
            if self.created is None:
                self.created = self._creating(record.value or b"{}")
                self.epoch = self.created.epoch if self.created is not None else ""
                continue
            if is_amendment(record.value):
                self._amend(self.created, record)
            elif self.verifier is not None:
                self._verify(self.verifier, record)
            self._note(self.created, record)  # it may begin a take all the same: any of its texts made us look
            self._before.append(record)

    def _note(self, created: RunCreated, record: Record) -> None:
        """Fold a record as far as it says where the run goes on."""
        if created.mode == "replay":
            self._follow(record)
        elif (restored := parse_restored(record.value)) is not None and restored.run == self._name:
            self.incarnation = restored.incarnation

    def _amend(self, created: RunCreated, record: Record) -> None:
        from schemas.trust import OrderVerifier  # noqa: PLC0415  its library takes 50 ms, and most runs are not amended

        if self.verifier is None:
            keys = self._operators
            self.verifier = OrderVerifier(self._name, self.epoch, created.mode, created.definition, keys)
            for earlier in self._before:
                self._verify(self.verifier, earlier)
        verdict = self._verify(self.verifier, record)
        if verdict is None or not isinstance(verdict.order, DefinitionAmended):
            return
        if verdict.missed:
            self.missed.append(verdict)
        elif verdict.counts:
            self.missed.clear()

    def _verify(self, verifier: "OrderVerifier", record: Record) -> "Verdict | None":
        return verifier.verify(record.offset, record.value, record.timestamp)

    def _creating(self, value: bytes) -> RunCreated | None:
        """Parse a record that may create the run; `None` for any other. Raises `DefinitionError`, `OtherVersion`."""
        try:
            return parse_control(value)
        except (DefinitionError, ValueError) as error:
            self._check_version(value)
            raise DefinitionError(
                f"Run {self._name!r} cannot be read by this version: {_in_a_line(error)} Choose another --run, or make "
                "one anew from a mended definition."
            ) from error

    def _follow(self, record: Record) -> None:
        begun = parse_epoch(record.value)
        if begun is None and b'"epoch_begun"' in (record.value or b""):
            self._check_version(record.value)
        if begun is not None and begun.follows(self._name, self.take):
            self.take, self.epoch = begun.take, begun.epoch
            self.verifier = None
            self.missed.clear()

    def _check_version(self, value: bytes | None) -> None:
        """Raise `OtherVersion` where another release wrote what says what the run is, or its definition."""
        version = other_version(value) or other_version(value, "definition")
        if version is not None:
            raise OtherVersion(f"The record that says what run {self._name!r} is", version)


def _in_a_line(error: Exception) -> str:
    """Return the first fault as one sentence."""
    if not isinstance(error, ValidationError):
        sentence = str(error)
        return sentence if sentence.endswith((".", "?")) else f"{sentence}."
    return f"{first_fault(error)}."
