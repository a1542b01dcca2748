"""Reading archives: every record, in the order in which it came, from any moment on; and archives that are none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlog.archive import open_archive
from eventlog.archive_files import MANIFEST, ROW_GROUP_RECORDS, Archived
from schemas.errors import ArchiveError
from tests.eventlog.archives import chained, write

AT = datetime(2024, 3, 31, 16, 0, tzinfo=UTC)
AT_MS = int(AT.timestamp()) * 1000


def tally(partition: int, offset: int, append_ms: int, value: bytes = b"{}") -> Archived:
    event_time = AT + timedelta(microseconds=offset)
    return Archived(
        "tallies", partition, offset, append_ms, event_time, b"tr/34/uskudar", "counted", "aa", "tr/34/uskudar",
        value, b"", bytes(16),
    )  # fmt: skip


def replay_order(records: list[Archived]) -> list[Archived]:
    return sorted(records, key=lambda record: (record.append_ms, record.partition, record.offset))


@st.composite
def cut(draw: st.DrawFn) -> list[list[Archived]]:
    """Any records of three partitions, cut into batches in any way that a log could hand them out."""
    queues = []
    for partition in range(3):
        steps = draw(st.lists(st.integers(0, 5), max_size=12))
        times = [AT_MS + sum(steps[: index + 1]) for index in range(len(steps))]
        values = [draw(st.binary(max_size=6)) for _ in steps]
        queues.append(chained(tally(partition, n, at, values[n]) for n, at in enumerate(times)))
    batches = []
    while any(queues):
        batch: list[Archived] = []
        for queue in queues:
            taken = draw(st.integers(0, len(queue)))
            batch += queue[:taken]
            del queue[:taken]
        if batch:
            batches.append(batch)
    return batches


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=cut(), since=st.integers(-2, 60), until=st.integers(-2, 60))
def test_every_record_comes_back_in_replay_order_from_any_moment_to_any_other(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Archived]], since: int, until: int
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    write(folder, batches)
    archive = open_archive(folder)
    records = replay_order([record for batch in batches for record in batch])
    first, end = AT + timedelta(milliseconds=since), AT + timedelta(milliseconds=until)

    assert records == list(archive.tallies())
    assert [one for one in records if since <= one.append_ms - AT_MS < until] == list(archive.tallies(first, end))
    assert [] == list(archive.control())


def test_a_moment_within_a_millisecond_leaves_out_what_came_before_it(tmp_path: Path) -> None:
    write(tmp_path, [chained([tally(0, 0, AT_MS), tally(0, 1, AT_MS + 1)])])
    archive = open_archive(tmp_path)
    between = AT + timedelta(microseconds=1)

    assert [1] == [record.offset for record in archive.tallies(since=between)]
    assert [0] == [record.offset for record in archive.tallies(until=between)]


def test_a_seek_reads_the_row_groups_that_it_needs_and_no_others(tmp_path: Path) -> None:
    records = chained(tally(0, offset, AT_MS + offset) for offset in range(3 * ROW_GROUP_RECORDS))
    write(tmp_path, [records])

    first = next(open_archive(tmp_path).tallies(since=AT + timedelta(milliseconds=2 * ROW_GROUP_RECORDS)))

    assert 2 * ROW_GROUP_RECORDS == first.offset


def test_a_control_record_keeps_what_it_has_and_says_what_it_lacks(tmp_path: Path) -> None:
    records = chained([Archived("control", 0, 0, AT_MS, None, b"", None, None, None, b"\xff", b"", None)])
    write(tmp_path, [records])

    assert records == list(open_archive(tmp_path).control())


def test_a_folder_without_a_manifest_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"this is no archive.*sandik archive"):
        open_archive(tmp_path)


def test_another_version_of_the_format_is_named(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"format": "sandik.archive.v9"}')

    with pytest.raises(
        ArchiveError, match=r"'sandik\.archive\.v9'; this version of sandik reads .*v1 and .*v2.*\. Upgrade"
    ):
        open_archive(tmp_path)
