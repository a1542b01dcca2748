"""The one error root and its tree.

    SandikError
    ├── UsageError            the caller gave something that cannot work: a bad file, URL, option or definition
    │   ├── DefinitionError   an election definition that contradicts itself
    │   ├── MappingError      a mapping file that does not fit its table
    │   ├── TableError        an official table with rows that cannot be used
    │   ├── ArchiveError      an archive that is none, or is not what was written
    │   ├── ScenarioError     a scenario of a staged night that contradicts itself
    │   ├── UnderEmbargo      what is on air was asked for, and an embargo keeps all of it from the public
    │   ├── OtherVersion      another release of sandik wrote what has to be read
    │   ├── WrongTopic        a topic of a live run is not what it must be
    │   ├── UnknownRun        no such run in the log
    │   └── RunConflict       the run exists with another definition or mode
    ├── StreamRefused         a gateway sent a client away for good
    ├── Interrupted           a signal ended a command before its work was done
    ├── LoopEnded             what is meant to go on for ever ended, and nobody had asked for that
    └── LogError              the event log could not do what it was asked
        ├── LogUnavailable    not reachable now; the same call may work later (retriable)
        │   └── LogSilent     a reader brings nothing, though the log has more; another reader may
        ├── LogRefused        its keeper does not let us: a password, a certificate, an ACL, a codec; a person mends it
        ├── LogFull           no room left where the log lives (retriable once there is)
        ├── RecordTooLarge    one record over the topic's limit
        ├── PositionLost      an offset that the log no longer (or never) held
        ├── RecordDamaged     a record that is not what was appended
        └── UnknownTopic      a topic that nobody created

Every message says what happened and what to do next. Errors of libraries are mapped to these at the adapter.
"""

from datetime import datetime


class SandikError(Exception):
    """Root of every error that sandik raises on purpose. `retriable`: would the same call make sense again later?"""

    retriable = False


class UsageError(SandikError):
    """What the caller gave cannot work as it is."""


class DefinitionError(UsageError):
    """An election definition that contradicts itself."""


class MappingError(UsageError):
    """A mapping file that does not fit its table."""


class TableError(UsageError):
    """An official table that cannot be read, or with rows that cannot be used."""


class ScenarioError(UsageError):
    """A scenario of a staged night that cannot be read or contradicts itself."""


class ArchiveError(UsageError):
    """An archive that cannot be used: none at all, another's, or not what was written. Names the exact place.

    `file` is where it shows; `partition` and `offset` name the first record that is not as it was written, where the
    fault is in a record.
    """

    def __init__(self, file: str, what: str, *, partition: int | None = None, offset: int | None = None) -> None:
        record = "" if offset is None else f", partition {partition}, offset {offset}"
        super().__init__(f"{file}{record}: {what}")
        self.file = file
        self.what = what
        self.partition = partition
        self.offset = offset


class UnderEmbargo(UsageError):
    """What is on air was asked for, and an embargo keeps all of it from the public.

    `complaint` says what to do where the embargo stands because an order cannot be verified.
    """

    def __init__(self, run: str, until: datetime | None, complaint: str | None = None) -> None:
        ends = f"until {until.isoformat(timespec='seconds')}" if until is not None else "until an operator lifts it"
        super().__init__(
            f"Run {run!r} is under an embargo {ends}: nothing is on air. For the newsroom's own eyes, give "
            "--tell control_room, or --tell log for what the sources say." + (f" {complaint}" if complaint else "")
        )
        self.run = run
        self.until = until


class OtherVersion(UsageError):
    """Another release of sandik wrote what has to be read: `version` is not the one that this release knows."""

    def __init__(self, what: str, version: str) -> None:
        super().__init__(
            f"{what} has version {version}, which this sandik does not read: another release wrote it. "
            "Use that release, or a later one."
        )
        self.version = version


class WrongTopic(UsageError):
    """A topic of a live run is not what it must be. `mend` is the command that puts it right; `more` are wrong too."""

    def __init__(self, run: str, topic: str, what: str, mend: str, more: int = 0) -> None:
        also = f" {more} more {'is' if more == 1 else 'are'} wrong." if more else ""
        super().__init__(
            f"Topic {topic!r} cannot hold a live run: {what}.{also}"
            + (f" Mend it: {mend}" if mend else "")
            + f" (sandik topics --run {run} shows all)"
        )
        self.topic = topic
        self.mend = mend


class UnknownRun(UsageError):
    """There is no such run in the log."""

    def __init__(self, run: str) -> None:
        super().__init__(
            f"There is no run {run!r} in this log. Publish to it first, for example: sandik simulate --run {run}"
        )
        self.run = run


class RunConflict(UsageError):
    """The run exists already, with another definition or mode."""

    def __init__(self, run: str, what: str) -> None:
        super().__init__(
            f"Run {run!r} exists already with another {what}. Choose another --run, or use the same {what}."
        )
        self.run = run
        self.what = what


class StreamRefused(SandikError):
    """A gateway sent a client away for good: with a close code from 4500 on, or an HTTP status instead of a stream."""

    def __init__(self, code: int, reason: str = "") -> None:
        why = reason.strip().rstrip(".") or "it did not say why"
        super().__init__(f"The gateway sent this client away with {code}: {why}. Mend that, then connect again.")
        self.code = code
        self.reason = reason


class Interrupted(SandikError):
    """A signal ended a command before its work was done."""


class LoopEnded(SandikError):
    """What is meant to go on for ever has ended, and nobody had asked for that."""

    def __init__(self, name: str, how: str) -> None:
        super().__init__(f"{name} ended: {how}. Start it again; if that comes back, its log (--verbose) says more.")
        self.name = name
        self.how = how


class LogError(SandikError):
    """The event log could not do what it was asked."""


class LogUnavailable(LogError):
    """The log cannot be reached at the moment. Nothing was lost: what was not acknowledged can be sent again."""

    retriable = True


class LogSilent(LogUnavailable):
    """The log has more, and a reader has brought nothing of it for long: one that is opened anew may."""


class LogRefused(LogError):
    """The log is there and does not let us: another try cannot mend it, and a person can."""


class LogFull(LogError):
    """There is no room left where the log lives. The append that failed left nothing behind."""

    retriable = True


class RecordTooLarge(LogError):
    """One record is over its topic's limit."""

    def __init__(self, topic: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"A record of {size_bytes} bytes is over the limit of {limit_bytes} of topic {topic!r}. Split it."
        )
        self.topic = topic
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class PositionLost(LogError):
    """The log does not hold the offset a reader asked for."""

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        super().__init__(
            f"Topic {topic!r} does not hold offset {offset} of partition {partition}. "
            "Was the topic deleted or made anew? Start again from offset 0."
        )
        self.topic = topic
        self.partition = partition
        self.offset = offset


class RecordDamaged(LogError):
    """A record whose bytes are not those that were appended."""

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        super().__init__(
            f"The record at offset {offset} of partition {partition} of topic {topic!r} is damaged: it does not give "
            "its checksum. Check the disk; restore the run from its archive into a new log (sandik restore)."
        )
        self.topic = topic
        self.partition = partition
        self.offset = offset


class UnknownTopic(LogError):
    """A topic that nobody created."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"There is no topic {topic!r} in this log. Create the run first: a producer does so by itself."
        )
        self.topic = topic
