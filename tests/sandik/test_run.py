"""`sandik run` and `demo`: a night, and a board that shows it, in one process."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from eventlog.clock import Wall
from gateway.admission.access import Grant
from gateway.admission.handshake import Credentials, Handshake
from sandik.commands.run import DEMO_RUN, ControlRoom, announce_all, is_loopback
from schemas.trust import OrderSigner
from tests.gateway.gateways import WITHOUT_TLS
from tests.patience import LIMIT_S
from tests.sandik.conftest import Sandik
from tests.sandik.test_cli import HEADER, LINE, MAPPING
from tests.sandik.test_feeds import served

VILLAGES = Path(__file__).parents[2] / "examples" / "villages"
OPTIONS = ("--mapping", str(VILLAGES / "mapping.toml"), "--definition", str(VILLAGES / "definition.json"))


class Night:
    """A running `sandik run`: what it says, and what its board shows."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""

    def says(self, what: str) -> str:
        assert self.process.stderr is not None
        while what not in self.said:
            line = self.process.stderr.readline()
            assert line, f"It ended without {what!r}:\n{self.said}"
            self.said += line
        return self.said

    @property
    def board(self) -> str:
        found = re.search(r"http://localhost:\d+", self.says("The board is at"))
        assert found is not None
        return found[0]

    def votes(self, unit: str) -> dict[str, int]:
        found = httpx.get(f"{self.board}/v1/totals", params={"unit": unit}, timeout=LIMIT_S, verify=WITHOUT_TLS).json()
        return found["totals"][0]["votes"] if found.get("totals") else {}

    def shows(self, unit: str, votes: dict[str, int]) -> None:
        limit_s, found = time.monotonic() + LIMIT_S, self.votes(unit)
        while not votes.items() <= found.items():
            assert time.monotonic() < limit_s, found
            found = self.votes(unit)


@contextmanager
def running(folder: Path, *arguments: object) -> Iterator[Night]:
    """The command, which Ctrl-C ends well."""
    command = [sys.executable, "-m", "sandik", "run", *map(str, arguments), "--port", "0"]
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": root}
    ) as process:
        night = Night(process)
        try:
            yield night
            process.send_signal(signal.SIGINT)
            night.said += process.communicate(timeout=LIMIT_S)[1]
        finally:
            process.kill()
    assert (0, False) == (process.returncode, "Traceback" in night.said), night.said


def test_a_file_is_on_the_board_and_the_same_command_goes_on(tmp_path: Path) -> None:
    expected = {"01": 541, "02": 428}
    with running(tmp_path, VILLAGES / "tps.csv", *OPTIONS) as night:
        said = night.says("Published 6 boxes of 'kpu'.")
        assert "Run 'damai-2030' (test) of Pilkada 2030: 3 counting units. Its log is sqlite:var/sandik.db." in said
        assert "line 8 is set aside: dpt is '-'" in said
        night.shows("zz", expected)
    with running(tmp_path, VILLAGES / "tps.csv", *OPTIONS) as night:
        night.says("Published 0 boxes of 'kpu', and 6 were in the log already.")
        night.shows("zz", expected)


def test_orders_of_an_operator_whose_key_is_given_count_in_a_live_run(sandik: Sandik, tmp_path: Path) -> None:
    key, changes = tmp_path / "me.key", tmp_path / "changes.json"
    assert 0 == sandik("token", "--new-key", key)[0]
    changes.write_text('[{"kind": "candidate_withdrawn", "contest": "regent", "candidate": "02"}]', "utf-8")
    log = f"sqlite:{tmp_path / 'night.db'}"
    options = (*OPTIONS, "--mode", "live", "--log", log, "--operator-key", f"{key}.pub")
    with running(tmp_path, VILLAGES / "tps.csv", *options) as night:
        night.says("Published 6 boxes")
        order = ("--run", "damai-2030", "--log", log, "--key", key, "--by", "A. Kaya", "--reason", "KPU 4", "--yes")
        assert 0 == sandik("definition", "amend", changes, *order)[0]
        limit_s, versions = time.monotonic() + LIMIT_S, list[object]()
        while len(versions) < 2:
            assert time.monotonic() < limit_s
            versions = httpx.get(f"{night.board}/v1/definition/versions", timeout=LIMIT_S, verify=WITHOUT_TLS).json()


def test_a_watched_file_is_followed_and_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    table = tmp_path / "tps.csv"
    lines = (VILLAGES / "tps.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[:2]), encoding="utf-8")
    with running(tmp_path, table, *OPTIONS, "--run", "n", "--watch", "--every", "0.1") as night:
        night.shows("zz", {"01": 107, "02": 33})
        table.write_text("".join([*lines[:3], lines[3].replace("Cibaru", "Cibarau")]), encoding="utf-8")
        night.says("line 4: no district 'Sukamaju' in 'Cibarau'")
        night.shows("zz", {"01": 165, "02": 78})
    with running(tmp_path, table, *OPTIONS, "--run", "n", "--watch") as night:
        night.says("All 2 events of")


def test_a_watched_address_is_followed_through_failures_and_what_it_had_stands(tmp_path: Path) -> None:
    """Not changed, a server's error, half of a body, something else, and then the next figures."""
    place = VILLAGES.parent / "regions"
    first = (place / "results.json").read_text(encoding="utf-8")
    later = first.replace("20:15:00Z", "20:25:00Z").replace('"v": 1837', '"v": 1937').replace('"v": 7141', '"v": 7041')
    broken: list[tuple[int, bytes]] = [(304, b""), (500, b""), (200, b"cut"), (200, b"<html>busy</html>"), (304, b"")]
    options = ("--mapping", place / "mapping.toml", "--definition", place / "definition.json", "--watch")
    answers = [(200, first.encode()), *broken, (200, later.encode())]
    with served(answers) as (url, tags), running(tmp_path, url, *options, "--every", "0.1") as night:
        night.says("Published 3 reports, as of 2030-05-12")
        night.says("answers 500 (Internal Server Error). What was published stands; trying again.")
        night.says("ended after 3 of 9999 bytes. Try again. What was published stands; trying again.")
        night.says("is not readable as JSON")
        night.says("Published 3 reports, as of 2030-05-12 20:25")
        night.shows("zz/1/101", {"ivanova": 1937, "petrov": 7041})
    assert tags[:3] == [None, '"1"', '"1"']


def test_a_finished_table_brings_its_own_definition(tmp_path: Path) -> None:
    table = tmp_path / "boxes.csv"
    table.write_text(HEADER + LINE, encoding="utf-8")
    with running(tmp_path, table, "--mapping", MAPPING, "--watch") as night:
        said = night.says("The board is at")
        assert "Making the election's definition" in said
        assert "Give those of the whole night with --definition FILE" in said
        night.shows("tr", {"chp": 185})


def test_a_finished_table_is_published_as_it_was_read_for_its_definition(tmp_path: Path) -> None:
    table = tmp_path / "boxes.csv"
    table.write_text(HEADER + LINE, encoding="utf-8")
    with running(tmp_path, table, "--mapping", MAPPING) as night:
        night.says("The board is at")
        night.says("Published 1 boxes of 'ysk'.")
        night.shows("tr", {"chp": 185})


def test_a_dry_run_prints_events_and_leaves_no_log(sandik: Sandik, tmp_path: Path) -> None:
    table = tmp_path / "boxes.csv"
    table.write_text(HEADER + LINE, encoding="utf-8")
    for arguments in ((VILLAGES / "tps.csv", *OPTIONS), (table, "--mapping", MAPPING)):
        code, out, told = sandik("run", *arguments, "--dry-run")
        assert (0, True) == (code, '"type":"counted"' in out and '"revision":1,' in out), told
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("none.csv", *OPTIONS), "There is no file none.csv."),
        ((VILLAGES / "tps.csv", *OPTIONS[:2]), "What is the election? Give its definition with --definition FILE"),
        ((VILLAGES / "tps.csv", *OPTIONS[:2], "--run", "n"), "There is no run 'n' in this log."),
        ((VILLAGES / "tps.csv", *OPTIONS, "--mode", "rehearsal"), "'rehearsal' is no mode."),
        ((VILLAGES / "mapping.toml", *OPTIONS, "--port", "0"), "has no column"),
        ((VILLAGES / "mapping.toml", *OPTIONS, "--dry-run"), "has no column"),
        (
            (VILLAGES / "tps.csv", "--mapping", VILLAGES.parent / "zones" / "mapping.toml", *OPTIONS[2:]),
            "The run has no source 'tre'. It has: kpu.",
        ),
    ],
)
def test_what_cannot_work_is_told_with_what_to_do(sandik: Sandik, arguments: tuple[object, ...], says: str) -> None:
    code, _, told = sandik("run", *arguments)
    assert (2, True) == (code, says in told), told


def test_the_link_brings_a_token_that_is_let_in_and_the_key_whose_orders_count() -> None:
    room = ControlRoom.new()
    link = urlsplit(room.link("http://localhost:8765", Wall()))
    brought = {name: values[0] for name, values in parse_qs(link.fragment).items()}

    grant = Handshake(room.access(), DEMO_RUN).admit(
        Credentials(f"token={brought['token']}", [], "127.0.0.1"), datetime.now(UTC)
    )
    assert isinstance(grant, Grant)
    assert "operator" == grant.scope
    pem = f"-----BEGIN PRIVATE KEY-----\n{brought['key']}\n-----END PRIVATE KEY-----\n"
    assert room.signer.public.fingerprint == OrderSigner.from_pem(pem.encode()).public.fingerprint
    assert ("/control", "", "Demo") == (link.path, link.query, brought["name"])


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("10.0.0.7", False), ("tv", False)],  # noqa: S104
)
def test_a_room_is_for_this_machine_alone(host: str, expected: bool) -> None:
    assert expected == is_loopback(host)


def test_a_demo_that_others_can_reach_tells_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    announce_all("0.0.0.0", 8765, None, Wall())  # noqa: S104
    told = capsys.readouterr().err

    assert ("#token=" in told, "No control room" in told) == (False, True)
