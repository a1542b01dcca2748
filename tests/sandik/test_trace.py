import asyncio
from pathlib import Path

import orjson
import pytest

from consumers.aggregate import Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import create_run
from sandik.wiring import open_log
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
    assert "On air are 130: it is on hold, or the aggregator is behind." in words
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
