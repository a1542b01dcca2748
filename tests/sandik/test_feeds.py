"""Feeds that come in by their mapping alone, from the command line to the totals, and as they change."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import orjson
import pytest

from eventlog.clock import Wall
from eventlog.port import EventLog
from eventlog.run import RunTopics, create_run
from producers.publish import boxes_of
from producers.tables.mapping import read_report_mapping
from sandik.feed import Address, NotFetched, Publishing
from sandik.wiring import open_log
from schemas.definition import Election
from schemas.tally import Counted, Withdrawn, encode
from tests.builders import counted, small_election
from tests.patience import LIMIT_S
from tests.sandik.conftest import Sandik

EXAMPLES = Path(__file__).parents[2] / "examples"


def asked(folder: str, file: str = "") -> tuple[object, ...]:
    place = EXAMPLES / folder
    return (place / file, "--mapping", place / "mapping.toml", "--from-definition", place / "definition.json")


@pytest.mark.parametrize(
    ("command", "folder", "file", "code", "said"),
    [
        ("boxes", "polling-stations", "computos.csv", 0, "Published 7 boxes"),
        ("boxes", "zones", "bweb.csv", 0, "Published 12 boxes"),
        ("boxes", "precincts", "results.csv", 0, "Published 12 boxes"),
        ("boxes", "villages", "tps.csv", 0, "Published 6 boxes"),
        ("reports", "regions", "results.json", 0, "Published 3 reports"),
        ("boxes", "exports", "", 3, "Published 10 boxes"),
    ],
)
def test_each_shape_is_published_by_its_mapping_alone_and_only_once(
    sandik: Sandik, command: str, folder: str, file: str, code: int, said: str
) -> None:
    first = sandik(command, *asked(folder, file), "--run", "n")
    assert (code, True) == (first[0], said in first[2]), first[2]
    again = sandik(command, *asked(folder, file), "--run", "n")
    assert (0, True) == (again[0], "Published 0" in again[2]), again[2]
    assert 0 == sandik("aggregate", "--run", "n", "--until-end")[0]
    rows = orjson.loads(sandik("totals", "--run", "n", "--format", "json")[1])
    assert any(sum(row["votes"].values()) for row in rows)


def test_a_mapping_of_another_command_says_which(sandik: Sandik) -> None:
    place = EXAMPLES / "regions"
    told = sandik("boxes", *asked("regions", "results.json"), "--run", "n")
    assert (2, True) == (told[0], "sandik reports" in told[2])
    told = sandik("boxes", *asked("villages", "tps.csv"), "--run", "n", "--revision", "2")
    assert (2, True) == (told[0], "are for mappings with [election]" in told[2])
    assert 2 == sandik("boxes", place / "results.json", "--mapping", place / "mapping.toml")[0]


@asynccontextmanager
async def a_run(tmp_path: Path, definition: Election) -> AsyncIterator[tuple[EventLog, Any]]:
    async with open_log(f"sqlite:{tmp_path / 'n.db'}", Wall()) as log:
        yield log, await create_run(log, "n", definition, mode="test", epoch="e1e1", clock=Wall(), partitions=1)


async def standing(log: EventLog) -> dict[tuple[str, int], int | str]:
    """What stands of each box: the votes of oak, or how it was taken back."""
    newest: dict[tuple[str, int], Counted | Withdrawn] = {}
    async for box in boxes_of(log, RunTopics("n", 1).tallies.name, "city"):
        key = box.district.rpartition("/")[2], box.box
        if key not in newest or newest[key].revision < box.revision:
            newest[key] = box
    return {key: box.votes["oak"] if isinstance(box, Counted) else box.type for key, box in newest.items()}


def test_an_export_that_calls_a_column_otherwise_is_left_out_and_keeps_no_other_back(
    sandik: Sandik, tmp_path: Path
) -> None:
    folder, mapping = tmp_path / "exports", tmp_path / "mapping.toml"
    shutil.copytree(EXAMPLES / "exports", folder)
    export = folder / "export_2010.csv"
    export.write_text(export.read_text(encoding="utf-8").replace("oak", "Oak votes", 1), encoding="utf-8")
    text = (folder / "mapping.toml").read_text(encoding="utf-8")
    options = ("--from-definition", folder / "definition.json", "--dry-run", "--mapping", mapping, "--run", "e")
    mapping.write_text(text, encoding="utf-8")
    code, _, told = sandik("boxes", folder, *options[:2], *options[3:])
    assert (3, True) == (code, "What export_2010.csv says is left out." in told), told
    mapping.write_text(text.replace("[table]", '[table]\nrenamed = { "Oak votes" = "oak" }'), encoding="utf-8")
    code, _, told = sandik("boxes", folder, *options)
    assert (0, True) == (code, "export_2010.csv: 5 events" in told), told


async def test_a_live_folder_of_exports_is_right_at_every_step(tmp_path: Path) -> None:
    """Later exports have other columns first, a broken quote, and boxes less."""
    place, folder = EXAMPLES / "exports", tmp_path / "exports"
    folder.mkdir()
    mapping = read_report_mapping(place / "mapping.toml")
    steps: list[tuple[str, dict[tuple[str, int], int | str]]] = [
        ("2000", {("easton", 1): 100, ("easton", 2): 90, ("weston", 1): 50}),
        ("2010", {("easton", 3): 10, ("weston", 2): 70}),
        ("2020", {("easton", 3): 12}),  # one line is broken, so nobody knows whether Easton's second box is gone
        ("2030", {("easton", 2): "withdrawn", ("weston", 1): 55, ("weston", 2): "annulled"}),
    ]
    expected: dict[tuple[str, int], int | str] = {}
    definition = Election.model_validate_json((place / "definition.json").read_bytes())
    async with a_run(tmp_path, definition) as (log, run), asyncio.timeout(LIMIT_S):
        for name, changes in steps:
            shutil.copy(place / f"export_{name}.csv", folder)
            expected |= changes
            async with asyncio.TaskGroup() as group:  # a watcher that starts anew at each step
                task = group.create_task(Publishing(log, run, Wall(), folder, mapping, poll_s=0.01).follow())
                while await standing(log) != expected:  # noqa: ASYNC110  it is the log that is watched
                    await asyncio.sleep(0)
                task.cancel()


@contextmanager
def served(
    answers: list[tuple[int, bytes]], changed: str = "Sun, 12 May 2030 20:00:00 GMT"
) -> Iterator[tuple[str, list[str | None]]]:
    """An address that gives these answers in turn, then that nothing has changed, and the tags it was asked with."""
    tags: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tags.append(self.headers.get("If-None-Match"))
            code, body = answers.pop(0) if answers else (304, b"")
            self.send_response(code)
            self.send_header("ETag", f'"{len(tags)}"')
            self.send_header("Last-Modified", changed)
            self.send_header("Content-Length", "9999" if body == b"cut" else str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/results.json?x=1", tags
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_address_is_asked_for_what_has_changed_only(tmp_path: Path) -> None:
    with served([(200, b"1"), (304, b""), (200, b"22"), (500, b""), (200, b"cut")]) as (url, tags):
        address = Address(url, tmp_path)
        assert (True, False, True) == (address.fetch(), address.fetch(), address.fetch())
        assert ("results.json", b"22") == (address.file.name, address.file.read_bytes())
        assert 1904846400 == address.file.stat().st_mtime
        for says in ("answers 500", "results.json"):
            with pytest.raises(NotFetched, match=says):
                address.fetch()
        assert [None, '"1"', '"1"', '"3"', '"3"'] == tags
        assert b"22" == address.file.read_bytes()


def test_a_server_that_tells_no_date_is_taken_for_one_that_tells_none(tmp_path: Path) -> None:
    with served([(200, b"1"), (304, b"")], changed="yesterday evening") as (url, _):
        address = Address(url, tmp_path)
        assert (True, False, b"1") == (address.fetch(), address.fetch(), address.file.read_bytes())


def test_what_could_not_be_kept_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the tag of what it had not kept, it was told for ever that nothing has changed."""
    with served([(200, b"1"), (200, b"1")]) as (url, tags):
        address = Address(url, tmp_path)
        with monkeypatch.context() as full:
            full.setattr(Path, "replace", Mock(side_effect=OSError(28, "No space left on device")))
            with pytest.raises(NotFetched, match="No space left"):
                address.fetch()
        assert (True, b"1", [None, None]) == (address.fetch(), address.file.read_bytes(), tags)


def test_reports_come_from_an_address(sandik: Sandik) -> None:
    place = EXAMPLES / "regions"
    with served([(200, (place / "results.json").read_bytes())]) as (url, _):
        _, *options = asked("regions")
        code, _, said = sandik("reports", url, *options, "--run", "n")
    assert (0, True) == (code, "Published 3 reports" in said), said


def test_ready_events_are_checked_as_the_count_does_and_appended(sandik: Sandik, tmp_path: Path) -> None:
    definition, events = small_election(), tmp_path / "events.jsonl"
    good = encode(counted())
    bad = [b"{", good.replace(b"uskudar", b"atlantis"), b"x" * 70_000, good.replace(b'"source":"aa"', b'"source":"zz"')]
    events.write_bytes(b"\n".join([good, *bad, b"", encode(counted(revision=2))]))
    folder = tmp_path / "d.json"
    folder.write_text(definition.model_dump_json(), encoding="utf-8")
    place = tmp_path / "m.toml"
    place.write_text((EXAMPLES / "villages" / "mapping.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert 2 == sandik("publish", events, "--run", "n")[0]
    asyncio.run(_begin(tmp_path, definition))

    code, _, said = sandik("publish", events, "--run", "n", "--strict", "--log", f"sqlite:{tmp_path / 'n.db'}")
    assert (2, True) == (code, "4 lines of" in said and "nothing was published" in said), said
    code, _, said = sandik("publish", events, "--run", "n", "--log", f"sqlite:{tmp_path / 'n.db'}")
    assert (3, True) == (code, "Published 2 events" in said), said
    for what in ("line 2:", "line 3: no district", "line 4: it is over the 65536 bytes", "line 5: no source 'zz'"):
        assert what in said
    assert 2 == sandik("publish", tmp_path / "none", "--run", "n")[0]


async def _begin(tmp_path: Path, definition: Election) -> None:
    async with a_run(tmp_path, definition):
        pass
