import asyncio
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import orjson
import pytest

from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import RunTopics
from sandik.cli import COMMANDS, Command, load_command
from sandik.wiring import open_log
from schemas.control import RunCreated
from tests.builders import NIGHT, small_election
from tests.patience import LIMIT_S
from tests.ports import free_port
from tests.sandik.conftest import Sandik

MAPPING = Path(__file__).parents[2] / "examples" / "turkiye-2014.toml"
HEADER = (
    "il_id,ilce_id,il,ilce,sandik_no,kayitli_secmen,oy_kullanan,gecerli_toplam,gecersiz_toplam,"
    "AK PARTİ,MHP,SAADET,CHP,BTP,BBP,DP,DSP,HDP,DBP,Diger\n"
)
LINE = "34,135,İSTANBUL,ÇATALCA,1001,295,272,253,19,54,10,1,185,0,0,0,0,0,0,3\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "boxes.csv"
    path.write_text(HEADER + LINE, encoding="utf-8")
    return path


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_every_command_explains_itself_with_an_example(command: Command, sandik: Sandik) -> None:
    code, out, _ = sandik(command.name, "--help")

    assert 0 == code
    assert f"Example: sandik {command.name}" in out


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_the_list_says_of_a_command_what_it_says_itself(command: Command) -> None:
    """The list has its own copy of the line, since asking the commands would import them all."""
    asked = load_command(command.name)

    assert asked is not None

    assert command.help == " ".join((asked.help or "").split("\n\n")[0].split())


def test_the_version_is_the_installed_one(sandik: Sandik) -> None:
    assert (0, f"sandik {version('sandik')}\n", "") == sandik("--version")


@pytest.mark.parametrize(
    ("typed", "meant"), [(("totalz",), "totals"), (("agregate",), "aggregate"), (("control", "hodl"), "hold")]
)
def test_a_mistyped_command_is_told_which_one_was_meant(sandik: Sandik, typed: tuple[str, ...], meant: str) -> None:
    code, _, err = sandik(*typed)

    assert 2 == code
    assert f"Did you mean '{meant}'?" in err


def test_a_table_becomes_totals(sandik: Sandik, table: Path) -> None:
    assert 0 == sandik("boxes", table, "--mapping", MAPPING, "--run", "night")[0]
    code, _, said = sandik("aggregate", "--run", "night", "--until-end")
    assert (0, True) == (code, "1 counted" in said)
    _, out, _ = sandik("totals", "--run", "night", "--format", "json")

    country, province, district = orjson.loads(out)
    assert ["tr", "tr/34", "tr/34/catalca"] == [row["unit"] for row in (country, province, district)]
    assert [
        "contest",
        "source",
        "unit",
        "level",
        "boxes_opened",
        "boxes_total",
        "registered",
        "cast",
        "valid",
        "invalid",
        "unattributed",
        "flagged",
        "votes",
        "overridden",
        "boxes_surplus",
        "complete",
        "contradictions",
    ] == list(country)[:17]
    assert ["told", "held", "set_aside"] == list(country)[-3:]
    assert (185, 54, 0) == tuple(country["votes"][name] for name in ("chp", "ak_parti", "dp"))


def test_totals_for_people_are_written_as_turks_read_them(sandik: Sandik) -> None:
    sandik("simulate", "--run", "n", "--speed", "0", "--district", "tr/34/adalar")
    sandik("aggregate", "--run", "n", "--until-end")
    _, out, _ = sandik("totals", "--run", "n")

    assert "10.530" in out
    assert "Ekrem İmamoğlu (imamoglu)" in out


def test_the_definition_alone_can_be_written(sandik: Sandik, table: Path, tmp_path: Path) -> None:
    code, *_ = sandik("boxes", table, "--mapping", MAPPING, "--definition", tmp_path / "d.json")

    assert 0 == code
    assert "tr-2014-local" == orjson.loads((tmp_path / "d.json").read_bytes())["id"]


def test_the_environment_sets_options(sandik: Sandik, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDIK_RUN", "from-environment")
    monkeypatch.setenv("SANDIK_LOG", "sqlite:elsewhere.db")
    assert 0 == sandik("boxes", table, "--mapping", MAPPING)[0]

    assert Path("elsewhere.db").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("totals", "--run", "nobody"), 2, "There is no run 'nobody'"),
        (("aggregate", "--run", "nobody", "--until-end"), 2, "sandik simulate --run nobody"),
        (("totals", "--run", "x", "--log", "carrier-pigeon:coo"), 2, "Give sqlite:PATH"),
        (("totals", "--run", "x", "--log", f"kafka://127.0.0.1:{free_port()}"), 1, "No Kafka broker answers"),
        (("simulate", "--run", "bad name"), 2, "cannot be a run's name"),
        (("simulate", "--run", "x", "--mode", "real"), 2, "Give live, test or replay"),
        (("simulate", "--run", "x", "--district", "tr/34/atlantis"), 2, "no district 'tr/34/atlantis'"),
        (("simulate", "--run", "x", "--scenario", "boring"), 2, "There is: annulment-and-rerun, boxes-listed-twice"),
        (("boxes", "missing.csv", "--mapping", MAPPING, "--run", "x"), 2, "missing.csv"),
        (("boxes", "boxes.csv", "--mapping", "missing.toml", "--run", "x"), 2, "missing.toml"),
        (("boxes", "boxes.csv", "--mapping", MAPPING), 2, "--run"),
        (("gateway", "--run", "bad name"), 2, "cannot be a run's name"),
        (("schema",), 2, "Say which schema"),
        (("totals",), 2, "--run"),
    ],
)
def test_what_cannot_work_says_what_to_do(
    arguments: tuple[str, ...],
    code: int,
    says: str,
    sandik: Sandik,
    table: Path,
) -> None:
    found, _, said = sandik(*arguments)

    assert code == found
    assert says in " ".join(said.split())
    assert "Traceback" not in said


def test_a_mapping_that_does_not_fit_names_the_column(sandik: Sandik, table: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        MAPPING.read_text(encoding="utf-8").replace('"sandik_no"', '"sandik_numarasi"'), encoding="utf-8"
    )
    code, _, said = sandik("boxes", table, "--mapping", mapping, "--run", "x")

    assert 2 == code
    assert "sandik_numarasi" in said
    assert "sandik_no" in said


def test_a_run_keeps_its_definition(sandik: Sandik, table: Path) -> None:
    sandik("boxes", table, "--mapping", MAPPING, "--run", "night")
    code, _, said = sandik("simulate", "--run", "night", "--speed", "0", "--district", "tr/34/adalar")

    assert (2, True) == (code, "another definition" in said)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_runs_and_ends_well_when_it_is_told_to(number: signal.Signals) -> None:
    port = str(free_port())
    with subprocess.Popen(
        [sys.executable, "-m", "sandik", "demo", "--speed", "3000", "--port", port], stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stderr is not None
        said = ""
        while "/control#" not in said:
            said += demo.stderr.readline()
        demo.send_signal(number)
        said += demo.communicate(timeout=LIMIT_S)[1]

    assert 0 == demo.returncode
    assert f"http://localhost:{port}/control#token=" in said
    assert f"http://localhost:{port}/overlays" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("aggregate", "--until-end"),
        ("totals",),
        ("export", "--source", "aa", "--out", "out.json"),
        ("at", "12:00"),
        ("compare", "a", "b", "--contest", "mayor", "--unit", "tr"),
        ("control", "log"),
        ("gateway", "--port", "0"),
        ("archive", "--out", "there"),
    ],
)
def test_a_run_with_a_zone_that_nobody_knows_says_so_in_a_line(
    sandik: Sandik, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    wrong = small_election().model_copy(update={"timezone": "Istanbul"})
    created = RunCreated.model_construct(run="n", mode="test", epoch="e1e1", at=NIGHT, definition=wrong).encode()

    async def make() -> None:
        async with open_log(f"sqlite:{tmp_path / 'n.db'}", Wall()) as log:
            await log.create(RunTopics("n", 1).all())
            await log.append(RunTopics("n", 1).control.name, [Entry(b"run", created)])

    asyncio.run(make())
    code, _, told = sandik(*arguments, "--run", "n", "--log", f"sqlite:{tmp_path / 'n.db'}")
    assert 2 == code, told
    assert "Run 'n' cannot be read by this version: The election's timezone is 'Istanbul'" in told
    assert "Traceback" not in told
