"""Every command that tells totals tells the same: what is on air, with its marks, or what it says that it tells."""

import asyncio
import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from consumers.aggregate import Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import create_run, find_run
from sandik.wiring import open_log
from schemas.control import Mode
from schemas.definition import Election
from tests.builders import NIGHT, counted, small_election, value_of
from tests.sandik.conftest import Sandik

RUN = "gece"
ELECTION = small_election()
CONTEST = ("--contest", "mayor")
CELL = (*CONTEST, "--source", "aa", "--unit", "tr/34/uskudar")
WHO = ("--run", RUN, "--by", "A. Kaya", "--reason", "a rehearsal")

OVERRIDE = ("override", *CELL, "votes.kurum=7")
WITHDRAW = ("withdraw-override", *CELL)
HOLD = ("hold", *CONTEST, "--unit", "tr/34/uskudar")
RELEASE = ("release", *CONTEST, "--unit", "tr/34/uskudar")
TAKE = ("take", *CONTEST, "--unit", "tr/34/uskudar")
EMBARGO = ("embargo", "--until", "lifted")
LIFT = ("embargo", "--lift")
NEWS = ("news",)

Step = tuple[str, ...]


class Expected(NamedTuple):
    """Kurum's votes in the country: what the public sees (`None` in an embargo), the control room, and the sources say.

    `by_hand` says for the first two whether that is marked as set by hand.
    """

    on_air: int | None
    control_room: int
    log: int
    by_hand: tuple[bool, bool] = (False, False)
    held: bool = False


NIGHTS: dict[str, tuple[list[Step], Expected]] = {
    "plain": ([], Expected(100, 100, 100)),
    "set by hand": ([OVERRIDE], Expected(7, 7, 100, (True, True))),
    "set by hand, then news": ([OVERRIDE, NEWS], Expected(7, 7, 150, (True, True))),
    "set by hand and withdrawn": ([OVERRIDE, NEWS, WITHDRAW], Expected(150, 150, 150)),
    "held": ([HOLD], Expected(100, 100, 100, held=True)),
    "held, then news": ([HOLD, NEWS], Expected(100, 150, 150, held=True)),
    "held, news taken": ([HOLD, NEWS, TAKE], Expected(150, 150, 150, held=True)),
    "held, set by hand": ([HOLD, OVERRIDE], Expected(100, 7, 100, (False, True), held=True)),
    "held, set by hand, withdrawn": ([HOLD, OVERRIDE, WITHDRAW, NEWS], Expected(100, 150, 150, held=True)),
    "set by hand, held, withdrawn": ([OVERRIDE, HOLD, WITHDRAW], Expected(7, 100, 100, (True, False), held=True)),
    "held, set by hand, released": ([HOLD, OVERRIDE, RELEASE], Expected(7, 7, 100, (True, True))),
    "held, news, released": ([HOLD, NEWS, RELEASE], Expected(150, 150, 150)),
    "embargo": ([EMBARGO], Expected(None, 100, 100)),
    "embargo, set by hand": ([OVERRIDE, EMBARGO], Expected(None, 7, 100, (False, True))),
    "embargo lifted": ([OVERRIDE, EMBARGO, LIFT], Expected(7, 7, 100, (True, True))),
}


class Line(NamedTuple):
    """What a reader is given of the country."""

    votes: int
    by_hand: bool
    held: bool
    told: str


@pytest.fixture(params=list(NIGHTS))
def night(request: pytest.FixtureRequest, sandik: Sandik) -> Expected:
    """A run of the embedded log in which that happened, as it would be ordered and counted; what it came to."""
    steps, expected = NIGHTS[request.param]
    asyncio.run(report({"kurum": 100}, box=1001))
    for step in steps:
        if step == NEWS:
            asyncio.run(report({"kurum": 50}, box=1002))
            continue
        code, _, err = sandik("control", *step, *WHO)
        assert (0, "") == (code, "" if code == 0 else err)
        assert 0 == sandik("aggregate", "--run", RUN, "--until-end")[0]
    return expected


async def report(votes: dict[str, int], box: int, mode: Mode = "test", election: Election = ELECTION) -> None:
    """A box of the source, counted by an aggregator."""
    async with open_log("sqlite:var/sandik.db", Wall()) as log:
        run = await create_run(log, RUN, election, mode=mode, epoch="e1e1", clock=Wall())
        tally = counted(votes, box=box)
        await log.append(run.topics.tallies.name, [Entry(tally.district.encode(), value_of(tally))])
        await Aggregator(log, await find_run(log, RUN), Wall()).run_until_end()


def totals_json(sandik: Sandik, *options: str) -> tuple[int, Line | None]:
    code, out, _ = sandik("totals", "--run", RUN, "--format", "json", *options)
    return code, _line(orjson.loads(out)) if code == 0 else None


def totals_table(sandik: Sandik, *options: str) -> tuple[int, Line | None]:
    code, out, _ = sandik("totals", "--run", RUN, *options)
    if code:
        return code, None
    line = next(line for line in out.splitlines() if "(tr)" in line)
    told = {"on air:": "on_air", "control room": "control_room", "sources say": "log"}
    return code, Line(
        votes=int(line.partition("(kurum)")[2].split()[0]),
        by_hand="by hand: votes.kurum" in line,
        held="held" in line,
        told=next(name for words, name in told.items() if words in out.splitlines()[0]),
    )


def exported(sandik: Sandik, form: str, *options: str) -> tuple[int, bytes]:
    Path("out").unlink(missing_ok=True)
    code, *_ = sandik("export", "--run", RUN, "--source", "aa", "--format", form, "--out", "out", *options)
    assert (code == 0) == Path("out").exists()
    return code, Path("out").read_bytes() if code == 0 else b""


def export_json(sandik: Sandik, *options: str) -> tuple[int, Line | None]:
    code, content = exported(sandik, "json", *options)
    return code, _line(orjson.loads(content)) if code == 0 else None


def export_csv(sandik: Sandik, *options: str) -> tuple[int, Line | None]:
    code, content = exported(sandik, "csv", *options)
    if code:
        return code, None
    lines = csv.DictReader(io.StringIO(content.decode()))
    line = next(one for one in lines if (one["unit"], one["candidate"]) == ("tr", "kurum"))
    by_hand = line["overridden"] == "votes.kurum"
    return code, Line(int(line["votes"]), by_hand, line["held"] == "true", line["told"])


def export_nist(sandik: Sandik, *options: str) -> tuple[int, Line | None]:
    code, content = exported(sandik, "nist-json", *options)
    if code:
        return code, None
    report = orjson.loads(content)
    notes = report["Notes"]
    counts = next(
        one
        for selection in report["Election"][0]["Contest"][0]["ContestSelection"]
        for one in selection["VoteCounts"]
        if selection["@id"].endswith("kurum-votes") and one["GpUnitId"] == "unit-tr"
    )
    told = {"Told is what is on air": "on_air", "control room has": "control_room", "sources say": "log"}
    return code, Line(
        votes=counts["Count"],
        by_hand="Set by hand: mayor in tr (votes.kurum)" in notes,
        held="On hold on air: mayor/tr/34/uskudar." in notes,
        told=next(name for words, name in told.items() if words in notes),
    )


def _line(rows: list[dict[str, Any]]) -> Line:
    row = next(row for row in rows if (row["contest"], row["source"], row["unit"]) == ("mayor", "aa", "tr"))
    return Line(row["votes"]["kurum"], row["overridden"] == ["votes.kurum"], row["held"], row["told"])


Reader = Callable[..., tuple[int, Line | None]]
READERS: tuple[Reader, ...] = (totals_json, totals_table, export_json, export_csv, export_nist)


def lines(expected: Expected) -> Iterator[tuple[tuple[str, ...], tuple[int, Line | None]]]:
    """For each way to ask, the options, and the answer."""
    on_air = expected.on_air
    shown = None if on_air is None else Line(on_air, expected.by_hand[0], expected.held, "on_air")
    for options in ((), ("--tell", "on_air")):
        yield options, (2 if shown is None else 0, shown)
    control_room = Line(expected.control_room, expected.by_hand[1], expected.held, "control_room")
    yield ("--tell", "control_room"), (0, control_room)
    yield ("--tell", "log"), (0, Line(expected.log, by_hand=False, held=expected.held, told="log"))


def test_every_reader_of_totals_tells_the_same_with_its_marks(night: Expected, sandik: Sandik) -> None:
    for options, answer in lines(night):
        for reader in READERS:
            assert (reader.__name__, options, answer) == (reader.__name__, options, reader(sandik, *options))


def test_what_was_on_air_at_this_moment_is_what_is_on_air(night: Expected, sandik: Sandik) -> None:
    code, out, _ = sandik("at", Wall().now().isoformat(), "--run", RUN, "--format", "json")
    past = orjson.loads(out)
    on_air = None if past["embargoed"] else _votes(past["on_air"])
    control_room = past["on_air"] if past["control_room"] is None else past["control_room"]

    assert (0, expected_votes(night)) == (code, (on_air, _votes(control_room)))
    assert (night.held, night.on_air is None) == (bool(past["hold"]), past["embargoed"])


def expected_votes(expected: Expected) -> tuple[tuple[int, bool] | None, tuple[int, bool]]:
    """Kurum's votes on air and for the control room, and whether they are marked as set by hand."""
    on_air = None if expected.on_air is None else (expected.on_air, expected.by_hand[0])
    return on_air, (expected.control_room, expected.by_hand[1])


def _votes(rows: list[dict[str, Any]]) -> tuple[int, bool]:
    row = next(row for row in rows if (row["contest"], row["source"], row["unit"]) == ("mayor", "aa", "tr"))
    return row["votes"]["kurum"], row["overridden"] == ["votes.kurum"]


MINE = ("--operator-key", "me.key.pub")
OTHERS = ("--operator-key", "other.key.pub")
KEPT = "Orders that cannot be verified are kept: embargo_set at control offset 1"
WITHOUT_EFFECT = "orders have no effect with the keys that were given"


def ordered_live(sandik: Sandik, *order: str) -> None:
    """Give an order of a live run, signed, to an aggregator that trusts its operator."""
    assert 0 == sandik("control", *order, *WHO, "--key", "me.key")[0]
    assert 0 == sandik("aggregate", "--run", RUN, "--until-end", *MINE)[0]


@pytest.fixture
def live(sandik: Sandik) -> Sandik:
    """A live run with a box in it, and the keys of two operators."""
    asyncio.run(report({"kurum": 100}, box=1001, mode="live"))
    for name in ("me.key", "other.key"):
        assert 0 == sandik("token", "--new-key", name)[0]
    return sandik


def test_no_reader_tells_what_is_on_air_where_an_embargo_stands_or_cannot_be_verified(live: Sandik) -> None:
    ordered_live(live, *EMBARGO)

    for keys in ((), OTHERS, MINE):
        assert {(2, None)} == {reader(live, *keys) for reader in READERS}
        _, out, err = live("totals", "--run", RUN, *keys)
        assert ("", True) == (out, "nothing is on air" in err)
        assert (keys != MINE) == (KEPT in " ".join(err.split()))


def test_a_lift_counts_for_a_reader_who_has_its_operators_key(live: Sandik) -> None:
    ordered_live(live, *EMBARGO)
    ordered_live(live, *LIFT, "--yes")

    expected = Line(100, by_hand=False, held=False, told="on_air")
    assert {(0, expected)} == {reader(live, *MINE) for reader in READERS}
    for keys in ((), OTHERS):
        assert {(2, None)} == {reader(live, *keys) for reader in READERS}
        assert KEPT in " ".join(live("totals", "--run", RUN, *keys)[2].split())


def test_a_lift_by_an_operator_whose_key_is_missing_is_said_to_have_no_effect(live: Sandik) -> None:
    ordered_live(live, *EMBARGO)
    assert 0 == live("control", *LIFT, "--yes", *WHO, "--key", "other.key")[0]

    _, _, err = live("totals", "--run", RUN, *MINE)
    assert WITHOUT_EFFECT in " ".join(err.split())


def test_what_is_held_and_set_by_hand_needs_no_key_to_be_told(live: Sandik) -> None:
    ordered_live(live, *OVERRIDE)
    ordered_live(live, *HOLD)

    expected = Line(7, by_hand=True, held=True, told="on_air")
    assert {(0, expected)} == {reader(live, *MINE) for reader in READERS}
    assert {(0, expected)} == {reader(live) for reader in READERS}
    assert "" == live("totals", "--run", RUN)[2]


def test_the_newsrooms_own_figures_are_told_with_a_word_about_the_keys(live: Sandik) -> None:
    ordered_live(live, *EMBARGO)
    arguments = ("--run", RUN, "--tell", "log")

    code, out, err = live("totals", *arguments)
    assert (0, True, True) == (code, "none of this is on air" in out, KEPT in " ".join(err.split()))
    code, _, err = live("export", *arguments, "--source", "aa", "--out", "out")
    assert (0, True) == (code, KEPT in " ".join(err.split()))
    assert "--operator-key" not in Path("out").read_text(encoding="utf-8")
    assert "" == live("totals", *arguments, *MINE)[2]


def test_a_newer_word_of_the_source_that_is_set_aside_is_told_beside_its_figures(sandik: Sandik) -> None:
    asyncio.run(report({"kurum": 100}, box=1001))
    asyncio.run(report({"kurum": 90}, box=1001))

    (row, *_) = orjson.loads(sandik("totals", "--run", RUN, "--format", "json")[1])
    assert ("tr", 100, 1) == (row["unit"], row["votes"]["kurum"], row["set_aside"])
    assert "set aside: 1" in sandik("totals", "--run", RUN)[1]
    line = next(csv.DictReader(io.StringIO(exported(sandik, "csv")[1].decode())))
    assert ("tr", "1") == (line["unit"], line["set_aside"])
    notes = orjson.loads(exported(sandik, "nist-json")[1])["Notes"]
    assert "in none of these figures: mayor in tr/34/uskudar of aa (1, the newest: conflict)." in notes


def test_an_embargo_of_the_definition_says_when_it_ends(sandik: Sandik) -> None:
    closed = ELECTION.model_copy(update={"embargo_until": NIGHT.replace(year=2124).astimezone(UTC)})
    asyncio.run(report({"kurum": 100}, box=1001, election=closed))

    assert {(2, None)} == {reader(sandik) for reader in READERS}
    _, _, err = sandik("totals", "--run", RUN)
    assert "Run 'gece' is under an embargo until 2124-03-31T19:00:00+03:00: nothing is on air." in " ".join(err.split())
    assert "no effect" not in err
    assert 0 == sandik("control", *LIFT, *WHO)[0]
    assert {0} == {reader(sandik)[0] for reader in READERS}


async def write_totals_record(key: bytes, value: bytes) -> None:
    """A record in the run's totals topic, as another release might write it."""
    async with open_log("sqlite:var/sandik.db", Wall()) as log:
        run = await find_run(log, RUN)
        await log.append(run.topics.totals.name, [Entry(key, value)])


@pytest.mark.parametrize("prefix", ["", "gate:", "override:"])
def test_figures_that_another_release_wrote_are_not_told_without(sandik: Sandik, prefix: str) -> None:
    """Of a hold in a shape that nobody here can read the held figures would be told."""
    asyncio.run(report({"kurum": 100}, box=1001))
    asyncio.run(write_totals_record(f"{prefix}mayor/aa/tr/34/adalar".encode(), b'{"v":2}'))

    readers = [("totals",), ("export", "--source", "aa", "--format", "csv", "--out", "out")]
    for command in [*readers, *([("totals", "--hash")] if not prefix else [])]:
        code, _, err = sandik(*command, "--run", RUN)
        assert (2, True) == (code, "has version 2, which this sandik does not read" in " ".join(err.split()))


def test_what_another_release_says_beside_the_totals_is_passed_over(sandik: Sandik) -> None:
    asyncio.run(report({"kurum": 100}, box=1001))
    for key in ("notice:ahead:mayor/aa/tr/34/adalar", "mark:3", "invented:later"):
        asyncio.run(write_totals_record(key.encode(), b'{"v":2}'))

    assert (0, 100) == (totals_json(sandik)[0], (totals_json(sandik)[1] or Line(0, False, False, "")).votes)
