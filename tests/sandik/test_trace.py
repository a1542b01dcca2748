import asyncio
from pathlib import Path

import orjson
import pytest

from consumers.aggregate import Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import create_run
from sandik.wiring import open_log
from schemas.tally import Counted
from tests.builders import counted, small_election, value_of
from tests.sandik.conftest import Sandik

RUN = "gece"
NUMBER = ("tr/34/uskudar", "mayor", "kurum")


@pytest.fixture
def night(tmp_path: Path) -> str:
    """A log with a box that was corrected, one that was not, a conflict, and what is about something else."""
    url = f"sqlite:{tmp_path / 'night.db'}"
    said = [
        counted({"kurum": 1000 // 10}),
        counted({"kurum": 40}, box=1002),
        counted({"kurum": 90}, revision=2),
        counted({"kurum": 41}, box=1002),
        counted({"kurum": 7}, source="anka"),
        counted({"kurum": 7}, district="tr/34/kadikoy"),
    ]

    async def stage() -> None:
        async with open_log(url, Wall()) as log:
            run = await create_run(log, RUN, small_election(), mode="test", epoch="e1e1", clock=Wall())
            entries = [Entry(one.district.encode(), value_of(one)) for one in said]
            await log.append(run.topics.tallies.name, entries)
            await Aggregator(log, run, Wall()).run_until_end()
            await log.append(run.topics.tallies.name, [Entry(entries[4].key, value_of(counted(box=1003)))])

    asyncio.run(stage())
    return url


def test_a_number_is_traced_for_people(sandik: Sandik, night: str) -> None:
    code, out, _ = sandik("trace", *NUMBER, "--run", RUN, "--log", night, "--source", "anka")
    words = " ".join(out.split())
    assert (0, True) == (code, "anka: kurum has 7 votes. 1 boxes open; what stands adds up to it." in words)
    assert "The same is on air." in words

    _, out, _ = sandik("trace", "/".join(NUMBER), "--run", RUN, "--log", night)
    words = " ".join(out.split())
    assert "aa: kurum has 230 votes. 3 boxes open" in words
    assert "On air are 130: the aggregator is behind." in words
    assert "by revision 1 of box 1003 (counted): 130 → 230" in words
    assert "r1 100, r2 90" in words
    assert "conflict" in words.partition("Set aside")[2]


def test_a_number_is_traced_for_programs(sandik: Sandik, night: str) -> None:
    code, out, _ = sandik("trace", *NUMBER, "--run", RUN, "--log", night, "--format", "json")

    said = orjson.loads(out)
    aa = said["sources"][0]
    assert (0, "aa", 230, True) == (code, aa["source"], aa["number"], aa["adds_up"])
    assert [(1001, 2, 90), (1002, 1, 40), (1003, 1, 100)] == [
        (step["box"], step["revision"], step["votes"]) for step in aa["standing"]
    ]
    assert {"votes": 130, "overridden": False} == {name: aa["on_air"][name] for name in ("votes", "overridden")}
    assert ["conflict"] == [one["reason"] for one in said["quarantined"]]


def ordered(sandik: Sandik, night: str, *order: str) -> None:
    """Give an order and let the aggregator see it."""
    who = ("--run", RUN, "--log", night, "--by", "A. Kaya", "--reason", "a rehearsal")
    assert 0 == sandik("control", *order, *who)[0]
    assert 0 == sandik("aggregate", "--run", RUN, "--log", night, "--until-end")[0]


OVERRIDE = ("override", "--contest", "mayor", "--source", "aa", "--unit", "tr/34/uskudar", "votes.kurum=7")
HOLD = ("hold", "--contest", "mayor")
EMBARGO = ("embargo", "--until", "lifted")


@pytest.mark.parametrize(
    ("orders", "says", "on_air", "control_room"),
    [
        ([], "The same is on air.", (230, False), (230, False)),
        ([HOLD], "The same is on air, and it is on hold.", (230, False), (230, False)),
        ([OVERRIDE], "On air are 7, set by hand: see sandik control log. The boxes explain", (7, True), (7, True)),
        ([HOLD, OVERRIDE], "and it is on hold. The control room has 7, set by hand", (230, False), (7, True)),
        ([OVERRIDE, HOLD], "the source's own number. It is on hold.", (7, True), (7, True)),
        ([OVERRIDE, EMBARGO], "nothing of it is on air. The control room has 7, set by hand", None, (7, True)),
        ([EMBARGO], "There is an embargo: nothing of it is on air.", None, (230, False)),
    ],
)
def test_what_is_on_air_of_a_number_is_told_beside_it(
    sandik: Sandik,
    night: str,
    orders: list[tuple[str, ...]],
    says: str,
    on_air: tuple[int, bool] | None,
    control_room: tuple[int, bool],
) -> None:
    assert 0 == sandik("aggregate", "--run", RUN, "--log", night, "--until-end")[0]
    for order in orders:
        ordered(sandik, night, *order)
    arguments = ("trace", *NUMBER, "--run", RUN, "--log", night, "--source", "aa")
    _, out, _ = sandik(*arguments)
    said = orjson.loads(sandik(*arguments, "--format", "json")[1])

    assert "aa: kurum has 230 votes." in out
    assert says in " ".join(out.split())
    (aa,) = said["sources"]
    found = (aa[name] and (aa[name]["votes"], aa[name]["overridden"]) for name in ("on_air", "control_room"))
    assert (on_air, control_room) == tuple(found)
    assert ("log", EMBARGO in orders, HOLD in orders) == (said["told"], said["embargoed"], said["held"])


def test_with_a_missing_key_an_embargo_that_was_lifted_is_told_to_stand(sandik: Sandik, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'live.db'}"

    async def stage() -> None:
        async with open_log(url, Wall()) as log:
            run = await create_run(log, RUN, small_election(), mode="live", epoch="e1e1", clock=Wall())
            await log.append(run.topics.tallies.name, [Entry(b"tr/34/uskudar", value_of(counted({"kurum": 7})))])
            await Aggregator(log, run, Wall()).run_until_end()

    asyncio.run(stage())
    assert 0 == sandik("token", "--new-key", "me.key")[0]
    who = ("--run", RUN, "--log", url, "--by", "A. Kaya", "--reason", "a ban", "--key", "me.key")
    assert 0 == sandik("control", *EMBARGO, *who)[0]
    assert 0 == sandik("control", "embargo", "--lift", "--yes", *who)[0]
    for keys, says in (((), "nothing of it is on air"), (("--operator-key", "me.key.pub"), "The same is on air.")):
        _, out, err = sandik("trace", *NUMBER, "--run", RUN, "--log", url, *keys)
        assert says in " ".join(out.split())
        assert (keys == ()) == ("cannot be verified are kept: embargo_set" in " ".join(err.split()))


def test_a_number_that_only_an_operator_has_set_is_told_as_that(sandik: Sandik, night: str) -> None:
    arguments = ("--contest", "mayor", "--source", "aa", "--unit", "tr/41/gebze", "votes.kurum=7", "--beyond-limits")
    ordered(sandik, night, "override", *arguments)
    _, out, _ = sandik("trace", "tr/41/gebze", "mayor", "kurum", "--run", RUN, "--log", night)

    words = " ".join(out.split())
    assert "aa: nothing has been reported of it. On air are 7, set by hand" in words
    assert "box" not in words.partition("The boxes explain")[2].replace("boxes", "")


def test_a_first_report_under_a_hold_is_not_on_air(sandik: Sandik, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'held.db'}"

    async def stage(*said: Counted) -> None:
        async with open_log(url, Wall()) as log:
            run = await create_run(log, RUN, small_election(), mode="test", epoch="e1e1", clock=Wall())
            await log.append(run.topics.tallies.name, [Entry(one.district.encode(), value_of(one)) for one in said])
            await Aggregator(log, run, Wall()).run_until_end()

    asyncio.run(stage())
    ordered(sandik, url, *HOLD)
    asyncio.run(stage(counted({"kurum": 7})))
    _, out, _ = sandik("trace", *NUMBER, "--run", RUN, "--log", url)
    assert "Nothing of it is on air: it is on hold." in " ".join(out.split())


def test_a_number_that_nobody_reported_is_said_to_be_so(sandik: Sandik, night: str) -> None:
    code, out, _ = sandik("trace", "tr/41/gebze", "mayor", "kurum", "--run", RUN, "--log", night)
    assert (0, "Nothing has been reported of it yet.") == (code, out.strip())


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (["tr/34/uskudar"], "no district 'tr'"),
        (["tr/34/uskudar", "mayor"], "Give a district, a contest and a candidate"),
        (["tr/34", "mayor", "kurum"], "no district 'tr/34'"),
        (["tr/34/uskudar", "president", "kurum"], "mayor, district_mayor"),
        (["tr/34/uskudar", "mayor", "nobody"], "imamoglu, kurum"),
        ([*NUMBER, "--source", "reuters"], "aa, anka"),
    ],
)
def test_a_number_that_is_not_there_says_which_are(sandik: Sandik, night: str, number: list[str], hint: str) -> None:
    code, _, err = sandik("trace", *number, "--run", RUN, "--log", night)

    assert 2 == code
    assert hint in " ".join(err.split())
