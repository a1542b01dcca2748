"""`sandik totals` where there are none yet."""

import asyncio

import pytest

from eventlog.clock import Wall
from eventlog.run import create_run
from sandik.wiring import open_log
from tests.builders import small_election
from tests.sandik.conftest import Sandik

NIGHT = ("--speed", "0", "--seed", "7", "--boxes-per-district", "5", "--district", "tr/34/adalar")


@pytest.mark.parametrize("what", [(), ("--hash",), ("--format", "json")])
def test_a_run_that_nobody_has_counted_says_so_and_what_to_do(sandik: Sandik, what: tuple[str, ...]) -> None:
    sandik("simulate", "--run", "night", *NIGHT)
    code, _, err = sandik("totals", "--run", "night", *what)

    assert 0 == code
    assert "Run 'night' has no totals: its log holds" in err
    assert "no aggregator has counted them yet. Start one: sandik aggregate --run night." in err


def test_a_run_without_a_tally_says_in_a_line_how_an_aggregator_is_started(sandik: Sandik) -> None:
    async def make() -> None:
        async with open_log("sqlite:night.db", Wall()) as log:
            await create_run(log, "night", small_election(), mode="test", epoch="e1e1", clock=Wall())

    asyncio.run(make())
    code, _, err = sandik("totals", "--run", "night", "--log", "sqlite:night.db")

    assert 0 == code
    assert "no tally has been published to it yet." in err
    assert "sandik aggregate --run night." in err
    assert 1 == len(err.splitlines())


@pytest.mark.parametrize("what", [(), ("--hash",), ("--format", "json")])
def test_a_run_that_is_counted_says_no_such_thing(sandik: Sandik, what: tuple[str, ...]) -> None:
    sandik("simulate", "--run", "night", *NIGHT)
    sandik("aggregate", "--run", "night", "--until-end")
    code, out, err = sandik("totals", "--run", "night", *what)

    assert (0, "") == (code, err)
    assert out.strip()


def test_tallies_that_nobody_has_counted_yet_are_told_with_what_to_do(sandik: Sandik) -> None:
    """As long as the last aggregator's totals stand there alone, they look like all there is."""
    sandik("simulate", "--run", "night", *NIGHT)
    sandik("aggregate", "--run", "night", "--until-end")
    sandik("simulate", "--run", "night", *NIGHT, "--seed", "8", "--source", "anka")
    code, out, err = sandik("totals", "--run", "night")

    assert (0, True) == (code, bool(out.strip()))
    assert "tallies that no aggregator has counted yet, which are in none of these figures." in " ".join(err.split())
    assert "sandik aggregate --run night." in err
    sandik("aggregate", "--run", "night", "--until-end")
    assert "" == sandik("totals", "--run", "night")[2]


def test_where_everything_is_on_hold_from_the_beginning_the_control_room_is_pointed_to(sandik: Sandik) -> None:
    sandik("simulate", "--run", "night", *NIGHT)
    for contest in ("metropolitan_mayor", "district_mayor", "district_council"):
        sandik("control", "hold", "--run", "night", "--contest", contest, "--by", "A", "--reason", "a doubt")
    sandik("aggregate", "--run", "night", "--until-end")
    code, _, err = sandik("totals", "--run", "night")

    assert 0 == code
    assert "Nothing of run 'night' is on air yet. What the control room has: --tell control_room." in err
