import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandik.load import clients as module
from sandik.load.clients import LoadClients, Subject, SubjectState, step
from sandik.load.plan import Plan, Stalling
from tests.load.messages import DISTRICT, FED, FOREIGN, delta, entry, faults, hello, snapshot, walk
from tests.load.plans import SCHEDULE, plan, without_feed

BEGAN = 500.0
TRACK = SCHEDULE.tracks("mayor", "aa", ["tr"])["tr"]
FIRST_IN_WINDOW = TRACK.among(SCHEDULE.due_by(10.0))
"""How many changes of the country are due while clients connect."""


def load_clients(wanted: Plan) -> LoadClients:
    made = LoadClients(wanted, range(wanted.clients))
    made.began = BEGAN
    return made


def country(changes: int, **fields: object) -> dict[str, object]:
    return {"unit": "tr", "boxes_opened": changes, "invalid": changes, **fields}


def moving(changes: int) -> dict[str, object]:
    return country(changes, as_of="1970-01-12T13:55:11+00:00")


def due_s(index: int) -> float:
    (number,) = TRACK.numbers(index, index + 1)
    return SCHEDULE.due_s(number)


def test_each_change_is_timed_from_when_it_was_due_at_every_client() -> None:
    """Two changes come in one delta, each with its own wait; four clients get it, at two moments."""
    all_of_them = load_clients(plan())
    joined = FIRST_IN_WINDOW
    for client in all_of_them.clients:
        all_of_them.take(client, snapshot(1, country(joined)), BEGAN + 9)
    moments = [due_s(joined + 1) + 0.05, due_s(joined + 1) + 0.25]
    for client, moment in zip(all_of_them.clients, moments * 2, strict=True):
        all_of_them.take(client, delta(1, 2, country(joined + 2)), BEGAN + moment)

    behind = all_of_them.flush().behind
    waits = sorted(moment - due_s(joined + index) for moment in moments * 2 for index in (0, 1))
    assert len(waits) == behind.count
    assert pytest.approx(sum(waits) / len(waits), abs=0.0005) == behind.mean / 1e6
    assert waits[0] <= behind.minimum / 1e6 <= waits[0] + 0.0005


def test_a_frame_that_another_client_got_counts_as_if_it_were_parsed_again() -> None:
    """By the bytes or by the message: states, counts and times are the same."""
    by_bytes, by_message = load_clients(plan()), load_clients(plan())
    joined = FIRST_IN_WINDOW
    messages = [
        snapshot(1, country(joined)),
        delta(1, 2, moving(joined + 1)),
        b'{"type":"state","embargoed":false,"hold":["mayor"]}',
        delta(2, 3, moving(joined + 3)),
        delta(9, 12, moving(joined + 1)),  # a gap and a fall: it is parsed for each
        delta(12, 13, moving(joined + 4)),
    ]
    same = 0
    for number, message in enumerate(messages):
        now, frame = BEGAN + 10 + number, b"head" + message
        for one, other in zip(by_bytes.clients, by_message.clients, strict=True):
            if by_bytes.take_same(one, frame, now):
                same += 1
            else:
                one.size_bytes += len(frame)
                by_bytes.figures.size_bytes += len(frame)
                by_bytes.figures.frames += 1
                by_bytes.take(one, message, now, frame)
            other.size_bytes += len(frame)
            by_message.figures.size_bytes += len(frame)
            by_message.figures.frames += 1
            by_message.take(other, message, now)

    assert 3 * 4 == same  # all but the first client, of the four messages with nothing odd
    assert [client.state.shown for client in by_message.clients] == [client.state.shown for client in by_bytes.clients]
    expected, found = by_message.flush(), by_bytes.flush()
    for name in ("frames", "size_bytes", "faults", "ordered", "examples"):
        assert getattr(expected, name) == getattr(found, name)
    for name in ("behind", "newest", "joining"):
        histograms = getattr(expected, name), getattr(found, name)
        assert len({(one.count, one.total, one.minimum, one.maximum) for one in histograms}) == 1
    assert {4} == set(found.faults.values())


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_frame_that_differs_in_one_byte_is_not_taken_for_the_same(place: int) -> None:
    all_of_them = load_clients(plan())
    one, other, *_ = all_of_them.clients
    frame = b"\x81" + snapshot(1, country(FIRST_IN_WINDOW))
    all_of_them.take(one, frame[1:], BEGAN + 10, frame)
    wrong = frame[:place] + bytes([frame[place] ^ 1]) + frame[place + 1 :]

    assert not all_of_them.take_same(other, wrong, BEGAN + 10)
    assert all_of_them.take_same(other, frame, BEGAN + 10)


def test_messages_about_orders_of_operators_are_counted() -> None:
    all_of_them = load_clients(plan())
    state = b'{"type":"state","embargoed":false,"hold":["mayor"]}'
    for client in all_of_them.clients:
        all_of_them.take(client, state, BEGAN + 9)

    assert {"hold": len(all_of_them.clients)} == all_of_them.flush().ordered


def test_changes_due_while_clients_connect_are_not_timed() -> None:
    all_of_them = load_clients(plan())
    client = all_of_them.clients[0]
    all_of_them.take(client, snapshot(1, country(0)), BEGAN + 1)
    all_of_them.take(client, delta(1, 2, country(FIRST_IN_WINDOW)), BEGAN + 11)

    assert 0 == all_of_them.flush().behind.count


def test_the_age_of_the_newest_change_is_taken_from_its_event_time() -> None:
    """Without a feed of ours. The wall clock stood at 1,000,000 s when the monotonic one stood at 0."""
    others = load_clients(without_feed())
    client = others.clients[0]
    others.take(client, snapshot(1), BEGAN + 1)
    others.take(client, delta(1, 2, country(1, as_of="1970-01-12T13:55:11.900+00:00")), BEGAN + 12)

    assert pytest.approx(0.1, abs=0.0006) == others.flush().newest.mean / 1e6


@pytest.mark.parametrize("as_of", ["2024-03-31T19:00:00+03:00", "1970-01-10T00:00:00+00:00"])
def test_an_event_time_that_is_not_now_says_nothing(as_of: str) -> None:
    others = load_clients(without_feed())
    others.take(others.clients[0], snapshot(1), BEGAN + 1)
    others.take(others.clients[0], delta(1, 2, country(1, as_of=as_of)), BEGAN + 12)

    figures = others.flush()
    assert (0, 1) == (figures.newest.count, figures.unreal)


def test_a_fault_counts_for_every_client_that_saw_it() -> None:
    all_of_them = load_clients(plan())
    for client in all_of_them.clients:
        all_of_them.take(client, delta(5, 6), BEGAN + 1)

    figures = all_of_them.flush()
    assert {"gap": 4} == figures.faults
    assert 4 == len(figures.examples)


def test_clients_who_get_the_same_bytes_stand_at_the_same_place() -> None:
    all_of_them = load_clients(plan())
    for payload in (snapshot(1, country(1)), delta(1, 2, country(2)), delta(2, 3, country(3))):
        for client in all_of_them.clients:
            all_of_them.take(client, payload, BEGAN + 1)

    assert 1 == len({client.state for client in all_of_them.clients})


def test_whoever_joins_later_stands_where_the_others_are() -> None:
    """So that a delta is worked out once, and not once for every moment at which somebody joined."""
    all_of_them = load_clients(plan())
    first, second, *_ = all_of_them.clients
    all_of_them.take(first, snapshot(1, country(1)), BEGAN + 1)
    all_of_them.take(first, delta(1, 2, country(2)), BEGAN + 2)
    all_of_them.take(second, snapshot(2, country(2)), BEGAN + 2)

    assert first.state is second.state


def test_two_clients_who_are_shown_different_figures_at_one_cursor_are_a_fault() -> None:
    all_of_them = load_clients(plan())
    first, second, *_ = all_of_them.clients
    all_of_them.take(first, snapshot(2, country(1)), BEGAN + 1)
    all_of_them.take(second, snapshot(2, country(2)), BEGAN + 1)

    assert {"differs": 1} == all_of_them.flush().faults


def test_clients_at_one_place_may_get_different_messages() -> None:
    all_of_them = load_clients(plan())
    first, second, third, _ = all_of_them.clients
    for client in all_of_them.clients:
        all_of_them.take(client, snapshot(1, country(1)), BEGAN + 1)
    for client, seq in ((first, 2), (second, 3), (third, 2)):
        all_of_them.take(client, delta(1, seq, country(seq)), BEGAN + 2)

    assert first.state is third.state
    assert (2, 3) == (first.state.seq, second.state.seq)


def test_a_client_that_is_sent_away_is_timed_until_it_is_back() -> None:
    all_of_them = load_clients(plan())
    client = all_of_them.clients[0]
    all_of_them.take(client, snapshot(1, country(1)), BEGAN + 9)
    all_of_them.take(client, b'{"type":"goodbye","retry_after_s":1.5}', BEGAN + 12)
    all_of_them.lose(client, BEGAN + 12)
    all_of_them.take(client, delta(1, 2, country(2)), BEGAN + 14)

    assert 1.5 == client.retry_after_s
    assert (1, 2_000_000) == ((found := all_of_them.flush().returning).count, found.maximum)


def test_remembered_steps_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a client stalls, the steps that lead from where it stands are not kept for it."""
    monkeypatch.setattr(module, "MAX_STEPS_KEPT", 5)
    all_of_them = load_clients(plan())
    first, second, *_ = all_of_them.clients
    all_of_them.take(second, snapshot(1, country(1)), BEGAN + 1)
    beginning = second.state
    all_of_them.take(first, snapshot(1, country(1)), BEGAN + 1)
    for seq in range(1, 50):
        all_of_them.take(first, delta(seq, seq + 1, country(seq + 1)), BEGAN + 1)
    assert not beginning.steps
    assert beginning.latest is None

    for seq in range(1, 50):
        all_of_them.take(second, delta(seq, seq + 1, country(seq + 1)), BEGAN + 2)
    assert (second.state.shown, 50) == (first.state.shown, second.state.seq)
    assert not all_of_them.flush().faults


def test_a_stalled_client_is_not_timed_but_must_catch_up() -> None:
    stalling = load_clients(plan(stalling=Stalling(0.25)))
    (stalled,) = [client for client in stalling.clients if client.stalls]
    others = [client for client in stalling.clients if not client.stalls]
    joined = FIRST_IN_WINDOW
    for client in stalling.clients:
        stalling.take(client, snapshot(1, country(joined)), BEGAN + 9)
    for client in others:
        stalling.take(client, delta(1, 4, moving(joined + 3)), BEGAN + 12)
    stalling.resume(stalled, BEGAN + 20)
    assert 1 == stalling.behind(0.0)
    stalling.take(stalled, delta(1, 3, moving(joined + 2)), BEGAN + 20.1)
    assert 1 == stalling.behind(0.0)
    stalling.take(stalled, delta(3, 4, moving(joined + 3)), BEGAN + 20.2)

    figures = stalling.flush()
    assert 0 == stalling.behind(0.0)
    assert 3 * len(others) == figures.behind.count
    assert (1, 2) == (figures.catching_up.count, figures.catch_up_frames.maximum)
    assert pytest.approx(0.2) == figures.catching_up.maximum / 1e6


def test_the_books_say_who_lacks_what() -> None:
    """Two clients are current, one lacks the last two changes, one never joined and lacks all."""
    all_of_them = load_clients(plan())
    whole = TRACK.among(SCHEDULE.due_by(3.0))
    for client, changes in zip(all_of_them.clients, (whole, whole, whole - 2), strict=False):
        all_of_them.take(client, snapshot(changes, country(changes)), BEGAN + 1)
    assert 2 == all_of_them.behind(3.0)

    all_of_them.close_books(3.0)
    figures = all_of_them.flush()
    assert (2 + whole, 1, 1) == (figures.unshown, figures.late_clients, figures.never_joined)
    assert not figures.faults


def test_a_count_beyond_what_was_fed_is_found_at_the_end() -> None:
    all_of_them = load_clients(plan(clients=1, allotted=(0,)))
    whole = TRACK.among(SCHEDULE.due_by(3.0))
    all_of_them.take(all_of_them.clients[0], snapshot(1, country(whole + 1)), BEGAN + 1)
    all_of_them.close_books(3.0)

    assert {"surplus": 1} == all_of_them.flush().faults


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
