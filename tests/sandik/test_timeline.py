from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from eventlog.run import Run, RunTopics
from sandik.timeline import FORMAT, Due, Timeline, TimelineScope, document
from schemas.control import EmbargoLifted, EmbargoSet, FigureOverridden, Held, Mode, Order, Released, RunCreated
from schemas.definition import Election
from schemas.moments import epoch_ms
from schemas.trust import encode_order
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.history import Given, History, as_given
from tabulation.orders.control import Control
from tabulation.view import View
from tests.builders import NIGHT, counted, small_election, value_of
from tests.consumers.nights import arrivals, tallies
from tests.sandik.conftest import Sandik
from tests.schemas.orders import new_signer
from tests.tabulation.derived.test_history import orders, partition_of

Message = tuple[int, dict[str, Any]]
BEGAN = epoch_ms(NIGHT)
AT_ONCE = TimelineScope(step_ms=1)


def run_of(definition: Election, mode: Mode = "test") -> Run:
    """A run of this election; in a test orders need no signature."""
    return Run(RunTopics("r", 2), mode, "e1e1", definition)


def said(run: Run, at: int, number: int, order: Order) -> Due:
    """An order in the control topic."""
    return Due(at, 0, number, b"order", encode_order(order, None))


def told(number: int, **fields: Any) -> dict[str, Any]:
    """What every order says."""
    return {"run": "r", "epoch": "e1e1", "id": f"order-{number:04}", "by": "A", "at": NIGHT, "reason": "why", **fields}


def created(run: Run) -> Due:
    """The record that every control topic begins with."""
    began = RunCreated(run=run.name, mode=run.mode, epoch=run.epoch, at=NIGHT, definition=run.definition)
    return Due(0, 0, 0, b"run", began.encode())


def played(messages: list[Message], until: int) -> dict[tuple[str, str, str], dict[str, Any]]:
    """What a reader of the timeline shows at a moment."""
    shown: dict[tuple[str, str, str], dict[str, Any]] = {}
    for at, message in messages:
        if at > until or message["type"] != "totals":
            continue
        for entry in message["totals"]:
            before = shown.get((message["contest"], message["source"], entry["unit"]), {})
            votes = before.get("votes", {}) | entry.get("votes", {})
            shown[message["contest"], message["source"], entry["unit"]] = before | entry | {"votes": votes}
    return shown


@settings(deadline=None, max_examples=60)  # a busy machine is no fault
@given(st.data())
def test_at_any_moment_it_shows_what_was_on_air(data: st.DataObject) -> None:
    """Against the fold that answers for a single moment."""
    run = run_of(small_election())
    arrived = data.draw(arrivals(data.draw(tallies())))
    times = sorted(data.draw(st.lists(st.integers(1, 100), min_size=len(arrived), max_size=len(arrived))))
    offsets = {0: count(), 1: count()}
    records = [
        Due(at, partition, next(offsets[partition]), tally.district.encode(), value_of(tally))
        for at, tally in zip(times, arrived, strict=True)
        for partition in [partition_of(tally.district.encode())]
    ]
    given_orders = [one._replace(offset=one.offset + 1) for one in data.draw(orders())]
    control = [created(run), *(said(run, one.appended_ms, one.offset, one.order) for one in given_orders)]
    judged = Control(run)
    count_for = {one.offset for one in control if (verdict := judged.fold(one)) is not None and verdict.counts}
    given_orders = [one for one in given_orders if one.offset in count_for]  # as one that withdraws nothing does not
    messages = list(Timeline(run, partition_of, AT_ONCE).messages(control, iter(records)))
    moment = data.draw(st.integers(1, 100))

    assert sorted(messages, key=lambda one: one[0]) == messages
    assert on_air(run, records, given_orders, moment) == {
        place: (entry["boxes_opened"], entry["valid"], entry["votes"])
        for place, entry in played(messages, moment).items()
    }


def on_air(run: Run, records: list[Due], given_orders: list[Given], moment: int) -> dict[Any, Any]:
    """What History says was on air, with its roll-ups."""
    history = History(
        run.definition,
        TallyFold(run.definition, "tallies", partition_of),
        as_given(run.definition, given_orders),
        moment,
    )
    for partition in (0, 1):
        history.fold(partition, [record for record in records if record.partition == partition])
    history.settle()
    view = View(run.definition)
    for offset, totals in enumerate(history.on_air()):
        view.show(offset, totals.cell, totals)
    return {(row.contest, row.source, row.unit): (row.boxes_opened, row.valid, dict(row.votes)) for row in view.rows()}


def test_what_was_ordered_at_the_very_first_moment_counts() -> None:
    run = run_of(small_election())
    by_hand = FigureOverridden(**told(1, contest="mayor", source="aa", unit="tr/34/adalar", figures={"valid": 7}))
    messages = list(Timeline(run, partition_of, AT_ONCE).messages([created(run), said(run, 0, 1, by_hand)], iter([])))

    assert 7 == played(messages, 0)["mayor", "aa", "tr"]["valid"]


def kurum(messages: list[Message], until: int) -> int | None:
    """Kurum's votes in the country."""
    entry = played(messages, until).get(("mayor", "aa", "tr"))
    return entry["votes"]["kurum"] if entry else None


def test_holds_and_the_embargo_count_as_they_did() -> None:
    run = run_of(small_election().model_copy(update={"embargo_until": NIGHT.replace(year=2124)}))
    key = b"tr/34/uskudar"
    boxes = [
        Due(BEGAN + at, 0, offset, key, value_of(counted({"kurum": votes}, box=1001 + offset)))
        for offset, (at, votes) in enumerate(((1_000, 1), (3_000, 10), (5_000, 100)))
    ]
    control = [
        created(run),
        said(run, BEGAN + 2_000, 1, EmbargoLifted(**told(1))),
        said(run, BEGAN + 4_000, 2, Held(**told(2, contest="mayor"))),
        said(run, BEGAN + 6_000, 3, Released(**told(3, contest="mayor"))),
    ]
    messages = list(Timeline(run, lambda _: 0, TimelineScope()).messages(control, iter(boxes)))

    assert [None, 1, 11, 11, 111] == [kurum(messages, BEGAN + at) for at in (1_999, 2_000, 4_500, 5_999, 6_000)]
    states = [
        (at - BEGAN, one["embargoed"], one["hold"]) for at, one in messages if one["type"] == "state" and at >= BEGAN
    ]
    assert [(1_000, True, []), (2_000, False, []), (4_000, False, ["mayor"]), (6_000, False, [])] == states[:4]


def test_an_embargo_that_ends_by_itself_lets_the_figures_through_at_its_time() -> None:
    run = run_of(small_election().model_copy(update={"embargo_until": NIGHT + timedelta(seconds=5)}))
    boxes = [Due(BEGAN + 1_000, 0, 0, b"tr/34/uskudar", value_of(counted({"kurum": 7})))]
    messages = list(Timeline(run, lambda _: 0, TimelineScope()).messages([created(run)], iter(boxes)))
    assert [None, 7] == [kurum(messages, BEGAN + at) for at in (4_999, 5_000)]


def test_a_source_that_falls_silent_is_told() -> None:
    run = run_of(small_election())
    boxes = [Due(BEGAN, 0, 0, b"tr/34/uskudar", value_of(counted({"kurum": 7})))]
    messages = list(Timeline(run, lambda _: 0, TimelineScope()).messages([created(run)], iter(boxes)))
    words = [
        (at - BEGAN, one["feeds"]["aa"]["state"]) for at, one in messages if one["type"] == "state" and at >= BEGAN
    ]
    assert [(0, "live"), (60_000, "quiet"), (300_000, "stale"), (900_000, "down")] == words


def test_an_event_time_in_the_future_is_nowhere_dated_later_than_the_log_was_given_it() -> None:
    run = run_of(small_election())
    lie = counted({"kurum": 7}, at=NIGHT + timedelta(hours=3))
    boxes = [
        Due(BEGAN, 0, 0, b"tr/34/uskudar", value_of(lie)),
        Due(BEGAN + 60_000, 0, 1, b"tr/34/uskudar", value_of(counted(box=1002))),
    ]
    messages = [
        one
        for at, one in Timeline(run, lambda _: 0, TimelineScope()).messages([created(run)], iter(boxes))
        if at >= BEGAN
    ]
    heard = [one["feeds"]["aa"]["last_event"] for one in messages if one["type"] == "state"]
    dated = [entry["as_of"] for one in messages if one["type"] == "totals" for entry in one["totals"]]
    later = NIGHT + timedelta(minutes=1)

    assert later >= max(map(datetime.fromisoformat, heard)) == max(map(datetime.fromisoformat, dated))


def test_only_what_is_wanted_is_told_and_what_happened_with_it() -> None:
    run = run_of(small_election())
    boxes = [
        Due(
            BEGAN + number,
            0,
            number,
            b"tr/34/uskudar",
            value_of(counted({"kurum": 7}, box=1001 + number, source=source)),
        )
        for number, source in enumerate(("aa", "anka"))
    ]
    wanted = TimelineScope(contest="mayor", source="anka")
    messages = list(Timeline(run, lambda _: 0, wanted).messages([created(run)], iter(boxes)))
    assert {"anka"} == {one["source"] for _, one in messages if one["type"] in {"totals", "event"}}
    assert "milestone" in {one["event"] for _, one in messages if one["type"] == "event"}


def test_what_was_live_is_a_replay_in_the_file() -> None:
    run = run_of(small_election(), "live")
    file = orjson.loads(document(run, [(BEGAN, {"type": "state"}), (BEGAN + 5, {"type": "state"})]))
    assert (FORMAT, "replay", BEGAN, BEGAN + 5) == (file["format"], file["mode"], file["first"], file["last"])
    assert "on_air" == file["told"]
    assert [0, 5] == [at for at, _ in file["messages"]]
    assert Election.model_validate_json(orjson.dumps(file["definition"])) == run.definition
    empty = orjson.loads(document(run, []))
    assert (0, [], "as_given") == (empty["first"], empty["messages"], empty["orders"])


def test_the_command_writes_an_archives_timeline(sandik: Sandik) -> None:
    night = ("--speed", "0", "--seed", "7", "--boxes-per-district", "5", "--district", "tr/34/adalar")
    assert 0 == sandik("simulate", "--run", "night", "--mode", "test", *night)[0]
    assert 0 == sandik("archive", "--run", "night", "--out", "archive", "--no-follow")[0]
    wanted = ("--clock", "event", "--contest", "metropolitan_mayor", "--source", "aa")
    code, _, err = sandik("timeline", "archive", "--out", "night.json", *wanted)
    assert (0, True) == (code, "messages" in err)
    found = orjson.loads(Path("night.json").read_bytes())
    last = played([(at, one) for at, one in found["messages"]], found["last"])
    assert 5 == last["metropolitan_mayor", "aa", "tr/34/adalar"]["boxes_opened"]
    assert datetime.fromtimestamp(found["first"] / 1_000, UTC).year == 2024

    assert 2 == sandik("timeline", "archive", "--out", "night.json", "--contest", "king")[0]
    assert 2 == sandik("timeline", "archive", "--out", "night.json", "--source", "bbc")[0]
    assert 2 == sandik("timeline", "archive", "--out", "no/night.json")[0]


def test_with_other_keys_a_timeline_tells_nothing_that_an_embargo_kept_back() -> None:
    run, signer = run_of(small_election(), "live"), new_signer()
    given_orders: list[Order] = [EmbargoSet(**told(1)), EmbargoLifted(**told(2))]
    control = [created(run)]
    control += [
        Due(BEGAN, 0, offset, b"order", encode_order(one, signer)) for offset, one in enumerate(given_orders, 1)
    ]
    boxes = [Due(BEGAN + 1_000, 0, 0, b"tr/34/uskudar", value_of(counted({"kurum": 7})))]
    for keys, kinds, kept in (((signer.public,), {"totals"}, 0), ((new_signer().public,), set(), 1), ((), set(), 1)):
        timeline = Timeline(run, lambda _: 0, TimelineScope(), keys)
        messages = list(timeline.messages(control, iter(boxes)))
        assert kinds == {message["type"] for _, message in messages} & {"totals"}
        assert kept == len(timeline.kept)


def test_an_order_of_the_step_of_the_last_tally_is_told_with_it_and_not_again() -> None:
    run = run_of(small_election())
    by_hand = FigureOverridden(**told(1, contest="mayor", source="aa", unit="tr/34/adalar", figures={"valid": 7}))
    tally = Due(1_000, 0, 0, b"tr/34/uskudar", value_of(counted()))
    messages = list(
        Timeline(run, partition_of, AT_ONCE).messages([created(run), said(run, 1_000, 1, by_hand)], iter([tally]))
    )

    assert 1_000 == max(at for at, message in messages if message["type"] == "totals")
    assert 7 == played(messages, 1_000)["mayor", "aa", "tr/34/adalar"]["valid"]
