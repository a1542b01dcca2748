import pytest

from schemas.asides import is_aside
from schemas.progress import (
    Late,
    PartitionProgress,
    ReplayMoved,
    Watermark,
    is_progress,
    parse_late,
    parse_moved,
    parse_progress,
    parse_watermark,
)
from tests.builders import NIGHT

MOVED = ReplayMoved(
    run="night",
    epoch="e1e1",
    at=NIGHT,
    clock=NIGHT,
    speed=60,
    status="playing",
    first=NIGHT,
    last=NIGHT,
    positions=(3, 0),
)


def test_a_clock_survives_the_way_through_the_log() -> None:
    assert MOVED == parse_moved(MOVED.encode())


def test_what_is_no_clock_says_nothing() -> None:
    assert parse_moved(None) is parse_moved(b'{"type":"held"}') is parse_moved(b'{"type":"replay_moved"}') is None
    assert parse_moved(MOVED.encode().replace(b'"type":', b'"note":')) is None


def test_a_mark_survives_the_way_through_the_log_and_is_no_totals() -> None:
    mark = PartitionProgress(partition=3, mark=7)
    assert (mark, b"mark:3") == (parse_progress(mark.encode()), mark.key)
    assert is_progress(mark.key)
    assert is_aside(mark.key)
    assert not is_progress(None)
    assert not is_aside(b"mayor/aa/tr/34/uskudar")


def test_what_is_no_mark_says_nothing() -> None:
    assert parse_progress(None) is parse_progress(b'{"type":"mark","partition":-1,"mark":0}') is None


LATE = Late(partition=3, offset=1841)
OTHERS = [(None, b""), (b"mark:3", LATE.encode()), (LATE.key, b"{}"), (LATE.key, None)]


def test_a_delay_survives_the_way_through_the_log_beside_the_totals() -> None:
    assert LATE == parse_late(LATE.key, LATE.encode())
    assert (b"late:3@1841", True) == (LATE.key, is_aside(LATE.key))


@pytest.mark.parametrize(
    ("key", "value"), [(None, b""), (b"mark:3", LATE.encode()), (LATE.key, b"{}"), (LATE.key, None)]
)
def test_what_is_no_delay_is_passed_over(key: bytes | None, value: bytes | None) -> None:
    assert parse_late(key, value) is None


WATERMARK = Watermark(owned_since=1841, second=17, positions={3: 0, 0: 12})


def test_a_watermark_is_kept_by_compaction_for_each_second_and_never_taken_for_totals() -> None:
    assert WATERMARK == parse_watermark(WATERMARK.key, WATERMARK.encode())
    assert (b"watermark:0@1841+17", True) == (WATERMARK.key, is_aside(WATERMARK.key))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (WATERMARK.key, b'{"type":"watermark","owned_since":1,"second":1,"positions":{}}'),
        (WATERMARK.key, b'{"type":"watermark","owned_since":1,"second":1,"positions":{"-1":4}}'),
        (WATERMARK.key, None),
        (LATE.key, WATERMARK.encode()),
        (None, WATERMARK.encode()),
    ],
)
def test_what_is_no_watermark_is_none(key: bytes | None, value: bytes | None) -> None:
    assert parse_watermark(key, value) is None
