import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from consumers.aggregate import Aggregator
from eventlog.clock import Manual, Wall
from eventlog.port import Entry
from eventlog.run import begin_replay_epoch, create_run, find_run
from gateway.recall import Past
from sandik import past
from sandik.past import PastWorker, past_of
from sandik.wiring import open_log
from schemas.control import EmbargoLifted, EmbargoSet, Held, Order
from schemas.errors import LogUnavailable, UsageError
from schemas.graphics import Graphic, GraphicTaken
from schemas.tally import Counted
from schemas.trust import encode_order
from tests.builders import NIGHT, counted, small_election, value_of
from tests.patience import LIMIT_S
from tests.sandik.conftest import Sandik
from tests.schemas.orders import new_signer, written

RUN = "gece"
BEGAN = datetime(2024, 3, 31, 20, 0, tzinfo=ZoneInfo("Europe/Istanbul"))


@pytest.fixture
def night(tmp_path: Path) -> str:
    """Under embargo until 21:00; a box at 20:30 and at 21:30; all held at 22:00; a box at 22:30; a graphic at 23:00."""
    url = f"sqlite:{tmp_path / 'night.db'}"
    definition = small_election().model_copy(update={"embargo_until": BEGAN.replace(year=2124)})

    async def stage() -> None:
        clock = Manual(BEGAN.astimezone(UTC))
        async with open_log(url, clock) as log:
            run = await create_run(log, RUN, definition, mode="test", epoch="e1e1", clock=clock)
            told: dict[str, Any] = {"run": RUN, "epoch": "e1e1", "by": "A", "at": NIGHT, "reason": "why"}
            lifted: Order = EmbargoLifted(id="order-01", **told)
            held: Order = Held(id="order-02", contest="mayor", **told)
            boxes = [counted({"kurum": votes}, box=box) for box, votes in ((1001, 1), (1002, 10), (1003, 100))]
            taken = GraphicTaken(id="order-03", channel="a", overlay="duel", parameters={"unit": "tr/34"}, **told)
            steps: list[Counted | Order] = [boxes[0], lifted, boxes[1], held, boxes[2], taken]
            for step in steps:
                clock.advance(1_800)
                if isinstance(step, Counted):
                    await log.append(run.topics.tallies.name, [Entry(step.district.encode(), value_of(step))])
                else:
                    await log.append(run.topics.control.name, [Entry(b"order", encode_order(step, None))])
                await Aggregator(log, run, clock).run_until_end()

    asyncio.run(stage())
    return url


def kurum(past: Past) -> tuple[int, int]:
    """Kurum's votes in the country: on air, and for the control room."""
    return tuple(  # type: ignore[return-value]  # there are two
        sum(row.votes["kurum"] for row in rows if row.unit == "tr") for rows in (past.on_air, past.control_room)
    )


def test_the_past_is_what_was_on_air_with_what_was_held_and_embargoed(night: str) -> None:
    async def look() -> list[Past]:
        async with open_log(night, Wall()) as log:
            run = await find_run(log, RUN)
            return [
                await past_of(log, run, BEGAN + timedelta(minutes=minutes))
                for minutes in (0, 45, 75, 105, 135, 165, 195)
            ]

    pasts = asyncio.run(look())

    assert [(0, 0), (0, 1), (1, 1), (11, 11), (11, 11), (11, 111), (11, 111)] == [kurum(past) for past in pasts]
    assert [True, True, *[False] * 5] == [past.embargoed for past in pasts]
    assert [*[()] * 4, *[("mayor",)] * 3] == [past.hold for past in pasts]
    taken = {"a": Graphic(overlay="duel", parameters={"unit": "tr/34"})}
    assert [*[{}] * 6, taken] == [past.graphics for past in pasts]


def test_a_moment_is_told_to_people(sandik: Sandik, night: str) -> None:
    code, out, _ = sandik("at", "22:45", "--date", "2024-03-31", "--run", RUN, "--log", night)
    words = " ".join(out.split())
    assert 0 == code
    assert "As it stood at 2024-03-31T22:45:00.000+03:00" in words
    assert "Told is what was on air: what was held as it stood" in words
    assert "On hold then: mayor." in words
    assert "Türkiye (tr) 2 / 80" in words
    assert "Murat Kurum (kurum) 11 %100,00 0 held" in words

    _, out, _ = sandik("at", "23:15", "--date", "2024-03-31", "--run", RUN, "--log", night)
    assert "Graphic on channel a: duel unit=tr/34." in out

    code, out, _ = sandik("at", "2024-03-31T20:45", "--run", RUN, "--log", night)
    words = " ".join(out.split())
    assert 0 == code
    assert "There was an embargo: nothing was on air. What the control room had is told with --tell" in words
    assert "Türkiye" not in words


def test_what_the_control_room_had_is_told_to_whoever_asks_for_it(sandik: Sandik, night: str) -> None:
    arguments = ("--run", RUN, "--log", night, "--tell", "control_room")
    for moment, says in (("20:45", "(tr) 1 / 80"), ("22:45", "(kurum) 111 %100,00 0 held")):
        _, out, _ = sandik("at", f"2024-03-31T{moment}", *arguments)
        words = " ".join(out.split())
        assert "Told is what the control room had" in words
        assert says in words
    code, _, err = sandik("at", "2024-03-31T22:45", "--run", RUN, "--log", night, "--tell", "log")
    assert (2, True) == (code, "sandik trace" in err)


def test_a_moment_is_told_to_programs(sandik: Sandik, night: str) -> None:
    code, out, _ = sandik("at", "2024-03-31T22:45", "--run", RUN, "--log", night, "--format", "json")

    said = orjson.loads(out)
    assert (0, ["mayor"], False) == (code, said["hold"], said["embargoed"])
    assert [11, 111] == [
        next(row["votes"]["kurum"] for row in said[name] if row["unit"] == "tr") for name in ("on_air", "control_room")
    ]


def test_with_other_keys_nothing_is_told_to_have_been_on_air_that_was_kept_back(sandik: Sandik, tmp_path: Path) -> None:
    url, signer = f"sqlite:{tmp_path / 'live.db'}", new_signer()
    clock = Manual(BEGAN.astimezone(UTC))

    async def stage() -> None:
        async with open_log(url, clock) as log:
            run = await create_run(log, RUN, small_election(), mode="live", epoch="e1e1", clock=clock)
            await log.append(run.topics.tallies.name, [Entry(b"tr/34/uskudar", value_of(counted({"kurum": 1})))])
            for kind in (EmbargoSet, EmbargoLifted):
                value = written(kind, signer, run=RUN, epoch="e1e1")
                await log.append(run.topics.control.name, [Entry(b"order", value)])

    asyncio.run(stage())
    at = ("at", "2024-03-31T20:00:00+03:00", "--run", RUN, "--log", url, "--format", "json")
    code, out, err = sandik(*at)
    past = orjson.loads(out)
    assert (0, True, []) == (code, past["embargoed"], past["on_air"])
    assert "embargo_set at control offset 1, by Ayşe" in " ".join(err.split())
    assert past["complaint"] in " ".join(err.split())


@pytest.mark.parametrize(
    ("moment", "hint"),
    [
        (["2024-03-31T19:59"], "began at"),
        (["2124-03-31T19:59"], "still to come"),
        (["22:14", "--date", "yesterday"], "no day"),
        (["late"], "no moment"),
    ],
)
def test_a_moment_that_cannot_be_told_says_which_can(sandik: Sandik, night: str, moment: list[str], hint: str) -> None:
    code, _, err = sandik("at", *moment, "--run", RUN, "--log", night)

    assert 2 == code
    assert hint in " ".join(err.split())


async def test_a_process_of_its_own_works_out_the_same(night: str) -> None:
    moment = BEGAN + timedelta(minutes=195)
    async with open_log(night, Wall()) as log:
        expected = await past_of(log, await find_run(log, RUN), moment)

    async with asyncio.timeout(LIMIT_S):
        assert expected == await PastWorker(night, RUN).at(moment)
        with pytest.raises(UsageError, match="began at"):
            await PastWorker(night, RUN).at(BEGAN - timedelta(days=1))


async def test_where_no_process_can_begin_it_can_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is short of memory at that moment ends no gateway, which recalls the night so far."""
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with pytest.raises(LogUnavailable, match=r"none began: .*No such file"):
        await PastWorker("sqlite:night.db", RUN).courses()


async def test_a_file_in_the_working_directory_is_not_run_for_a_module_of_pythons(
    night: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "http.py").write_text("raise SystemExit('this is somebody else')\n")
    monkeypatch.chdir(tmp_path)
    async with asyncio.timeout(LIMIT_S):
        moment = BEGAN + timedelta(minutes=165)
        assert moment == (await PastWorker(night, RUN).at(moment)).at


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sandik: The run\nbegan at 8. Ask later.\n", "The run\nbegan at 8. Ask later."),
        ("a warning\nsandik: There is no run.", "There is no run."),
        ("sandik: One thing.\nsandik: Another.\n", "Another."),
        ("Traceback (most recent call last):\n  File secret.py\nKeyError: 'token'\n", None),
        ("sandik: Reading.\nTraceback (most recent call last):\nKeyError: 'token'\n", None),
        ("", None),
    ],
)
def test_of_a_process_that_failed_only_what_it_says_for_people_is_told(text: str, reason: str | None) -> None:
    assert reason == past._reason(text)


def test_of_a_replay_the_present_take_is_told_and_named(sandik: Sandik, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'replay.db'}"
    clock = Manual(BEGAN.astimezone(UTC))

    async def look() -> tuple[Past, Past]:
        async with open_log(url, clock) as log:
            run = await create_run(log, RUN, small_election(), mode="replay", epoch="e1e1", clock=clock)
            await log.append(run.topics.tallies.name, [Entry(b"tr/34/uskudar", value_of(counted({"kurum": 1})))])
            clock.advance(60)
            run = await begin_replay_epoch(log, run, epoch="e2e2", clock=clock)
            await log.append(run.topics.tallies.name, [Entry(b"tr/34/uskudar", value_of(counted({"kurum": 2})))])
            await Aggregator(log, run, clock).run_until_end()
            return await past_of(log, run, clock.now()), await PastWorker(url, RUN).at(clock.now())

    here, apart = asyncio.run(look())
    assert (1, 2, here) == (here.take, kurum(here)[0], apart)
    code, out, _ = sandik("at", "2024-03-31T20:01:00", "--run", RUN, "--log", url)
    assert 0 == code
    assert "This is take 1 of a replay" in " ".join(out.split())
