"""A night whose definition is amended while it is counted: ordered by command, let out, archived, replayed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import orjson
import pytest

from eventlog.archive import open_archive
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog, read_to_end
from eventlog.run import Run, create_run, find_run
from gateway.recall import Past
from sandik.past import past_of
from sandik.read_run import read_on_air, state_hash
from sandik.run_totals import totals_of
from sandik.wiring import open_log
from schemas.amendments import AMENDED_KEY, Amended, amended
from schemas.amendments import CHANGES as CHANGES_OF
from schemas.control import Mode
from schemas.tally import Tally
from schemas.totals import Row, Told
from tests.builders import NIGHT, counted, small_election, value_of, withdrawn
from tests.sandik.conftest import Sandik

RUN = ("--run", "n")
WHO = (*RUN, "--by", "A. Kaya", "--reason", "YSK")
USKUDAR, KADIKOY = "tr/34/uskudar", "tr/34/kadikoy"
CHANGES = [
    {"kind": "candidate_added", "contest": "mayor", "candidate": {"id": "yeni", "name": "Yeni", "party": "chp"}},
    {"kind": "candidate_withdrawn", "contest": "mayor", "candidate": "kurum"},
    {"kind": "boxes_added", "unit": USKUDAR, "boxes": [[1099, 1099]]},
    {"kind": "boxes_closed", "unit": USKUDAR, "boxes": [[1002, 1002]]},
    {"kind": "boxes_merged", "unit": KADIKOY, "boxes": [[1001, 1001]], "into": 1002},
    {"kind": "voters_revised", "registered": {USKUDAR: 7000}},
    {
        "kind": "unit_split",
        "unit": KADIKOY,
        "into": [
            {"id": "tr/34/yeni", "level": "district", "name": "Yeni", "parent": "tr/34", "boxes": [[1011, 1020]]},
        ],
    },
    {"kind": "candidate_replaced", "contest": "district_mayor", "candidate": "chp", "by": {"id": "chp", "name": "Y"}},
]


T = TypeVar("T")


def in_log(work: Callable[[EventLog], Awaitable[T]]) -> T:
    """What this makes of the run's log."""

    async def run() -> T:
        async with open_log("sqlite:var/sandik.db", Wall()) as log:
            return await work(log)

    return asyncio.run(run())


def publish(*events: Tally) -> None:
    async def work(log: EventLog) -> None:
        run = await find_run(log, "n")
        entries = [Entry(event.district.encode(), value_of(event)) for event in events]
        await log.append(run.topics.tallies.name, entries)

    in_log(work)


def forge() -> None:
    """Amend the definition in every partition of the tallies, as nobody has ordered it."""
    changes = CHANGES_OF.validate_json(
        orjson.dumps([{"kind": "candidate_withdrawn", "contest": "mayor", "candidate": "kurum"}])
    )
    before = small_election()
    after = amended(before, changes)
    one = Amended(version=2, order=0, amends=before.digest, yields=after.digest, changes=changes)

    async def work(log: EventLog) -> None:
        topic = (await find_run(log, "n")).topics.tallies.name
        await log.append(topic, [Entry(AMENDED_KEY, one.encode(), partition) for partition in range(3)])

    in_log(work)


def rows(name: str = "n") -> list[Row]:
    async def work(log: EventLog) -> list[Row]:
        run = await find_run(log, name)
        return list(totals_of(await read_on_air(log, run), Told.LOG, embargoed=False).rows)

    return in_log(work)


def began(name: str, mode: Mode = "test") -> None:
    async def work(log: EventLog) -> Run:
        return await create_run(log, name, small_election(), mode=mode, epoch="e1e1", clock=Wall(), partitions=3)

    in_log(work)


@pytest.fixture
def amended_night(sandik: Sandik, tmp_path: Path) -> Path:
    """A night whose boxes came before and after the amendment; what was set aside for it is let out."""
    Path("var").mkdir(exist_ok=True)
    began("n")
    publish(counted(), counted({"yeni": 5}, box=1003), counted({"kurum": 9}, district="tr/34/yeni", box=1011))
    publish(counted(box=1002), counted({"imamoglu": 3}, box=1001, district=KADIKOY))
    forge()
    assert 0 == sandik("aggregate", *RUN, "--until-end")[0]
    changes = tmp_path / "changes.json"
    changes.write_bytes(orjson.dumps(CHANGES))
    code, out, err = sandik("definition", "amend", changes, *WHO, "--dry-run")
    assert (0, True) == (code, "candidate of mayor yeni" in out)
    assert "Nothing was ordered" in err
    said = " ".join(err.split())
    assert "Box 1002 of tr/34/uskudar is closed, and 250 votes of mayor are counted in it by aa" in said
    assert "Box 1001 of tr/34/kadikoy is closed, and 3 votes" in said
    assert 0 == sandik("definition", "amend", changes, *WHO)[0]
    publish(counted({"yeni": 7}, box=1099), withdrawn(box=1002, revision=2), counted({"kurum": 4}, box=1004))
    publish(withdrawn(box=1001, district=KADIKOY, revision=2), counted({"imamoglu": 3}, box=1002, district=KADIKOY))
    assert 0 == sandik("aggregate", *RUN, "--until-end")[0]
    code, out, _ = sandik("control", "quarantine", *RUN, "--format", "json")
    found = orjson.loads(out)
    waiting = [one for one in found if one["reason"] != "malformed"]  # the others are what nobody has ordered
    assert 3 == len(found) - len(waiting)
    for one in waiting:
        assert 0 == sandik("control", "let-out", one["position"], *WHO, "--yes")[0]
    assert 0 == sandik("aggregate", *RUN, "--until-end")[0]
    return tmp_path


def test_the_totals_are_those_of_the_last_definition_from_the_start(amended_night: Path, sandik: Sandik) -> None:
    """All that was said is counted by it; who has withdrawn keeps the votes."""
    amended = {row.unit: row for row in rows() if row.contest == "mayor" and row.source == "aa"}
    assert {"imamoglu": 150, "kurum": 104, "bagimsiz_1": 0, "yeni": 12} == amended[USKUDAR].votes
    assert (20, 4) == (amended[USKUDAR].boxes_total, amended[USKUDAR].boxes_opened)
    assert {"kurum": 9, "yeni": 0}.items() <= amended["tr/34/yeni"].votes.items()
    assert 79 == amended["tr"].boxes_total


def test_an_archive_and_its_replay_come_to_the_same(amended_night: Path, sandik: Sandik) -> None:
    """The replay amends its own run where the night did, and sets aside what the night set aside."""
    folder = amended_night / "archive"
    assert 0 == sandik("archive", *RUN, "--out", folder, "--no-follow")[0]
    assert 0 == sandik("verify", folder)[0]

    async def hashes(log: EventLog) -> list[str]:
        return [await state_hash(log, await find_run(log, name)) for name in ("n", "again")]

    assert 0 == sandik("replay", folder, "--run", "again", "--speed", "0")[0]
    assert 0 == sandik("aggregate", "--run", "again", "--until-end")[0]
    live, replayed = in_log(hashes)
    assert live == replayed == open_archive(folder).manifest.state
    assert rows() == rows("again")


def test_a_moment_is_told_by_the_definition_of_then(amended_night: Path, sandik: Sandik) -> None:
    """Before the amendment there were other boxes, and nobody new."""

    async def pasts(log: EventLog) -> list[Past]:
        run = await find_run(log, "n")
        times = [record.timestamp async for record in read_to_end(log, run.topics.control.name)]
        moments = [NIGHT.fromtimestamp((times[1] + shift) / 1000, NIGHT.tzinfo) for shift in (-1, 600_000)]
        return [await past_of(log, run, moment) for moment in moments]

    before, after = ({row.unit: row for row in past.control_room if row.source == "aa"} for past in in_log(pasts))
    assert (80, 79) == (before["tr"].boxes_total, after["tr"].boxes_total)
    assert ("tr/34/yeni" in before, "tr/34/yeni" in after) == (False, True)
    assert ("yeni" in before[USKUDAR].votes, "yeni" in after[USKUDAR].votes) == (False, True)
    assert tuple(rows()) == tuple(sorted(after.values(), key=lambda row: (row.contest, row.source, row.unit)))


def test_versions_are_listed_and_shown(amended_night: Path, sandik: Sandik) -> None:
    """Which definition held when, and each as a file."""
    code, out, _ = sandik("definition", "versions", *RUN)
    assert (0, 2) == (code, sum(line.startswith("version") for line in out.splitlines()))
    for version, boxes in ((1, 80), (2, 79)):
        out_file = amended_night / f"{version}.json"
        assert 0 == sandik("definition", "show", *RUN, "--version", str(version), "--out", out_file)[0]
        units = orjson.loads(out_file.read_bytes())["units"]
        assert boxes == sum(last - first + 1 for unit in units for first, last in unit["boxes"])
    assert 2 == sandik("definition", "show", *RUN, "--version", "3", "--out", amended_night / "3.json")[0]
    code, out, _ = sandik("control", "log", *RUN, "--format", "json")
    assert "definition_amended" == orjson.loads(out)[0]["type"]


def test_a_live_run_asks_before_it_is_amended(sandik: Sandik, tmp_path: Path) -> None:
    """What is different is said first; with --yes it is done."""
    Path("var").mkdir(exist_ok=True)
    began("n", mode="live")
    changes, key = tmp_path / "changes.json", tmp_path / "me.key"
    changes.write_bytes(orjson.dumps(CHANGES[1:2]))
    assert 0 == sandik("token", "--new-key", key)[0]
    code, out, err = sandik("definition", "amend", changes, *WHO, "--key", key)
    assert (2, True) == (code, "candidate of mayor kurum" in out)
    assert "cannot be taken back" in (said := " ".join(err.split()))
    assert "Say it again with --yes to do it" in said
    assert 0 == sandik("definition", "amend", changes, *WHO, "--key", key, "--yes")[0]
    code, out, err = sandik("definition", "versions", *RUN, "--operator-key", tmp_path / "me.key.pub")
    assert (0, True, "") == (code, "version 2" in out, err)
    for command in (("definition", "versions"), ("totals",), ("control", "quarantine")):
        code, out, err = sandik(*command, *RUN)
        said = " ".join(err.split())
        assert (0, False) == (code, "version 2" in out)
        assert "Amendments of the definition that cannot be verified are not in force" in said
        assert "--operator-key" in said


def test_a_closed_box_that_is_counted_is_told_while_no_aggregator_runs(sandik: Sandik, tmp_path: Path) -> None:
    """As one that runs tells it: the unit is not complete, and its figures contradict themselves."""
    Path("var").mkdir(exist_ok=True)
    began("n")
    publish(counted(), counted(box=1002), counted({"kurum": 9}, district=KADIKOY))
    assert 0 == sandik("aggregate", *RUN, "--until-end")[0]
    changes = tmp_path / "changes.json"
    changes.write_bytes(orjson.dumps(CHANGES[3:4]))
    assert 0 == sandik("definition", "amend", changes, *WHO)[0]
    code, found, err = sandik("totals", *RUN, "--format", "json")
    assert (0, "") == (code, err)
    contradicted = {one["unit"] for one in orjson.loads(found) if "boxes_over_total" in one["contradictions"]}
    assert {"tr", "tr/34", USKUDAR} == contradicted

    publish(counted({"kurum": 4}, box=1004), counted({"kurum": 5}, box=1005), withdrawn(box=1002, revision=2))
    code, again, err = sandik("totals", *RUN, "--format", "json")
    assert (0, found) == (code, again)
    assert "The log holds 3 tallies that no aggregator has counted yet" in " ".join(err.split())
    assert 0 == sandik("aggregate", *RUN, "--until-end")[0]
    code, found, err = sandik("totals", *RUN, "--format", "json")
    assert (0, "", []) == (code, err, [one for one in orjson.loads(found) if one["contradictions"]])


def test_whoever_leaves_nobody_on_a_ballot_is_told_and_asked(sandik: Sandik, tmp_path: Path) -> None:
    Path("var").mkdir(exist_ok=True)
    began("n", mode="live")
    everybody = [
        {"kind": "candidate_withdrawn", "contest": "mayor", "candidate": one.id}
        for one in small_election().contest_by_id["mayor"].candidates
    ]
    changes, key = tmp_path / "changes.json", tmp_path / "me.key"
    changes.write_bytes(orjson.dumps(everybody))
    assert 0 == sandik("token", "--new-key", key)[0]
    _, _, err = sandik("definition", "amend", changes, *WHO, "--key", key, "--dry-run")
    assert 1 == " ".join(err.split()).count("Everybody on the ballot of 'mayor' has withdrawn")
    code, _, err = sandik("definition", "amend", changes, *WHO, "--key", key)
    said = " ".join(err.split())
    assert (2, 2) == (code, said.count("nobody is left to vote for there, and the votes that were given stay."))
    assert "Say it again with --yes to do it" in said
    assert 0 == sandik("definition", "amend", changes, *WHO, "--key", key, "--yes")[0]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (b"[", "holds no amendment"),
        (b'[{"kind":"boxes_closed","unit":"tr/34/uskudar","boxes":[[7,7]]}]', "has no box 7 to close"),
    ],
)
def test_what_is_no_amendment_is_refused_with_what_to_do(
    sandik: Sandik, tmp_path: Path, text: bytes, hint: str
) -> None:
    """And nothing is ordered."""
    Path("var").mkdir(exist_ok=True)
    began("n")
    changes = tmp_path / "changes.json"
    changes.write_bytes(text)
    code, _, err = sandik("definition", "amend", changes, *WHO)
    assert (2, True) == (code, hint in " ".join(err.split()))
