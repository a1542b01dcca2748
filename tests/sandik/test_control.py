"""`sandik control` on a run of the embedded log, as an operator would use it."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import RunTopics
from sandik.options import EMBEDDED_LOG
from sandik.wiring import open_log
from schemas.control import DELIVERY
from tabulation.orders.control import MAX_CHANNELS
from tests.builders import counted, value_of
from tests.sandik.conftest import Sandik

WHO = ("--by", "A. Kaya", "--reason", "a rehearsal")
CONTEST = ("--contest", "metropolitan_mayor")
CELL = (*CONTEST, "--source", "aa", "--unit", "tr/34/adalar")


@pytest.fixture
def sandik(sandik: Sandik) -> Sandik:
    """The command line, its standard error in one line however wide the terminal is."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code, out, err = sandik(*arguments)
        return code, out, " ".join(err.split())

    return run


def staged(sandik: Sandik, mode: str = "test") -> tuple[str, ...]:
    """A run with two boxes in it; how to name it."""
    sandik(
        *("simulate", "--run", "n", "--mode", mode, "--speed", "0", "--district", "tr/34/adalar"),
        *("--boxes-per-district", "2", "--source", "aa"),
    )
    return ("--run", "n")


def audit(sandik: Sandik, *options: str) -> list[dict[str, object]]:
    code, out, _ = sandik("control", "log", "--run", "n", "--format", "json", *options)
    assert 0 == code
    found: list[dict[str, object]] = orjson.loads(out)
    return found


def test_a_rehearsal_needs_no_key(sandik: Sandik) -> None:
    run = staged(sandik)
    for arguments in (
        ("embargo", "--until", "2024-03-31T19:20+03:00"),
        ("embargo", "--until", "lifted"),
        ("embargo", "--lift"),
        ("hold", *CONTEST, "--unit", "tr/34/adalar"),
        ("take", *CONTEST),
        ("release", *CONTEST),
        ("override", *CELL, "votes.imamoglu=11360", "valid=20000", "--beyond-limits"),
        ("withdraw-override", *CELL),
        ("call", *CONTEST, "--unit", "tr/34", "--candidate", "imamoglu"),
        ("withdraw-call", *CONTEST, "--unit", "tr/34"),
    ):
        assert 0 == sandik("control", *arguments, *run, *WHO)[0]
    orders = audit(sandik)
    types = ["embargo_set", "embargo_set", "embargo_lifted", "held", "taken", "released"]
    types += ["figure_overridden", "override_withdrawn", "called", "call_withdrawn"]
    assert types == [one["type"] for one in orders]
    assert {(True, False, "A. Kaya", "a rehearsal")} == {
        (one["counts"], one["verified"], one["by"], one["reason"]) for one in orders
    }
    moments = [[datetime.fromisoformat(str(one[name])) for name in ("at", "deliver_by")] for one in orders]
    assert {DELIVERY} == {deliver_by - at for at, deliver_by in moments}
    _, table, _ = sandik("control", "log", *run)
    assert "metropolitan_mayor tr/34 imamoglu" in table


def test_a_live_run_takes_signed_orders_and_asks_twice_before_it_shows_numbers(sandik: Sandik) -> None:
    run = staged(sandik, "live")
    for name in ("me.key", "other.key"):
        assert 0 == sandik("token", "--new-key", name)[0]
    code, _, said = sandik("control", "hold", *CONTEST, *run, *WHO)
    assert (2, True) == (code, "Give your private key with --key" in said)
    code, _, said = sandik("control", "embargo", "--lift", *run, *WHO, "--key", "me.key")
    assert (2, True) == (code, "Say it again with --yes" in said)
    assert [] == audit(sandik)

    assert 0 == sandik("control", "embargo", "--lift", "--yes", *run, *WHO, "--key", "me.key")[0]
    assert 0 == sandik("control", "hold", *CONTEST, *run, *WHO, "--key", "other.key")[0]
    assert [(True, True), (False, False)] == [
        (one["counts"], one["verified"]) for one in audit(sandik, "--operator-key", "me.key.pub")
    ]
    assert [False, False] == [one["counts"] for one in audit(sandik)]
    assert [False, True] == [one["kept"] for one in audit(sandik)]
    _, table, _ = sandik("control", "log", *run)
    assert "cannot be verified, and is kept" in " ".join(table.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("embargo", "--lift"), "It lifts the embargo"),
        (("embargo", "--until", "2024-03-31T19:20+03:00"), "no embargo is left"),
        (("release", *CONTEST), "It releases metropolitan_mayor everywhere"),
        (("take", *CONTEST, "--unit", "tr/34/adalar"), "It takes metropolitan_mayor in tr/34/adalar"),
        (("withdraw-override", *CELL), "the source's own figures show"),
        (("override", *CELL, "unattributed=0"), "Nothing was reported in metropolitan_mayor in tr/34/adalar by aa"),
    ],
)
def test_every_order_that_shows_more_is_asked_for_twice_on_a_live_run(
    sandik: Sandik, arguments: tuple[str, ...], says: str
) -> None:
    run = staged(sandik, "live")
    sandik("token", "--new-key", "me.key")
    code, _, said = sandik("control", *arguments, *run, *WHO, "--key", "me.key")
    assert (2, True) == (code, says in said)
    assert "Say it again with --yes" in said
    assert [] == audit(sandik)
    assert 0 == sandik("control", *arguments, *run, *WHO, "--key", "me.key", "--yes")[0]
    assert [True] == [one["counts"] for one in audit(sandik, "--operator-key", "me.key.pub")]


def test_an_embargo_is_not_shortened_in_silence_nor_a_call_replaced(sandik: Sandik) -> None:
    """Also where another operator has set it, whose key is not here."""
    run = staged(sandik, "live")
    for name in ("me.key", "other.key"):
        sandik("token", "--new-key", name)
    order = (*run, *WHO, "--key", "me.key")
    assert 0 == sandik("control", "embargo", "--until", "lifted", *run, *WHO, "--key", "other.key")[0]
    code, _, said = sandik("control", "embargo", "--until", "2124-03-31T19:20+03:00", *order)
    assert (2, True) == (code, "earlier than the embargo that stands" in said)

    call = ("call", *CONTEST, "--unit", "tr/34", "--candidate")
    assert 0 == sandik("control", *call, "imamoglu", *order)[0]
    code, _, said = sandik("control", *call, "kurum", *order)
    assert (2, True) == (code, "It replaces a call: imamoglu" in said)
    assert 0 == sandik("control", *call, "kurum", *order, "--yes")[0]


def test_figures_by_hand_are_shown_with_what_they_change_and_have_limits(sandik: Sandik) -> None:
    run = staged(sandik)
    assert 0 == sandik("aggregate", *run, "--until-end")[0]
    before = orjson.loads(sandik("totals", *run, "--format", "json", "--tell", "log")[1])
    (row,) = [
        one for one in totals_of(before) if (one["contest"], one["unit"]) == ("metropolitan_mayor", "tr/34/adalar")
    ]
    votes = row["votes"]["imamoglu"]
    for figure, says in (
        ("boxes_opened=99999", "boxes_opened is 99,999, and the district's boxes 2"),
        ("votes.imamoglu=5000", "the sum of votes and unattributed"),
    ):
        code, _, said = sandik("control", "override", *CELL, figure, *run, *WHO)
        assert (2, True) == (code, says in said)
        assert "Say it again with --beyond-limits" in said
    for figure, says in (
        ("votes.imamoglu=99999999999999999999", "figures.votes.imamoglu: Input should be less than or equal to"),
        ("valid=9999999999", "is more than any district can have"),
    ):
        code, _, said = sandik("control", "override", *CELL, "votes.kurum=1", figure, *run, *WHO, "--beyond-limits")
        assert (2, True) == (code, says in said)
    assert [] == audit(sandik)

    code, _, said = sandik("control", "override", *CELL, f"votes.imamoglu={votes - 1}", *run, *WHO)
    assert (0, True) == (code, f"votes.imamoglu: {votes} → {votes - 1}" in said)


def totals_of(told: Any) -> list[dict[str, Any]]:
    """The rows of an answer, bare or under their name."""
    found: list[dict[str, Any]] = told["totals"] if isinstance(told, dict) else told
    return found


def test_an_order_that_would_not_count_is_not_written(sandik: Sandik) -> None:
    """Where the machines trust somebody else."""
    run = staged(sandik)
    for name in ("me.key", "other.key"):
        sandik("token", "--new-key", name)
    hold = ("control", "hold", *CONTEST, *run, *WHO, "--operator-key", "me.key.pub")
    code, _, said = sandik(*hold, "--key", "other.key")
    assert (2, True) == (code, "would have no effect: no trusted operator has signed it" in said)
    assert 0 == sandik(*hold, "--key", "me.key")[0]
    assert 1 == len(audit(sandik))


def test_what_is_held_is_seen_by_an_aggregator_that_trusts_the_operator(sandik: Sandik) -> None:
    run = staged(sandik, "live")
    sandik("token", "--new-key", "me.key")
    sandik("control", "hold", *CONTEST, *run, *WHO, "--key", "me.key")
    assert 0 == sandik("aggregate", *run, "--until-end", "--operator-key", "me.key.pub")[0]
    on_air, control_room = (
        {row["contest"] for row in orjson.loads(sandik("totals", *run, "--tell", tell, "--format", "json")[1])}
        for tell in ("on_air", "control_room")
    )
    assert {"metropolitan_mayor"} == control_room - on_air


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("hold", "--contest", "president"), "There is no contest 'president'"),
        (("hold", "--contest", "Not An Id"), "That is no order"),
        (("hold", *CONTEST, "--unit", "tr/35"), "There is no unit 'tr/35'"),
        (("call", *CONTEST, "--unit", "tr", "--candidate", "nobody"), "There is no candidate 'nobody'"),
        (("override", *CELL, "valid=many"), "'valid=many' is no figure"),
        (("override", *CELL, "flagged=1"), "There is no figure 'flagged'"),
        (("withdraw-override", *CONTEST, "--source", "aa", "--unit", "tr/34"), "is no district"),
        (("let-out", "sandik.n.tallies/0/99"), "Nothing waits in quarantine"),
        (("reject", "nowhere"), "That is no order"),
        (("embargo",), "--until TIME"),
        (("embargo", "--lift", "--until", "lifted"), "--until TIME"),
        (("embargo", "--until", "tonight"), "'tonight' is no time"),
        (("embargo", "--until", "2024-03-31T19:20"), "+03:00"),
        (("release", *CONTEST, "--key", "missing.key"), "missing.key: It cannot be read"),
        (("release", *CONTEST, "--key", "junk.key"), "private Ed25519 key"),
    ],
)
def test_what_cannot_work_says_what_to_do(
    arguments: tuple[str, ...], says: str, sandik: Sandik, tmp_path: Path
) -> None:
    run = staged(sandik)
    (tmp_path / "junk.key").write_text("junk")
    code, _, said = sandik("control", *arguments, *run, *WHO)
    assert (2, True) == (code, says in said)
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["aggregate", "gateway"])
def test_a_key_that_is_none_is_refused_at_the_start(command: str, sandik: Sandik, tmp_path: Path) -> None:
    (tmp_path / "junk.pub").write_text("junk")
    code, _, said = sandik(command, "--run", "n", "--operator-key", "junk.pub")
    assert (2, True) == (code, "junk.pub: That is no public Ed25519 key" in said)


def test_it_explains_itself_with_an_example(sandik: Sandik) -> None:
    code, out, _ = sandik("control", "--help")
    assert (0, True) == (code, "Example: sandik control" in out)


def test_what_was_set_aside_is_listed_let_out_and_rejected(sandik: Sandik) -> None:
    run = staged(sandik)
    box = {"contest": "metropolitan_mayor", "district": "tr/34/adalar", "source": "aa", "box": 1001, "revision": 1}
    said = counted({"imamoglu": 7}, **box)
    asyncio.run(published(value_of(said), b"junk"))
    assert 0 == sandik("aggregate", *run, "--until-end")[0]
    found = {one["reason"]: one["position"] for one in orjson.loads(waiting(sandik, "--format", "json"))}
    assert {"conflict", "malformed"} == set(found)

    assert 0 == sandik("control", "let-out", found["conflict"], *run, *WHO)[0]
    code, _, error = sandik("control", "let-out", found["malformed"], *run, *WHO)
    assert (2, True) == (code, "Nothing could make it count" in error)
    assert "malformed" in waiting(sandik)
    assert 0 == sandik("control", "reject", found["malformed"], *run, *WHO)[0]
    (left,) = orjson.loads(waiting(sandik, "--format", "json"))
    assert (found["conflict"], "let_out", "contradicts") == (left["position"], left["state"], left["verdict"])
    assert "is not counted yet" in " ".join(waiting(sandik).split())

    assert 0 == sandik("aggregate", *run, "--until-end")[0]
    assert [] == orjson.loads(waiting(sandik, "--format", "json"))
    rows = orjson.loads(sandik("totals", *run, "--format", "json")[1])
    (row,) = [one for one in rows if (one["contest"], one["unit"]) == ("metropolitan_mayor", "tr/34/adalar")]
    assert row["votes"]["imamoglu"] >= 7


def test_what_can_no_longer_count_is_refused_with_what_stands(sandik: Sandik) -> None:
    run = staged(sandik)
    box = {"contest": "metropolitan_mayor", "district": "tr/34/adalar", "source": "aa", "box": 1001}
    asyncio.run(published(value_of(counted({"imamoglu": 7}, **box, revision=1))))
    assert 0 == sandik("aggregate", *run, "--until-end")[0]
    (aside,) = orjson.loads(waiting(sandik, "--format", "json"))
    assert "it counts (contradicts)" in " ".join(waiting(sandik).split())
    asyncio.run(published(value_of(counted({"imamoglu": 8}, **box, revision=3))))
    assert 0 == sandik("aggregate", *run, "--until-end")[0]

    code, _, error = sandik("control", "let-out", aside["position"], *run, *WHO)
    assert (2, True) == (code, "would change nothing: revision 3 of box 1001 stands" in " ".join(error.split()))
    assert "quarantine_released" not in sandik("control", "log", "--run", "n")[1]


def test_a_forged_word_about_a_quarantined_record_settles_nothing_on_a_live_run(sandik: Sandik) -> None:
    run = staged(sandik, "live")
    for name in ("me.key", "other.key"):
        sandik("token", "--new-key", name)
    box = {"contest": "metropolitan_mayor", "district": "tr/34/adalar", "source": "aa", "box": 1001, "revision": 1}
    asyncio.run(published(value_of(counted({"imamoglu": 7}, **box))))
    assert 0 == sandik("aggregate", *run, "--until-end")[0]
    (position,) = [one["position"] for one in orjson.loads(waiting(sandik, "--format", "json"))]
    assert 0 == sandik("control", "reject", position, *run, *WHO, "--key", "other.key")[0]
    _, _, said = sandik("control", "quarantine", *run, "--operator-key", "me.key.pub")
    assert "1 orders about quarantined records cannot be verified" in said

    mine = (*run, *WHO, "--key", "me.key", "--operator-key", "me.key.pub")
    code, _, said = sandik("control", "let-out", position, *mine)
    assert (2, True) == (code, "It lets out the record from" in said)
    assert 0 == sandik("control", "let-out", position, *mine, "--yes")[0]


@pytest.mark.parametrize("trusted", [(), ("--operator-key", "me.key.pub")])
def test_on_a_live_run_nothing_is_let_out_with_a_key_that_the_run_does_not_trust(
    sandik: Sandik, trusted: tuple[str, ...]
) -> None:
    """The order would have no effect, but what it publishes would count."""
    run = staged(sandik, "live")
    for name in ("me.key", "other.key"):
        sandik("token", "--new-key", name)
    box = {"contest": "metropolitan_mayor", "district": "tr/34/adalar", "source": "aa", "box": 1001, "revision": 1}
    asyncio.run(published(value_of(counted({"imamoglu": 7}, **box))))
    assert 0 == sandik("aggregate", *run, "--until-end")[0]
    (position,) = [one["position"] for one in orjson.loads(waiting(sandik, "--format", "json"))]
    before = asyncio.run(length_of("tallies"))

    order = ("control", "let-out", position, *run, *WHO, "--key", "other.key", "--yes")
    code, _, said = sandik(*order, *trusted)
    assert (2, True) == (code, ("would have no effect" if trusted else "--operator-key") in said)
    assert before == asyncio.run(length_of("tallies"))
    assert [] == audit(sandik)


def waiting(sandik: Sandik, *options: str) -> str:
    code, out, _ = sandik("control", "quarantine", "--run", "n", *options)
    assert 0 == code
    return out


async def length_of(topic: str) -> int:
    """How many records a topic of the run holds."""
    async with open_log(EMBEDDED_LOG, Wall()) as log:
        return sum((await log.end_offsets(getattr(RunTopics("n"), topic).name)).values())


async def published(*values: bytes) -> None:
    """What a feed would have sent."""
    async with open_log(EMBEDDED_LOG, Wall()) as log:
        await log.append(RunTopics("n").tallies.name, [Entry(b"tr/34/adalar", value) for value in values])


def test_a_graphic_is_taken_and_cleared_and_one_that_no_page_could_show_is_refused(sandik: Sandik) -> None:
    run = staged(sandik)
    code, _, err = sandik("control", "take-graphic", "duel", "unit=tr/34", "size=full", *run, *WHO)
    assert (0, True) == (code, "graphic_taken" in err)
    assert 0 == sandik("control", "clear-graphic", *run, *WHO)[0]
    taken, cleared = audit(sandik)
    assert ({"unit": "tr/34", "size": "full"}, "a") == (taken["parameters"], cleared["channel"])
    for arguments, hint in (
        (("dual",), "There is no overlay 'dual'."),
        (("duel", "size=huge"), "size=huge cannot be read."),
        (("duel", "unit"), "'unit' is no parameter."),
        (("duel", "unit=tr/99"), "no unit 'tr/99'"),
    ):
        code, _, err = sandik("control", "take-graphic", *arguments, *run, *WHO)
        assert (2, True) == (code, hint in err)


def test_a_graphic_for_one_channel_too_many_is_refused_before_it_is_written(sandik: Sandik) -> None:
    run = staged(sandik)
    for number in range(MAX_CHANNELS):
        assert 0 == sandik("control", "take-graphic", "duel", "--channel", f"c{number}", *run, *WHO)[0]
    code, _, err = sandik("control", "take-graphic", "duel", *run, *WHO)
    assert (2, True) == (code, "c0, c1, c2, c3, c4, c5, c6, c7. Choose one of them, or free one: clear it" in err)
    assert MAX_CHANNELS == len(audit(sandik))

    assert 0 == sandik("control", "take-graphic", "ticker", "--channel", "c0", *run, *WHO)[0]
    assert 0 == sandik("control", "clear-graphic", "--channel", "c7", *run, *WHO)[0]
    assert 0 == sandik("control", "take-graphic", "duel", *run, *WHO)[0]
