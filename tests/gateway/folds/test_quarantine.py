import pytest

from gateway.folds.quarantine import MAX_WAITING, Quarantine
from schemas.control import EmbargoLifted, QuarantineRejected, QuarantineReleased
from schemas.errors import UsageError
from schemas.mending import mended
from schemas.quarantine import Quarantined, quarantined
from schemas.tally import encode
from tests.builders import counted
from tests.gateway.nights import Written
from tests.schemas.orders import order


def set_aside(offset: int) -> Quarantined:
    return quarantined("conflict", "a test", topic="t", partition=0, offset=offset, key=b"k", value=b"v")


def fold(queue: Quarantine, *said: Quarantined | bytes) -> Quarantine:
    for one in said:
        queue.fold(Written(queue.seq, one if isinstance(one, bytes) else one.encode()))
    return queue


def test_what_was_set_aside_waits_the_newest_first() -> None:
    queue = fold(Quarantine(), set_aside(1), b"junk", set_aside(2))

    assert [set_aside(2), set_aside(1)] == queue.waiting
    assert (2, 3, {"conflict": 2}) == (queue.waiting_count, queue.seq, queue.reasons)
    assert set_aside(1) == queue.find("t/0/1")


def test_a_record_that_was_set_aside_twice_waits_once() -> None:
    """After an aggregator's restart it is found again."""
    queue = fold(Quarantine(), set_aside(1), set_aside(1))
    queue.fold(Written(0, set_aside(7).encode()))

    assert ([set_aside(1)], {"conflict": 1}) == (queue.waiting, queue.reasons)


def test_what_is_settled_waits_no_more_whichever_comes_first() -> None:
    queue = fold(Quarantine(), set_aside(1))
    queue.obey(order(QuarantineReleased, position="t/0/1"))
    queue.obey(order(QuarantineRejected, position="t/0/2"))
    fold(queue, set_aside(2), set_aside(1))

    assert ([], 0, None) == (queue.waiting, queue.waiting_count, queue.find("t/0/1"))


def test_the_newest_are_kept_and_all_are_counted() -> None:
    queue = fold(Quarantine(), *map(set_aside, range(MAX_WAITING + 2)))

    assert (MAX_WAITING, MAX_WAITING + 2) == (len(queue.waiting), queue.waiting_count)
    assert queue.find("t/0/1") is None


def test_an_order_that_releases_publishes_what_waits_and_no_other_does() -> None:
    said = counted(revision=2)
    waits = quarantined("conflict", "a test", topic="t", partition=0, offset=1, key=b"k", value=encode(said))
    queue = fold(Quarantine(), waits)

    assert mended(waits) == queue.released_by(order(QuarantineReleased, position="t/0/1"))
    assert queue.released_by(order(QuarantineRejected, position="t/0/1")) is None
    assert queue.released_by(order(EmbargoLifted)) is None
    for kind in (QuarantineReleased, QuarantineRejected):
        with pytest.raises(UsageError, match="Nothing waits in quarantine from 't/0/9'"):
            queue.released_by(order(kind, position="t/0/9"))


@pytest.mark.parametrize("is_read_first", [True, False])
def test_what_is_let_out_later_comes_after_what_was_let_out_at_that_revision_before(is_read_first: bool) -> None:
    """Whether orders or records were read first; an order that was given twice counts once, one that rejects never."""
    rivals = [
        quarantined(
            "conflict", "a test", topic="t", partition=0, offset=n, key=b"k", value=encode(counted({"kurum": n}))
        )
        for n in range(1, 5)
    ]
    orders = [
        order(QuarantineReleased, position="t/0/1"),
        order(QuarantineReleased, position="t/0/1"),
        order(QuarantineRejected, position="t/0/2"),
        order(QuarantineReleased, position="t/0/3"),
    ]
    queue = fold(Quarantine(), *rivals) if is_read_first else Quarantine()
    for one in orders:
        queue.obey(one)
    fold(queue, *rivals, set_aside(9))
    queue.obey(order(QuarantineReleased, position="t/0/9"))
    last = queue.released_by(order(QuarantineReleased, position="t/0/4"))

    assert (1, 3) == (last.revision, last.released) if last else last
    assert mended(rivals[3], 2) == last


def test_an_order_about_other_things_settles_nothing() -> None:
    queue = fold(Quarantine(), set_aside(1))
    queue.obey(order(EmbargoLifted))

    assert [set_aside(1)] == queue.waiting
