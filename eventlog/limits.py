"""What both logs check before they write anything."""

from collections.abc import Sequence

from eventlog.port import Entry, Topic
from schemas.errors import RecordTooLarge, UsageError


def check_entries(topic: Topic, entries: Sequence[Entry]) -> None:
    """Raise `RecordTooLarge`, or `UsageError` for a partition that the topic does not have."""
    limit = topic.max_record_bytes
    for entry in entries:
        size_bytes = len(entry.key) + len(entry.value)
        if size_bytes > limit:
            raise RecordTooLarge(topic.name, size_bytes, limit)
        if entry.partition is not None and not 0 <= entry.partition < topic.partitions:
            raise UsageError(
                f"Topic {topic.name!r} has no partition {entry.partition}. Give one from 0 to {topic.partitions - 1}."
            )
