import asyncio
from pathlib import Path

import orjson
import pytest

from consumers.aggregate import Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import RunTopics, create_run, find_run
from sandik.wiring import open_log
from schemas.asides import Override
from schemas.definition import Source
from schemas.tally import Tally
from tests.builders import NIGHT, counted, reported, small_election, value_of, withdrawn
from tests.sandik.conftest import Sandik

RUN = "gece"


@pytest.fixture
def night(tmp_path: Path) -> str:
    """A log in which aa has two boxes, anka one of them with other counts."""
    url = f"sqlite:{tmp_path / 'night.db'}"
    said = [counted(), counted({"imamoglu": 140, "kurum": 100}, source="anka"), counted({"kurum": 50}, box=1002)]

    async def stage() -> None:
        async with open_log(url, Wall()) as log:
            run = await create_run(log, RUN, small_election(), mode="test", epoch="e1e1", clock=Wall())
            entries = [Entry(one.district.encode(), value_of(one)) for one in said]
            await log.append(run.topics.tallies.name, entries)
            await Aggregator(log, run, Wall()).run_until_end()

    asyncio.run(stage())
    return url


def test_why_two_sources_differ_is_told_to_people(sandik: Sandik, night: str) -> None:
    code, out, _ = sandik(
        "compare", "aa", "anka", "--run", RUN, "--log", night, "--contest", "mayor", "--unit", "tr/34"
    )

    assert 0 == code
    words = " ".join(out.split())
    assert "Büyükşehir Belediye Başkanlığı (mayor) in İstanbul (tr/34): Anadolu Ajansı (aa) and ANKA (anka)." in words
    assert "Only aa has 1 boxes, only anka 0; both have 1, and count 1 of them differently." in words
    assert "Ekrem İmamoğlu (imamoglu) over Murat Kurum (kurum) -40 -50 +10" in words
    assert "tr/34/uskudar 1002 50 -50 imamoglu 0, kurum 50 has not opened it" in words


def test_more_votes_than_valid_ones_make_no_share_over_100_per_cent(sandik: Sandik, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'odd.db'}"
    odd = [counted({"kurum": 160, "imamoglu": 20}, valid=100, cast=105, source=source) for source in ("aa", "anka")]

    async def stage() -> None:
        async with open_log(url, Wall()) as log:
            run = await create_run(log, RUN, small_election(), mode="test", epoch="e1e1", clock=Wall())
            await log.append(run.topics.tallies.name, [Entry(one.district.encode(), value_of(one)) for one in odd])
            await Aggregator(log, run, Wall()).run_until_end()

    asyncio.run(stage())
    _, out, _ = sandik("compare", "aa", "anka", "--run", RUN, "--log", url, "--contest", "mayor", "--unit", "tr")
    assert "160 (%88,89)" in out
    assert "160 (%160,00)" not in out


def test_why_two_sources_differ_is_told_to_programs(sandik: Sandik, night: str) -> None:
    arguments = ("--run", RUN, "--log", night, "--contest", "mayor", "--unit", "tr", "--format", "json")
    code, out, _ = sandik("compare", "anka", "aa", *arguments)

    assert 0 == code
    said = orjson.loads(out)
    assert {"gap": 40, "coverage": 50, "disagreement": -10} == said["lead"]["votes"]


def test_figures_set_by_hand_are_named_and_not_compared(sandik: Sandik, night: str) -> None:
    by_hand = Override(
        contest="mayor", source="aa", district="tr/34/uskudar", override=1, at=NIGHT, figures={"votes.kurum": 9_999}
    )

    async def set_by_hand() -> None:
        async with open_log(night, Wall()) as log:
            await log.append(RunTopics(RUN).totals.name, [Entry(by_hand.key, by_hand.encode())])

    asyncio.run(set_by_hand())
    arguments = ("compare", "aa", "anka", "--run", RUN, "--log", night, "--contest", "mayor", "--unit", "tr/34")
    _, out, _ = sandik(*arguments)
    told = " ".join(out.split())
    assert "Of aa figures were set by hand (votes.kurum): compared is what the source itself says, not these." in told
    assert "Ekrem İmamoğlu (imamoglu) over Murat Kurum (kurum) -40 -50 +10" in told
    _, out, _ = sandik(*arguments, "--format", "json")
    said = orjson.loads(out)
    assert (["votes.kurum"], []) == (said["a"]["overridden"], said["b"]["overridden"])


@pytest.mark.parametrize(
    ("contest", "unit", "b", "hint"),
    [
        ("mayor", "tr", "aa", "two sources"),
        ("mayor", "tr/*", "anka", "one unit"),
        ("president", "tr", "anka", "mayor, district_mayor"),
        ("mayor", "tr", "reuters", "aa, anka"),
        ("mayor", "de", "anka", "'de'"),
    ],
)
def test_a_question_that_cannot_be_answered_says_what_to_ask(
    sandik: Sandik, night: str, contest: str, unit: str, b: str, hint: str
) -> None:
    code, _, err = sandik("compare", "aa", b, "--run", RUN, "--log", night, "--contest", contest, "--unit", unit)

    assert 2 == code
    assert hint in " ".join(err.split())


def compared(sandik: Sandik, url: str, unit: str = "tr") -> str:
    """What people are told of aa and anka."""
    code, out, _ = sandik("compare", "aa", "anka", "--run", RUN, "--log", url, "--contest", "mayor", "--unit", unit)
    assert 0 == code
    return " ".join(out.split())


ORDERS: dict[str, tuple[str, ...]] = {
    "hold": ("hold", "--contest", "mayor"),
    "embargo": ("embargo", "--until", "lifted"),
    "override": (
        *("override", "--contest", "mayor", "--source", "aa", "--unit", "tr/41/gebze"),
        *("votes.kurum=7", "--beyond-limits"),
    ),
}


@pytest.mark.parametrize(
    ("orders", "unit", "told", "says"),
    [
        ([], "tr/34", "log", "Told is what the sources say in the log"),
        (["hold"], "tr/34", "log", "A part of it is on hold: what is on air may differ"),
        (["embargo"], "tr/34", "log", "There is an embargo: none of this is on air."),
        ([], "tr/41", "control_room", "Told is what the control room has"),
        (["override"], "tr/41", "control_room", "Of aa figures were set by hand (votes.kurum): these are compared"),
    ],
)
def test_an_answer_says_which_figures_are_compared_and_whether_they_are_on_air(
    sandik: Sandik, night: str, orders: list[str], unit: str, told: str, says: str
) -> None:
    who = ("--run", RUN, "--log", night, "--by", "A. Kaya", "--reason", "a rehearsal")
    for order in orders:
        assert 0 == sandik("control", *ORDERS[order], *who)[0]
        assert 0 == sandik("aggregate", "--run", RUN, "--log", night, "--until-end")[0]
    question = ("--run", RUN, "--log", night, "--contest", "mayor", "--unit", unit, "--format", "json")
    answer = orjson.loads(sandik("compare", "aa", "anka", *question)[1])

    assert says in compared(sandik, night, unit)
    assert (told, "hold" in orders, "embargo" in orders) == (answer["told"], answer["held"], answer["embargoed"])


def test_of_sources_that_reported_nothing_that_is_said_and_no_gap(sandik: Sandik, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'new.db'}"

    async def stage(*said: Tally) -> None:
        async with open_log(url, Wall()) as log:
            if not said:
                await create_run(log, RUN, small_election(), mode="test", epoch="e1e1", clock=Wall())
            run = await find_run(log, RUN)
            await log.append(run.topics.tallies.name, [Entry(one.district.encode(), value_of(one)) for one in said])
            await Aggregator(log, run, Wall()).run_until_end()

    asyncio.run(stage())
    assert "Neither Anadolu Ajansı nor ANKA has reported anything in Türkiye." in compared(sandik, url)
    asyncio.run(stage(counted()))
    alone = compared(sandik, url)
    assert "ANKA has reported nothing in Türkiye, so there is nothing to compare." in alone
    assert "aa less anka" not in alone
    asyncio.run(stage(counted(source="anka"), withdrawn(source="anka", revision=2)))
    assert "ANKA has no box open in İstanbul" in compared(sandik, url, "tr/34")


def test_a_word_that_is_set_aside_is_told_with_its_figures(sandik: Sandik, night: str) -> None:
    """Both have opened one box, and what lies between them is in quarantine."""

    async def contradict() -> None:
        async with open_log(night, Wall()) as log:
            run = await find_run(log, RUN)
            said = [counted({"kurum": 120}, source="anka"), counted(source="anka", box=1003, votes={"nobody": 4})]
            await log.append(run.topics.tallies.name, [Entry(one.district.encode(), value_of(one)) for one in said])
            await Aggregator(log, run, Wall()).run_until_end()

    asyncio.run(contradict())
    told = compared(sandik, night, "tr/34")
    assert "anka has said something else as well: 2 of its statements are set aside" in told
    assert "The newest (unknown_candidate), of tr/34/uskudar, box 1003, revision 1" in told
    assert "imamoglu 0, kurum 0, nobody 4. See sandik control quarantine." in told


def test_two_agencies_that_look_apart_for_our_quarantine_are_told_with_what_is_missing(
    sandik: Sandik, tmp_path: Path
) -> None:
    """Both show 564 boxes and a lead apart, which boxes alone could split; one has said 560 since, unmarked."""
    url = f"sqlite:{tmp_path / 'agencies.db'}"
    agencies = [Source(id=name, name=name.upper(), reports="districts") for name in ("first", "second")]
    election = small_election(600).model_copy(update={"sources": tuple(agencies)})
    said = [
        reported({"kurum": 900, "imamoglu": 952}, source="first", boxes_opened=564),
        reported({"kurum": 900, "imamoglu": 900}, source="second", boxes_opened=564),
        reported({"kurum": 899, "imamoglu": 951}, source="second", boxes_opened=560, revision=2),
    ]

    async def stage() -> None:
        async with open_log(url, Wall()) as log:
            run = await create_run(log, RUN, election, mode="test", epoch="e1e1", clock=Wall())
            await log.append(run.topics.tallies.name, [Entry(one.district.encode(), value_of(one)) for one in said])
            await Aggregator(log, run, Wall()).run_until_end()

    asyncio.run(stage())
    arguments = ("compare", "first", "second", "--run", RUN, "--log", url, "--contest", "mayor", "--unit", "tr/34")
    _, out, _ = sandik(*arguments)
    words = " ".join(out.split())
    assert "second has said something else as well: 1 of its statements are set aside" in words
    assert "(backwards), of tr/34/uskudar, revision 2" in words
    assert "boxes opened 560, valid 1.850, imamoglu 951, kurum 899" in words
    found = orjson.loads(sandik(*arguments, "--format", "json")[1])
    assert (52, None, 560) == (
        *(found["lead"]["votes"]["gap"], found["a"]["set_aside"]),
        found["b"]["set_aside"]["newest"]["figures"]["boxes_opened"],
    )
