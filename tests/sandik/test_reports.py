"""An agency's totals of whole districts beside the sum of single boxes, from its file to what a client is told."""

import asyncio
import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog, read_to_end
from eventlog.run import RunTopics, create_run, find_run
from eventlog.sqlite.log import SqliteLog
from producers.publish import entry
from producers.tables.mapping import ReportMapping, read_report_mapping
from sandik.feed import Publishing
from sandik.wiring import open_log
from schemas.definition import Election
from schemas.errors import LogUnavailable
from schemas.tally import Tally
from tests.builders import counted, reported, small_election, with_agency
from tests.gateway.gateways import get, is_ready, running
from tests.patience import LIMIT_S
from tests.producers.real_tables import ROOT, real_table
from tests.producers.tables.test_reports import two_agencies
from tests.sandik.conftest import Sandik

MAPPING = """
[report]
source = "agency"
contest = "mayor"
at = { column = "at" }
[units]
district = "district"
[columns]
boxes_opened = "boxes"
registered = "registered"
cast = "cast"
valid = "valid"
[votes]
"imamoglu" = "imamoglu"
"kurum" = "kurum"
"""
HEADER = "district,at,boxes,registered,cast,valid,imamoglu,kurum\n"


def line(boxes: int = 10, minute: int = 0, votes: int = 1500) -> str:
    """Üsküdar's totals."""
    return f"Üsküdar,2024-03-31T19:{minute:02}:00+03:00,{boxes},3000,{votes + 1050},{votes + 1000},{votes},1000\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """The agency's file, its mapping and the run's definition."""
    table, mapping, definition = (tmp_path / name for name in ("agency.csv", "agency.toml", "definition.json"))
    table.write_text(HEADER + line(), encoding="utf-8")
    mapping.write_text(MAPPING, encoding="utf-8")
    definition.write_text(with_agency(small_election()).model_dump_json(), encoding="utf-8")
    return table, mapping, definition


def figures(sandik: Sandik) -> dict[str, Any]:
    """What the log says of Üsküdar now."""
    assert 0 == sandik("aggregate", "--run", "n", "--until-end")[0]
    rows = orjson.loads(sandik("totals", "--run", "n", "--format", "json")[1])
    return next(row for row in rows if row["unit"] == "tr/34/uskudar")


def test_a_file_becomes_totals_and_only_a_marked_correction_goes_back(
    sandik: Sandik, files: tuple[Path, Path, Path]
) -> None:
    table, mapping, definition = files
    first = sandik("reports", table, "--mapping", mapping, "--run", "n", "--definition", definition)
    assert (0, True) == (first[0], "Published 1 reports of 'agency' to run 'n'." in first[2])
    again = sandik("reports", table, "--mapping", mapping, "--run", "n")
    assert (0, True) == (again[0], "Published 0 reports of 'agency' to run 'n'. 1 more were in the log" in again[2])
    table.write_text(HEADER + line(boxes=9, minute=5, votes=1400), encoding="utf-8")

    assert 0 == sandik("reports", table, "--mapping", mapping, "--run", "n")[0]
    assert (10, 1500) == (figures(sandik)["boxes_opened"], figures(sandik)["votes"]["imamoglu"])

    assert 0 == sandik("reports", table, "--mapping", mapping, "--run", "n", "--correction")[0]
    assert (9, 1400) == (figures(sandik)["boxes_opened"], figures(sandik)["votes"]["imamoglu"])


def test_lines_that_can_be_used_are_published_and_strictly_all_have_to_be(
    sandik: Sandik, files: tuple[Path, Path, Path]
) -> None:
    table, mapping, definition = files
    table.write_text(HEADER + line() + line().replace("Üsküdar", "Atlantis"), encoding="utf-8")
    asked = ("reports", table, "--mapping", mapping, "--run", "n", "--definition", definition)
    code, _, said = sandik(*asked, "--strict")
    assert (2, True, True) == (code, "line 3: no district 'Atlantis'" in said, "nothing was published" in said)

    code, out, said = sandik(*asked, "--dry-run")
    assert (0, 1, True) == (code, len(out.splitlines()), "line 3: no district 'Atlantis'" in said)

    code, _, said = sandik(*asked)
    assert (3, True, True) == (code, "line 3: no district 'Atlantis'" in said, "Published 1 reports" in said)


@pytest.mark.parametrize(
    ("definition", "says"),
    [(None, "There is no run 'n'"), ("missing.json", "missing.json cannot be read"), ("agency.csv", "is no election")],
)
def test_without_a_run_or_a_definition_it_says_what_to_do(
    sandik: Sandik, files: tuple[Path, Path, Path], definition: str | None, says: str
) -> None:
    table, mapping, _ = files
    options = ("--definition", definition) if definition else ()
    code, _, said = sandik("reports", table, "--mapping", mapping, "--run", "n", *options)

    assert (2, True) == (code, says in said)


def mapping_of(files: tuple[Path, Path, Path]) -> ReportMapping:
    return read_report_mapping(files[1])


async def tallies(log: EventLog, count: int) -> list[dict[str, Any]]:
    """The tallies of the run, once there are so many."""
    topic = RunTopics("n", 1).tallies.name
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(LIMIT_S), log.reader(topic, {0: 0}) as reader:
        while len(found) < count:
            for batch in await reader.read(max_records=10, wait_ms=200):
                found += [orjson.loads(record.value or b"") for record in batch.records]
    return found


@asynccontextmanager
async def watching(tmp_path: Path, files: tuple[Path, Path, Path]) -> AsyncIterator[EventLog]:
    """A watcher of the agency's file, and the log that it publishes to; each time it starts anew."""
    election = Election.model_validate_json(files[2].read_bytes())
    async with open_log(f"sqlite:{tmp_path / 'n.db'}", Wall()) as log:
        run = await create_run(log, "n", election, mode="test", epoch="e1e1", clock=Wall(), partitions=1)
        watcher = Publishing(log, run, Wall(), files[0], mapping_of(files), poll_s=0.01)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(watcher.follow())
            yield log
            task.cancel()


async def standing(log: EventLog) -> tuple[int, int]:
    """Boxes opened and votes of Üsküdar as the aggregator has them now."""
    await Aggregator(log, await find_run(log, "n"), Wall(), AggregateSettings()).run_until_end()
    records = [orjson.loads(record.value or b"{}") async for record in read_to_end(log, RunTopics("n", 1).totals.name)]
    last = [record for record in records if record.get("district") == "tr/34/uskudar"][-1]
    return last["boxes_opened"], last["votes"]["imamoglu"]


async def test_a_watched_file_is_published_when_it_changes_and_only_what_is_new(
    tmp_path: Path, files: tuple[Path, Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    table = files[0]
    async with watching(tmp_path, files) as log:
        assert [10] == [said["boxes_opened"] for said in await tallies(log, 1)]
        kadikoy = line(boxes=4).replace("Üsküdar", "Kadıköy")
        table.write_text(HEADER + line() + kadikoy + "broken\n", encoding="utf-8")
        assert "tr/34/kadikoy" == (await tallies(log, 2))[1]["district"]
        table.write_text("", encoding="utf-8")
        table.unlink()
        table.write_text(HEADER + line(boxes=12, minute=9), encoding="utf-8")
        assert 12 == (await tallies(log, 3))[2]["boxes_opened"]
    assert "line 4: 1 cells under a header of 8" in capfd.readouterr().err


async def test_a_watched_file_whose_clock_was_put_back_counts_with_every_change_and_is_told(
    tmp_path: Path, files: tuple[Path, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """20:00 is 19:00 again, and goes on; each file has one box more. The watcher is started anew before each."""
    for count, (boxes, minute) in enumerate(((10, 59), (11, 0), (12, 1), (13, 58), (14, 59)), start=1):
        files[0].write_text(HEADER + line(boxes=boxes, minute=minute, votes=1500 + boxes), encoding="utf-8")
        async with watching(tmp_path, files) as log:
            found = (await tallies(log, count))[count - 1]
            assert (boxes, f"2024-03-31T19:{minute:02}:00+03:00") == (found["boxes_opened"], found["at"])
            assert (boxes, 1500 + boxes) == await standing(log)
    (told,) = [text for text in caplog.messages if "Was a clock put back" in text]
    assert "tr/34/uskudar (mayor) at 2024-03-31 19:00:00+03:00 has other figures than those of 2024-03-31 19:59" in told


async def test_a_watched_file_that_was_mended_within_its_minute_stands_as_it_is_now(
    tmp_path: Path, files: tuple[Path, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(tmp_path, files) as log:
        await tallies(log, 1)
        files[0].write_text(HEADER + line(votes=1490), encoding="utf-8")
        await tallies(log, 2)
        assert (10, 1490) == await standing(log)
    assert "has other figures than before at that time, and is taken for newer" in caplog.text


async def test_a_watcher_that_starts_again_publishes_nothing_that_is_in_the_log(
    tmp_path: Path, files: tuple[Path, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        kadikoy = line(minute=1).replace("Üsküdar", "Kadıköy")
        files[0].write_text(HEADER + line() + kadikoy, encoding="utf-8")
        async with watching(tmp_path, files) as log:
            assert ["tr/34/uskudar", "tr/34/kadikoy"] == [said["district"] for said in await tallies(log, 2)]
    files[0].write_text(HEADER + line(minute=2), encoding="utf-8")
    async with watching(tmp_path, files) as log:
        assert ["19:00", "19:01", "19:02"] == [said["at"][11:16] for said in await tallies(log, 3)]
    assert [] == caplog.messages


class Unreachable(SqliteLog):
    """The embedded log behind a network that fails so many calls."""

    failures = 0

    async def end_offsets(self, topic: str) -> dict[int, int]:
        if self.failures:
            self.failures -= 1
            raise LogUnavailable("the cable is out; plug it in")
        return await super().end_offsets(topic)


class Hurried(Wall):
    """A clock that waits for nobody, and notes how long it was to have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


async def test_a_watcher_whose_log_is_out_of_reach_asks_again_what_was_published(
    tmp_path: Path, files: tuple[Path, Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    async with watching(tmp_path, files) as log:
        await tallies(log, 1)
    clock = Hurried()
    async with Unreachable(tmp_path / "n.db", clock) as log:
        watcher = Publishing(log, await find_run(log, "n"), clock, files[0], mapping_of(files), poll_s=0.0)
        log.failures = 2
        files[0].write_text(HEADER + line() + line().replace("Üsküdar", "Kadıköy"), encoding="utf-8")
        async with asyncio.TaskGroup() as group:
            task = group.create_task(watcher.follow())
            assert ["tr/34/uskudar", "tr/34/kadikoy"] == [said["district"] for said in await tallies(log, 2)]
            task.cancel()
    assert 2 == len([pause for pause in clock.slept if pause])
    assert "the cable is out" in capfd.readouterr().err


LONG_MAPPING = """
[report]
source = "agency"
contest = "mayor"
at = { column = "at" }
[units]
district = "district"
[columns]
boxes_opened = "boxes"
registered = "registered"
cast = "cast"
valid = "valid"
candidate = ["candidate"]
votes = "votes"
"""


async def test_a_file_that_is_still_being_written_is_waited_for_and_then_published_whole(
    tmp_path: Path, files: tuple[Path, Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """700 of 1,500 votes are no zeros for the others, and no conflict with what follows in the same minute."""
    table, mapping, _ = files
    mapping.write_text(LONG_MAPPING, encoding="utf-8")
    lines = [
        f"Üsküdar,2024-03-31T19:00:00+03:00,10,3000,1550,1500,{name},{votes}\n"
        for name, votes in (("imamoglu", 700), ("kurum", 790), ("bagimsiz_1", 10))
    ]
    kadikoy = lines[0].replace("Üsküdar", "Kadıköy").replace(",700", ",1500")
    header = "district,at,boxes,registered,cast,valid,candidate,votes\n"
    table.write_text(header + kadikoy + lines[0], encoding="utf-8")
    async with watching(tmp_path, files) as log:
        assert ["tr/34/kadikoy"] == [said["district"] for said in await tallies(log, 1)]
        table.write_text(header + kadikoy + "".join(lines), encoding="utf-8")
        whole = (await tallies(log, 2))[1]
        assert {"imamoglu": 700, "kurum": 790, "bagimsiz_1": 10} == whole["votes"]
        assert (10, 700) == await standing(log)
    assert "line 3: the report of tr/34/uskudar is not whole: its lines come to 700 of 1500" in capfd.readouterr().err


async def test_a_watched_file_that_has_fewer_districts_than_before_is_told(
    tmp_path: Path, files: tuple[Path, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    kadikoy = line().replace("Üsküdar", "Kadıköy")
    files[0].write_text(HEADER + line() + kadikoy, encoding="utf-8")
    async with watching(tmp_path, files) as log:
        await tallies(log, 2)
        files[0].write_text(HEADER + line(boxes=11, minute=5), encoding="utf-8")
        await tallies(log, 3)
    assert "has no report any more of tr/34/kadikoy (mayor). What was published of them stands" in caplog.text


def test_the_same_revision_with_other_figures_is_refused_and_strictly_all_of_the_file(
    sandik: Sandik, files: tuple[Path, Path, Path]
) -> None:
    table, mapping, definition = files
    mapping.write_text(MAPPING.replace("[units]", "revision = 1\n[units]"), encoding="utf-8")
    assert 0 == sandik("reports", table, "--mapping", mapping, "--run", "n", "--definition", definition)[0]
    table.write_text(HEADER + line(votes=1400) + line().replace("Üsküdar", "Kadıköy"), encoding="utf-8")

    code, _, told = sandik("reports", table, "--mapping", mapping, "--run", "n", "--strict")
    assert (2, True) == (code, "tr/34/uskudar (mayor): revision 1 was published before with other figures" in told)
    assert "Nothing was published" in told
    code, _, told = sandik("reports", table, "--mapping", mapping, "--run", "n")
    assert (3, True) == (code, "Published 1 reports" in told)
    assert (10, 1500) == (figures(sandik)["boxes_opened"], figures(sandik)["votes"]["imamoglu"])


async def test_an_agencys_district_stands_beside_its_boxes_at_every_door(log: EventLog, unique: str) -> None:
    run = await create_run(
        log, unique, with_agency(small_election()), mode="test", epoch="e1e1", clock=Wall(), partitions=2
    )
    events: list[Tally] = [
        counted(),
        counted(box=1002),
        reported(),
        reported({"imamoglu": 1, "kurum": 2}, district="tr/34/adalar", boxes_opened=3),
    ]
    entries: list[Entry] = [entry(event) for event in events]
    await log.append(run.topics.tallies.name, entries)
    await Aggregator(log, await find_run(log, unique), Wall(), AggregateSettings()).run_until_end()

    async with asyncio.timeout(LIMIT_S), running(log, run=unique) as gateway:
        await is_ready(gateway)
        rows = (await get(gateway, "/v1/totals?contest=mayor")).json()["totals"]
    shown = {(row["source"], row["unit"]): (row["boxes_opened"], row["votes"]["imamoglu"]) for row in rows}

    assert shown[("aa", "tr/34/uskudar")] == (2, 300)
    assert shown[("agency", "tr/34/uskudar")] == (10, 1500)
    assert shown[("agency", "tr/34")] == shown[("agency", "tr")] == (13, 1501)


@pytest.mark.data
def test_the_published_figures_of_2024_are_two_agencies_totals_to_the_last_vote(
    sandik: Sandik, log_url: str, unique: str, tmp_path: Path
) -> None:
    """The metropolitan race from one agency, the district council from another; summed here by csv alone."""
    definition = tmp_path / "definition.json"
    definition.write_text(two_agencies().model_dump_json(), encoding="utf-8")
    example = (ROOT / "examples" / "istanbul-2024-reports.toml").read_text(encoding="utf-8")
    where = ("--run", unique, "--log", log_url)
    said = {"aa": "metropolitan_mayor", "anka": "district_council"}
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for source, contest in said.items():
        path = real_table(f"istanbul-2024/{contest}.csv")
        sums[source, contest] = summed(path)
        mapping = tmp_path / f"{source}.toml"
        mapping.write_text(
            example.replace('"aa"', f'"{source}"').replace('"metropolitan_mayor"', f'"{contest}"'), encoding="utf-8"
        )
        assert 0 == sandik("reports", path, "--mapping", mapping, *where, "--definition", definition)[0]
    assert "78 counted" in sandik("aggregate", *where, "--until-end")[2]

    rows = orjson.loads(sandik("totals", *where, "--format", "json")[1])
    shown = {
        (row["source"], row["contest"]): {
            "votes": sum(row["votes"].values()),
            "boxes_opened": row["boxes_opened"],
            "registered": row["registered"],
            "cast": row["cast"],
            "valid": row["valid"],
        }
        for row in rows
        if row["unit"] == "tr"
    }
    assert sums == shown


def summed(path: Path) -> dict[str, int]:
    """A published table's figures for all of İstanbul; what is said of a district is said in each of its lines."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    districts = {row["district"]: row for row in rows}.values()
    columns = {
        "boxes_opened": "boxes_total",
        "registered": "registered",
        "cast": "ballots_cast",
        "valid": "valid_votes",
    }
    figures = {name: sum(int(row[column]) for row in districts) for name, column in columns.items()}
    return {"votes": sum(int(row["votes"]) for row in rows)} | figures
