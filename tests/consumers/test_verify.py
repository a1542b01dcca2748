"""Verifying: an archive that is as it was written is whole; of any other, the first wrong record is named."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from pyarrow import parquet

from consumers.verify import verify
from eventlog.archive import open_archive
from eventlog.archive_files import FORMAT, MANIFEST, Columns, Manifest, Segment, columns_of, file_sha256, link
from schemas.errors import ArchiveError
from tests.builders import DISTRICTS, counted
from tests.consumers.archiving import feed, logged, said

EVENTS = [
    counted(district=district, box=1001 + box, source=source)
    for box in range(10)
    for district in DISTRICTS
    for source in ("aa", "anka")
]
WRONG = 5
"""The row of the first segment that is tampered with."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive of two segments of tallies and one of control records."""
    logs = logged(said(EVENTS))
    folder = tmp_path / "archive"
    halves = {partition: records[:12] for partition, records in logs["tallies"].items()}
    feed(folder, {"tallies": halves, "control": logs["control"]}, at_once=100)
    feed(folder, logs, at_once=1_000)
    return folder


def first_segment(folder: Path) -> tuple[Path, Columns]:
    segment = open_archive(folder).segments("tallies")[0]
    path = folder / segment.file
    return path, columns_of(parquet.read_table(path))


def rewrite(path: Path, columns: Columns) -> None:
    """Put other rows into a segment's file, in the order given."""
    parquet.write_table(columns.table(), path, compression="zstd", row_group_size=16, use_dictionary=False)


def change_manifest(folder: Path, change: Callable[[Manifest], Manifest]) -> None:
    (folder / MANIFEST).write_bytes(change(open_archive(folder).manifest).encode())


def cover_up(folder: Path, path: Path) -> None:
    """Give the manifest the digest that a changed file has now: only the records can tell."""
    content = path.read_bytes()

    def covered(segment: Segment) -> Segment:
        changes = {"sha256": file_sha256(content), "size_bytes": len(content)}
        return segment.model_copy(update=changes) if segment.file == path.name else segment

    change_manifest(folder, lambda one: one.model_copy(update={"segments": tuple(map(covered, one.segments))}))


def fault(folder: Path) -> ArchiveError:
    with pytest.raises(ArchiveError) as caught:
        verify(folder, processes=1)
    return caught.value


def test_an_archive_that_is_as_it_was_written_is_whole(folder: Path) -> None:
    seen: list[int] = []
    verified = verify(folder, processes=1, on_progress=seen.append)

    assert {"tallies": {"counted": len(EVENTS)}, "control": {"run_created": 1}} == verified.manifest.records
    assert len(EVENTS) + 1 == seen[-1]
    assert sorted(seen) == seen
    assert verified.manifest.state == verified.state


def double_votes(value: bytes) -> bytes:
    said_there = orjson.loads(value)
    return orjson.dumps(said_there | {"votes": {name: 2 * votes for name, votes in said_there["votes"].items()}})


def change_value(columns: Columns) -> None:
    columns.value[WRONG] = double_votes(columns.value[WRONG])


def change_key(columns: Columns) -> None:
    columns.key[WRONG] = b"tr/34/elsewhere"


def change_append_time(columns: Columns) -> None:
    columns.append_ms[WRONG] += 1


def change_event_time(columns: Columns) -> None:
    columns.event_us[WRONG] = None


def change_type(columns: Columns) -> None:
    columns.type[WRONG] = "annulled"


def change_source(columns: Columns) -> None:
    columns.source[WRONG] = "anka" if columns.source[WRONG] == "aa" else "aa"


def change_district(columns: Columns) -> None:
    columns.district[WRONG] = None


def change_state(columns: Columns) -> None:
    columns.state[WRONG] = bytes(16)


def change_link(columns: Columns) -> None:
    columns.chain[WRONG] = bytes(16)


CHANGES = (
    change_value, change_key, change_append_time, change_event_time, change_type, change_source, change_district,
    change_state, change_link,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_record_that_was_tampered_with_is_named(folder: Path, change: Callable[[Columns], None]) -> None:
    path, columns = first_segment(folder)
    wrong = columns.partition[WRONG], columns.offset[WRONG]
    change(columns)
    rewrite(path, columns)
    cover_up(folder, path)

    found = fault(folder)
    assert (path.name, *wrong) == (found.file, found.partition, found.offset)
    assert "tampered" in str(found)


@pytest.mark.parametrize("change", [change_value, change_key, change_append_time, change_link])
def test_whoever_reads_a_tampered_file_is_told_the_record_too(folder: Path, change: Callable[[Columns], None]) -> None:
    path, columns = first_segment(folder)
    wrong = columns.partition[WRONG], columns.offset[WRONG]
    change(columns)
    rewrite(path, columns)

    with pytest.raises(ArchiveError, match="tampered") as caught:
        list(open_archive(folder).tallies())
    assert (path.name, *wrong) == (caught.value.file, caught.value.partition, caught.value.offset)


def each_list(columns: Columns) -> list[list[object]]:
    return [getattr(columns, name) for name in Columns.__slots__]


@pytest.mark.parametrize("covered_up", [False, True])
def test_a_record_that_was_taken_out_is_named(folder: Path, covered_up: bool) -> None:
    path, columns = first_segment(folder)
    wrong = columns.partition[WRONG], columns.offset[WRONG]
    for values in each_list(columns):
        del values[WRONG]
    rewrite(path, columns)
    if covered_up:
        cover_up(folder, path)

    found = fault(folder)
    assert (path.name, *wrong) == (found.file, found.partition, found.offset)
    assert "missing" in str(found)


@pytest.mark.parametrize("covered_up", [False, True])
def test_records_that_changed_places_are_named_by_the_first(folder: Path, covered_up: bool) -> None:
    path, columns = first_segment(folder)
    wrong = columns.partition[WRONG], columns.offset[WRONG]
    other = next(row for row in range(WRONG + 1, len(columns)) if columns.partition[row] == wrong[0])
    for values in each_list(columns):
        values[WRONG], values[other] = values[other], values[WRONG]
    rewrite(path, columns)
    if covered_up:
        cover_up(folder, path)

    found = fault(folder)
    assert (path.name, *wrong) == (found.file, found.partition, found.offset)
    assert "reordered" in str(found)


def test_a_last_record_that_was_taken_out_is_named(folder: Path) -> None:
    path, columns = first_segment(folder)
    wrong = columns.partition[-1], columns.offset[-1]
    for values in each_list(columns):
        del values[-1]
    rewrite(path, columns)
    found = fault(folder)
    assert (path.name, *wrong) == (found.file, found.partition, found.offset)
    cover_up(folder, path)
    found = fault(folder)

    assert (path.name, *wrong) == (found.file, found.partition, found.offset)
    assert "the file ends before it" in str(found)


def test_a_record_that_was_put_in_is_named(folder: Path) -> None:
    path, columns = first_segment(folder)
    last = columns.partition[-1], columns.offset[-1] + 1
    for values in each_list(columns):
        values.append(values[-1])
    columns.offset[-1] += 1
    rewrite(path, columns)

    found = fault(folder)
    assert (path.name, *last) == (found.file, found.partition, found.offset)
    assert "foreign" in str(found)


def test_a_chain_that_was_forged_to_its_end_does_not_meet_what_follows(folder: Path) -> None:
    """Whoever changes a record and all links behind it, and the file's digest, is found out by the next file."""
    path, columns = first_segment(folder)
    partition = columns.partition[WRONG]
    change_value(columns)
    rows = [row for row in range(len(columns)) if columns.partition[row] == partition]
    for before, row in zip([None, *rows], rows, strict=False):
        previous = bytes(16) if before is None else columns.chain[before]
        fields = columns.offset[row], columns.append_ms[row], columns.key[row], columns.value[row]
        columns.chain[row] = link(previous, *fields)
    rewrite(path, columns)
    cover_up(folder, path)

    found = fault(folder)
    assert partition == found.partition  # its state gives it away at the record, though its link is right
    assert columns.offset[WRONG] == found.offset


@pytest.mark.parametrize("covered_up", [False, True])
def test_a_file_that_was_cut_short_is_named_with_the_first_record_it_held(folder: Path, covered_up: bool) -> None:
    path, _ = first_segment(folder)
    first = open_archive(folder).segments("tallies")[0].spans[0]
    path.write_bytes(path.read_bytes()[:-100])
    if covered_up:
        cover_up(folder, path)

    found = fault(folder)
    assert (path.name, first.partition, first.first) == (found.file, found.partition, found.offset)
    assert ("Parquet" if covered_up else "truncated") in str(found)


def test_a_file_that_is_gone_is_named(folder: Path) -> None:
    path, _ = first_segment(folder)
    path.unlink()

    found = fault(folder)
    assert path.name == found.file
    assert "cannot be read" in str(found)


def test_bytes_that_rotted_are_named_with_the_first_record_that_they_cost(folder: Path) -> None:
    path, columns = first_segment(folder)
    rewrite(path, columns)  # in row groups of 16
    cover_up(folder, path)
    verify(folder, processes=1)
    values = parquet.ParquetFile(path).metadata.row_group(1).column(8)
    position = values.data_page_offset + values.total_compressed_size - 60
    content = bytearray(path.read_bytes())
    content[position : position + 20] = bytes(20)
    path.write_bytes(content)

    found = fault(folder)
    assert path.name == found.file
    assert (columns.partition[16], columns.offset[16]) == (found.partition, found.offset)
    cover_up(folder, path)
    found = fault(folder)
    assert (columns.partition[16], columns.offset[16]) == (found.partition, found.offset)


@pytest.mark.parametrize("covered_up", [False, True])
def test_a_foreign_file_in_a_segment_s_place_is_named(folder: Path, covered_up: bool) -> None:
    path, _ = first_segment(folder)
    size = path.stat().st_size
    parquet.write_table(pa.table({"holiday": [bytes(2 * size)]}), path, compression="none")
    if covered_up:
        cover_up(folder, path)

    found = fault(folder)
    assert path.name == found.file
    assert "foreign" in str(found)


def test_another_night_s_file_in_a_segment_s_place_is_named(folder: Path, tmp_path: Path) -> None:
    path, _ = first_segment(folder)
    feed(tmp_path / "other", logged(said(reversed(EVENTS))), at_once=1_000)
    theirs, _ = first_segment(tmp_path / "other")
    path.write_bytes(theirs.read_bytes())

    found = fault(folder)
    assert path.name == found.file
    assert found.offset is not None


def test_a_segment_that_the_manifest_no_longer_names_is_missed(folder: Path) -> None:
    segments = open_archive(folder).segments("tallies")
    assert 1 == len(segments)  # merged when the archive was finished
    change_manifest(
        folder,
        lambda one: one.model_copy(
            update={"segments": tuple(segment for segment in one.segments if segment.topic != "tallies")}
        ),
    )

    found = fault(folder)
    assert (MANIFEST, 0) == (found.file, found.offset)


@pytest.mark.parametrize(
    ("field", "value"),
    [("run", "other"), ("mode", "live"), ("epoch", "e2e2"), ("take", 1), ("partitions", 8), ("ends", ())],
)
def test_a_manifest_that_names_another_run_does_not_give_its_content_hash(
    folder: Path, field: str, value: object
) -> None:
    change_manifest(folder, lambda one: one.model_copy(update={field: value}))

    assert "content hash" in str(fault(folder))


@pytest.mark.parametrize(
    ("field", "value"), [("state", "0" * 32), ("records", {"tallies": {}, "control": {}}), ("first_event", None)]
)
def test_a_manifest_that_says_of_the_whole_what_is_not_so_is_found_out(folder: Path, field: str, value: object) -> None:
    change_manifest(folder, lambda one: one.model_copy(update={field: value}))

    assert f"its {field} is not that of the records" in str(fault(folder))


def is_of_earlier_rules(manifest: Manifest) -> Manifest:
    return manifest.model_copy(update={"format": "sandik.archive.v1"})


@pytest.mark.parametrize("change", [change_state, change_event_time, change_type, change_source, change_district])
def test_what_earlier_rules_made_of_a_record_is_not_taken_for_tampering(
    folder: Path, change: Callable[[Columns], None]
) -> None:
    """A version before read, or counted, the same bytes otherwise."""
    path, columns = first_segment(folder)
    change(columns)
    rewrite(path, columns)
    cover_up(folder, path)
    change_manifest(folder, lambda one: is_of_earlier_rules(one).model_copy(update={"state": "0" * 32}))

    verified = verify(folder, processes=1)
    assert (False, "0" * 32) == (verified.manifest.has_todays_states, verified.manifest.state)
    assert verified.state != verified.manifest.state


@pytest.mark.parametrize("change", [change_value, change_key, change_append_time, change_link])
def test_what_was_tampered_with_in_an_archive_of_earlier_rules_is_named(
    folder: Path, change: Callable[[Columns], None]
) -> None:
    path, columns = first_segment(folder)
    change(columns)
    rewrite(path, columns)
    cover_up(folder, path)
    change_manifest(folder, is_of_earlier_rules)

    assert (columns.partition[WRONG], columns.offset[WRONG]) == (fault(folder).partition, fault(folder).offset)


def test_an_archive_of_earlier_rules_is_gone_on_with_and_stays_one(tmp_path: Path, folder: Path) -> None:
    path, columns = first_segment(folder)
    change_state(columns)
    rewrite(path, columns)
    cover_up(folder, path)
    change_manifest(folder, is_of_earlier_rules)
    feed(folder, logged(said([*EVENTS, counted(box=1019, revision=9)])), at_once=1_000)

    verified = verify(folder, processes=1)
    assert (False, len(EVENTS) + 1) == (verified.manifest.has_todays_states, verified.manifest.count("tallies"))


def test_an_archive_of_a_later_version_asks_for_an_upgrade(folder: Path) -> None:
    content = (folder / MANIFEST).read_text().replace(FORMAT, "sandik.archive.v9")
    (folder / MANIFEST).write_text(content)

    assert "has the format 'sandik.archive.v9'" in str(fault(folder))
    assert "Upgrade sandik" in str(fault(folder))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": "sandik.archive.v1"}', b'{"format": 2}'])
def test_a_manifest_that_is_none_is_said_so(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)

    assert str(folder / MANIFEST) == fault(folder).file


def test_several_processes_come_to_the_same(folder: Path) -> None:
    seen: list[int] = []

    assert verify(folder, processes=1) == verify(folder, processes=2, on_progress=seen.append, alone_records=0)
    assert len(EVENTS) + 1 == seen[-1]


def test_a_fault_that_another_process_found_is_named_all_the_same(folder: Path) -> None:
    path, columns = first_segment(folder)
    change_state(columns)
    rewrite(path, columns)
    cover_up(folder, path)
    alone = fault(folder)
    with pytest.raises(ArchiveError) as caught:
        verify(folder, processes=2, alone_records=0)

    assert str(alone) == str(caught.value)


@pytest.mark.parametrize("change", [b'"complete":false', b'"records":{}', b'"first_append":null'])
def test_a_manifest_that_is_not_as_it_was_written_is_not_read(folder: Path, change: bytes) -> None:
    """Also where a replay would only have begun elsewhere, or in another order."""
    path = folder / MANIFEST
    fields = orjson.loads(path.read_bytes()) | orjson.loads(b"{" + change + b"}")
    path.write_bytes(orjson.dumps(fields))

    with pytest.raises(ArchiveError, match="does not give the digest in it"):
        open_archive(folder)


def test_a_definition_that_contradicts_itself_is_a_changed_manifest(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"parent": "tr/34"', b'"parent": "tr/35"', 1))

    with pytest.raises(ArchiveError, match=r"was changed: Unit .* needs a parent"):
        open_archive(folder)


def test_segments_that_are_not_all_of_the_records_are_not_read(folder: Path) -> None:
    """Nobody replays a night with a hole in it, whether it was verified or not."""
    change_manifest(folder, lambda one: one.model_copy(update={"segments": ()}))

    with pytest.raises(ArchiveError, match="this record is in no segment"):
        open_archive(folder)


@pytest.mark.parametrize("junk", [b"\x00", b"\xff"])
def test_no_bytes_of_a_segment_end_whoever_reads_it_in_another_way(folder: Path, junk: bytes) -> None:
    """The manifest was made to fit: of what Arrow cannot read, the file is named."""
    path, _ = first_segment(folder)
    content = path.read_bytes()
    for at in range(4, len(content) - 8, max(1, len(content) // 60)):
        path.write_bytes(content[:at] + junk * 4 + content[at + 4 :])
        cover_up(folder, path)
        with contextlib.suppress(ArchiveError):
            list(open_archive(folder).tallies())
        with contextlib.suppress(ArchiveError):
            verify(folder, processes=1)
