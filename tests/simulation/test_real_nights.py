"""The main job on real input: official box tables go through the whole system, to the last vote, on both logs.

What they are compared with is summed here with the standard library's csv and nothing of ours.
"""

import csv
import gzip
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from eventlog.clock import Wall
from eventlog.run import create_run
from producers.publish import Publisher, entry, publish
from producers.tables.boxes import election, read_table, tallies
from producers.tables.mapping import read_mapping
from sandik.wiring import open_log
from schemas.definition import Election
from schemas.tally import Counted
from tests.producers.real_tables import MAPPING, real_table
from tests.simulation import forked, processes

ISTANBUL, TURKIYE = "istanbul-2014/boxes.csv.gz", "turkiye-2014/boxes.csv.gz"
PARTIES = {
    "AK PARTİ": "ak_parti",
    "MHP": "mhp",
    "SAADET": "saadet",
    "CHP": "chp",
    "BTP": "btp",
    "BBP": "bbp",
    "DP": "dp",
    "DSP": "dsp",
    "HDP": "hdp",
    "DBP": "dbp",
    "Diger": "diger",
}
COLUMNS = {
    "registered": "kayitli_secmen",
    "cast": "oy_kullanan",
    "valid": "gecerli_toplam",
    "invalid": "gecersiz_toplam",
}

Figures = dict[str, dict[str, int]]

pytestmark = [pytest.mark.data, pytest.mark.timeout(1200)]


@cache
def independent_sums(path: Path) -> tuple[Figures, Figures]:
    """Every figure of each (province, district) and each province, keyed by names as the table has them."""
    districts: Figures = defaultdict(lambda: defaultdict(int))
    provinces: Figures = defaultdict(lambda: defaultdict(int))
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            votes = {party: int(row[column]) for column, party in PARTIES.items()}
            figures = {name: int(row[column]) for name, column in COLUMNS.items()} | votes
            odd = (
                figures["cast"] > figures["registered"]
                or sum(votes.values()) != figures["valid"]
                or figures["cast"] != figures["valid"] + figures["invalid"]
            )
            figures |= {"boxes_opened": 1, "flagged": int(odd)}
            for table, key in ((districts, f"{row['il']}/{row['ilce']}"), (provinces, row["il_id"])):
                for name, value in figures.items():
                    table[key][name] += value
    return districts, provinces


def rows(log_url: str, run: str, sandik: Callable[..., bytes] = forked.run) -> list[dict[str, Any]]:
    sandik("aggregate", "--log", log_url, "--run", run, "--until-end")
    found: list[dict[str, Any]] = orjson.loads(sandik("totals", "--log", log_url, "--run", run, "--format", "json"))
    return found


def flat(row: dict[str, Any]) -> dict[str, int]:
    """A row in the independent sum's form."""
    names = ("registered", "cast", "valid", "invalid", "boxes_opened", "flagged")
    votes: dict[str, int] = row["votes"]
    return {name: row[name] for name in names} | dict.fromkeys(PARTIES.values(), 0) | votes


def canonical(figures: Iterable[dict[str, int]]) -> list[list[tuple[str, int]]]:
    return sorted(sorted(each.items()) for each in figures)


def assert_equal_to_the_last_vote(found: list[dict[str, Any]], path: Path) -> None:
    districts, provinces = independent_sums(path)
    by_level: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        by_level[row["level"]].append(row)
    assert {f"tr/{number}": dict(figures) for number, figures in provinces.items()} == {
        row["unit"]: flat(row) for row in by_level["province"]
    }
    assert canonical(districts.values()) == canonical(flat(row) for row in by_level["district"])
    assert all(row["boxes_opened"] == row["boxes_total"] for row in found)
    assert found == sorted(found, key=lambda row: (row["contest"], row["source"], row["unit"]))


def test_istanbul_through_the_command_line_once_and_again_is_istanbul(log_url: str, unique: str) -> None:
    """32,164 boxes; 52 whose parties' sum differs and 24 with more cast than registered: flagged, not lost."""
    path = real_table(ISTANBUL)
    for sandik in (processes.run, forked.run):
        sandik("boxes", str(path), "--mapping", str(MAPPING), "--log", log_url, "--run", unique)
        found = rows(log_url, unique, sandik)

        assert_equal_to_the_last_vote(found, path)
        (country,) = (row for row in found if row["level"] == "country")
        assert (32_164, 9_997_024, 76) == (country["boxes_opened"], country["registered"], country["flagged"])


@pytest.fixture(scope="module")
def disturbed() -> Iterator[Callable[[str], tuple[Election, list[Counted]]]]:
    """What `disturbed_night` makes of a table, made once for both logs."""
    remembered = cache(disturbed_night)
    yield remembered
    remembered.cache_clear()


def disturbed_night(table: str) -> tuple[Election, list[Counted]]:
    """Wrong first reports, corrections, duplicates of both, in any order."""
    mapping = read_mapping(MAPPING)
    boxes = read_table(real_table(table), mapping)
    events: list[Counted] = []
    for index, event in enumerate(tallies(boxes, mapping)):
        if index % 10 == 0:
            wrong = {name: votes + 7 for name, votes in event.votes.items()}
            events.append(replace(event, votes=wrong, cast=event.cast + 7))
            event = replace(event, type="corrected", revision=2)  # noqa: PLW2901  the corrected report follows
        events.append(event)
    events += events[:: 3 if table == ISTANBUL else 30]
    random.Random(20140330).shuffle(events)
    return election(boxes, mapping), events


@pytest.mark.parametrize("table", [ISTANBUL, pytest.param(TURKIYE, marks=pytest.mark.slow)])
async def test_shuffled_doubled_and_every_tenth_first_wrong_then_corrected(
    table: str, log_url: str, unique: str, disturbed: Callable[[str], tuple[Election, list[Counted]]]
) -> None:
    """The official result to the last vote."""
    definition, events = disturbed(table)
    async with open_log(log_url, Wall()) as log:
        run = await create_run(log, unique, definition, mode="test", epoch="e2014", clock=Wall(), partitions=8)
        await publish(Publisher(log, run.topics.tallies.name, Wall()), map(entry, events))

    assert_equal_to_the_last_vote(rows(log_url, unique), real_table(table))


@pytest.mark.slow
def test_all_of_turkiye_through_the_command_line(log_url: str, unique: str) -> None:
    """171,384 boxes in 81 provinces and 1,345 districts."""
    path = real_table(TURKIYE)
    forked.run("boxes", str(path), "--mapping", str(MAPPING), "--log", log_url, "--run", unique)
    found = rows(log_url, unique)

    assert_equal_to_the_last_vote(found, path)
    assert (81, 1_345) == tuple(sum(row["level"] == level for row in found) for level in ("province", "district"))
