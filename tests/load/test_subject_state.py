import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandik.load.subject_state import Subject, SubjectState, step
from tests.load.messages import DISTRICT, FED, FOREIGN, delta, entry, faults, hello, snapshot, walk

GOOD = (
    hello(),
    snapshot(10, entry(boxes_opened=3, invalid=101)),
    delta(10, 12, entry(boxes_opened=4, invalid=103)),
    delta(11, 15, entry(boxes_opened=4, invalid=104, as_of="2026-03-31T19:38:02+03:00")),
    delta(15, 15),
)


@pytest.mark.parametrize("subject", [FED, FOREIGN])
def test_a_client_that_is_served_well_finds_no_fault(subject: Subject) -> None:
    assert [] == faults(subject, *GOOD)


@pytest.mark.parametrize(
    ("kind", "payloads"),
    [
        ("gap", (snapshot(10), delta(11, 12))),
        ("gap", (delta(0, 5, entry(boxes_opened=1)),)),
        ("step back", (snapshot(10), delta(8, 9))),
        ("step back", (snapshot(10), snapshot(9))),
        ("blank", (snapshot(10, entry(boxes_opened=3)), delta(10, 11, entry(boxes_opened=0)))),
        ("blank", (snapshot(10, entry(boxes_opened=3)), snapshot(11))),
        ("blank", (snapshot(10, entry(boxes_opened=3)), snapshot(11, entry()))),
        ("error", (b'{"type":"error","code":"unknown_unit","message":"No unit."}',)),
        ("unreadable", (b"not json",)),
        ("unreadable", (b"[]",)),
        ("unreadable", (b'{"type":"delta"}',)),
        ("unreadable", (snapshot(10), b'{"type":"delta","from":10,"seq":11,"totals":[{"boxes_opened":1}]}')),
    ],
)
def test_what_must_never_happen_is_found(kind: str, payloads: tuple[bytes, ...]) -> None:
    assert [kind] == faults(FOREIGN, *payloads)


@pytest.mark.parametrize("fields", [{"invalid": 102, "boxes_opened": 3}, {"invalid": 103, "boxes_opened": 2}])
def test_figures_of_a_feed_that_takes_nothing_back_must_not_fall(fields: dict[str, int]) -> None:
    first = snapshot(10, entry(boxes_opened=3, invalid=103))

    assert ["fall"] == faults(FED, first, delta(10, 11, entry(**fields)))
    assert [] == faults(FOREIGN, first, delta(10, 11, entry(**fields)))


@pytest.mark.parametrize(
    ("ordered", "payload"),
    [
        (["embargo"], b'{"type":"state","embargoed":true,"hold":[]}'),
        (["hold"], b'{"type":"state","embargoed":false,"hold":["mayor"]}'),
        (["embargo", "hold"], b'{"type":"state","embargoed":true,"hold":["mayor"]}'),
        ([], b'{"type":"state","embargoed":false,"hold":[]}'),
        ([], b'{"type":"state"}'),
        (["figures set by hand"], snapshot(10, entry(boxes_opened=3, overridden=["votes.kurum"]))),
        (["figures set by hand"], delta(0, 5, entry(boxes_opened=3, overridden=["valid"]))),
        ([], snapshot(10, entry(boxes_opened=3, overridden=[]))),
    ],
)
def test_what_operators_have_ordered_is_known(ordered: list[str], payload: bytes) -> None:
    (taken,) = walk(FOREIGN, payload)

    assert ordered == list(taken.ordered)


def test_a_log_made_anew_may_begin_again() -> None:
    assert [] == faults(FED, snapshot(10, entry(boxes_opened=3, invalid=103)), snapshot(2, epoch="e2"))


def test_the_changes_that_are_new_are_known_by_their_numbers() -> None:
    """Also those that were conflated: the counter went up by two, then by one."""
    assert [[], [], [2, 5], [10], []] == [list(taken.new) for taken in walk(FED, *GOOD)]


def test_joining_shows_nothing_new_and_what_comes_later_is() -> None:
    """A client that joins an empty run is owed the very first change."""
    assert [[], [0]] == [list(taken.new) for taken in walk(FED, snapshot(0), delta(0, 1, entry(invalid=101)))]


def test_a_snapshot_after_a_reconnect_is_timed_like_a_delta() -> None:
    steps = walk(FED, snapshot(10, entry(invalid=101)), snapshot(20, entry(invalid=103)))

    assert [2, 5] == list(steps[-1].new)


def test_the_event_times_of_a_delta_are_kept() -> None:
    assert [[], [], [], [1_774_975_082.0], []] == [list(taken.newest) for taken in walk(FED, *GOOD)]


@pytest.mark.parametrize(("kind", "known"), [("state", "state"), ("event", "other")])
def test_what_brings_no_figures_leaves_everything_as_it_was(kind: str, known: str) -> None:
    before = walk(FED, *GOOD)[-1].after
    taken = step(before, orjson.dumps({"type": kind}))

    assert (known, []) == (taken.kind, [*taken.faults])
    assert before is taken.after


def test_a_goodbye_says_when_to_come_back() -> None:
    (taken,) = walk(FED, b'{"type":"goodbye","code":1012,"retry_after_s":3.217}')

    assert (3.217, ()) == (taken.retry_after_s, taken.faults)


def test_what_an_entry_leaves_out_has_not_changed() -> None:
    last = walk(FED, *GOOD, delta(15, 16, entry(cast=7)))[-1].after

    assert (4, 4) == last.shown[DISTRICT]


def test_what_lacks_and_what_is_too_much_is_known() -> None:
    last = walk(FED, *GOOD)[-1].after

    assert (0, 0, 1, 2) == tuple(last.lacks(changes) for changes in (0, 11, 13, 16))
    assert (True, False) == (last.exceeds(10), last.exceeds(11))
    assert 6 == SubjectState(FED).lacks(20)


JSON: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text() | st.just([{}])
)
FIELDS = ("type", "from", "seq", "totals", "epoch", "code")


@given(st.sampled_from(GOOD), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_whatever_comes_is_a_step(good: bytes, changes: dict[str, object]) -> None:
    """Never an exception, however a message is spoilt: a load tester must outlive the gateway's faults."""
    payload = orjson.dumps(orjson.loads(good) | changes)
    for state in (SubjectState(FED), walk(FED, *GOOD)[-1].after):
        taken = step(state, payload)
        assert taken.kind == orjson.loads(payload)["type"] or taken.kind == "other"


@given(st.dictionaries(st.sampled_from(["unit", "boxes_opened", "invalid", "as_of"]), JSON))
def test_an_entry_of_nonsense_is_a_step(fields: dict[str, object]) -> None:
    """Nor does a figure beyond belief make the tester count to it."""
    for state in (SubjectState(FED), walk(FED, *GOOD)[-1].after):
        step(state, delta(15, 16, {**entry(), **fields}))


def test_more_changes_than_can_be_is_a_fault() -> None:
    assert ["surplus"] == faults(FED, snapshot(1, entry(invalid=101)), delta(1, 2, entry(invalid=10**12)))
