"""What an error says: what happened, and what to do next. What it carries is for programs."""

import re

import pytest

from schemas import errors
from schemas.errors import (
    ArchiveError,
    LogError,
    LogFull,
    LogSilent,
    LogUnavailable,
    OtherVersion,
    PositionLost,
    RecordDamaged,
    RecordTooLarge,
    RunConflict,
    SandikError,
    StreamRefused,
    UnderEmbargo,
    UnknownRun,
    UnknownTopic,
    UsageError,
    WrongTopic,
)
from tests.builders import NIGHT


def every_error() -> set[type[SandikError]]:
    found: set[type[SandikError]] = {SandikError}
    while (
        more := {below for one in found for below in one.__subclasses__() if below.__module__ == errors.__name__}
        - found
    ):
        found |= more
    return found


def test_the_tree_in_the_docs_is_the_one_that_is() -> None:
    drawn = re.findall(r"^[│├└─ ]*([A-Z]\w+)(?: {2,}|$)", errors.__doc__ or "", re.MULTILINE)

    assert {one.__name__ for one in every_error()} == set(drawn)


def test_only_what_another_try_may_mend_is_retriable() -> None:
    assert {LogUnavailable, LogSilent, LogFull} == {one for one in every_error() if one.retriable}


@pytest.mark.parametrize(
    ("error", "says", "carries"),
    [
        (UnknownRun("night"), "Publish to it first", {"run": "night"}),
        (RunConflict("night", "mode"), "Choose another --run", {"run": "night", "what": "mode"}),
        (OtherVersion("The record", "2"), "The record has version 2.* Use that release", {"version": "2"}),
        (UnderEmbargo("night", None), "until an operator lifts it.* --tell log", {"run": "night", "until": None}),
        (UnderEmbargo("night", None, "Give the key."), "the sources say. Give the key.$", {}),
        (UnderEmbargo("night", NIGHT), "until 2024-03-31T19:00:00", {"until": NIGHT}),
        (StreamRefused(4500, "No token."), "with 4500: No token. Mend that", {"code": 4500, "reason": "No token."}),
        (StreamRefused(403), "it did not say why. Mend that", {"code": 403, "reason": ""}),
        (
            RecordTooLarge("tallies", 9, 8),
            "9 bytes is over the limit of 8 .* Split it",
            {"topic": "tallies", "size_bytes": 9, "limit_bytes": 8},
        ),
        (
            PositionLost("tallies", 3, 7),
            "offset 7 of partition 3.* Start again from offset 0",
            {"topic": "tallies", "partition": 3, "offset": 7},
        ),
        (UnknownTopic("tallies"), "Create the run first", {"topic": "tallies"}),
        (
            WrongTopic("night", "sandik.night.tallies", "retention.ms is 604800000, not -1", "kafka-configs.sh …", 2),
            r"retention.ms is 604800000, not -1. 2 more are wrong. Mend it: kafka-configs.sh … \(sandik topics",
            {"topic": "sandik.night.tallies", "mend": "kafka-configs.sh …"},
        ),
        (WrongTopic("night", "t", "it is gone", "", 1), r"it is gone. 1 more is wrong. \(sandik", {"mend": ""}),
        (ArchiveError("a.parquet", "It is torn."), "^a.parquet: It is torn", {"file": "a.parquet", "offset": None}),
        (
            ArchiveError("a.parquet", "It is torn.", partition=1, offset=5),
            "^a.parquet, partition 1, offset 5: It is torn",
            {"partition": 1, "offset": 5, "what": "It is torn."},
        ),
    ],
)
def test_it_says_what_to_do_and_carries_what_it_is_about(
    error: SandikError, says: str, carries: dict[str, object]
) -> None:
    assert re.search(says, str(error))
    assert carries == {name: getattr(error, name) for name in carries}
    assert isinstance(error, UsageError | LogError | StreamRefused)


def test_a_damaged_record_is_named_by_its_place_and_not_read_again() -> None:
    damaged = RecordDamaged("sandik.n.tallies", 2, 99)

    assert "offset 99 of partition 2" in str(damaged)
    assert ("sandik.n.tallies", 2, 99) == (damaged.topic, damaged.partition, damaged.offset)
    assert not damaged.retriable
