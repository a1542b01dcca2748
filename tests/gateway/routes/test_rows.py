"""The doors as tools use them: a reader that binds fields once, and polls."""

import asyncio
import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

import gateway.routes.totals as door
import tabulation.derived.row_forms as pieces
from eventlog.clock import Manual, Wall
from eventlog.port import Entry
from eventlog.run import Run, RunTopics, create_run
from eventlog.sqlite.log import SqliteLog
from gateway.admission.handshake import AccessSettings
from gateway.brand import BRAND_FILE, SHIPPED, STANDARD_BRAND, read_folder
from gateway.gateway import Gateway
from gateway.routes.totals import RowsEndpoint
from gateway.settings import GatewaySettings
from schemas.asides import Gate
from tabulation.orders.effects import Embargo
from tests.gateway.gateways import FAST, RUN, get, is_ready, is_refused, night, publish, running, viewer
from tests.gateway.nights import START, Written, election, totals
from tests.gateway.tokens import HS256, token

ONE = "contest=mayor&source=aa"


def table(answer: httpx.Response) -> list[dict[str, str]]:
    """A CSV file as a spreadsheet reads it."""
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""), strict=True))


async def test_a_binding_made_before_the_first_box_holds_all_night(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr")
        await client.next("snapshot")
        before = (await get(gateway, f"/v1/flat.json?{ONE}")).json()
        assert (before["seq"], before["uskudar_1_name"], before["uskudar_imamoglu_votes"]) == (0, "", 0)
        await publish(log, totals(votes={"imamoglu": 5_114, "kurum": 4_886}, boxes=4))
        await client.next("delta")
        after = (await get(gateway, f"/v1/flat.json?{ONE}")).json()
        assert list(after) == list(before)
        assert (after["uskudar_1_name"], after["uskudar_1_pct_text"], after["tr_imamoglu_votes"]) == (
            "Imamoglu",
            "%51,14",
            5_114,
        )
        assert (after["seq"], after["mode"], after["feed"], after["cankaya_1_votes"]) == (1, "test", "live", 0)


async def test_a_row_is_held_where_its_unit_or_a_district_in_it_is(tmp_path: Path) -> None:
    gate = Gate(contest="mayor", source="aa", district="tr/34/uskudar", gate=1, held=True)
    async with night(tmp_path) as log:
        await publish(log, totals(), totals("tr/34/adalar"), totals(source="anka"))
        await log.append(RunTopics(RUN).totals.name, [Entry(gate.key, gate.encode())])
        async with running(log) as gateway:
            await is_ready(gateway)
            rows = (await get(gateway, "/v1/rows.json?contest=mayor")).json()

    held = {"tr", "tr/34", "tr/34/uskudar"}
    assert {(row["unit"], int(row["unit"] in held)) for row in rows} == {(row["unit"], row["held"]) for row in rows}
    assert {row["unit"] for row in rows} > held


async def test_rows_say_the_same_as_json_and_as_csv(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 7, "kurum": 3}), totals(source="anka"))
        async with running(log) as gateway:
            await is_ready(gateway)
            answer = await get(gateway, "/v1/rows.json?contest=mayor&slots=2&lang=en")
            rows = answer.json()
            assert answer.headers["content-type"] == "application/json; charset=utf-8"
            assert (answer.headers["sandik-seq"], answer.headers["sandik-epoch"]) == ("2", "9f2c")
            assert [(row["source"], row["unit"]) for row in rows[:3]] == [
                ("aa", "tr"),
                ("aa", "tr/06"),
                ("aa", "tr/34"),
            ]
            assert [row["unit_name"] for row in rows[3:6]] == ["Adalar", "Çankaya", "Üsküdar"]
            assert {tuple(row) for row in rows} == {tuple(rows[0])}
            assert {row["seq"] for row in rows} == {2}
            file = await get(gateway, "/v1/rows.csv?contest=mayor&slots=2&lang=en")
            assert table(file) == [{name: str(value) for name, value in row.items()} for row in rows]
            assert file.content.count(b"\r\n") == 1 + len(rows)
            marked = await get(gateway, "/v1/rows.csv?contest=mayor&slots=2&lang=en&bom=1")
            assert marked.content == b"\xef\xbb\xbf" + file.content


async def test_an_answer_of_kept_pieces_is_the_same_as_the_first_of_another_gateway(tmp_path: Path) -> None:
    paths = (f"/v1/rows.json?{ONE}", "/v1/rows.csv?lang=en", f"/v1/flat.json?{ONE}&slots=1")
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr")
        await client.next("snapshot")
        for version, district in enumerate(("tr/34/uskudar", "tr/06/cankaya", "tr/34/uskudar")):
            for path in paths:
                await get(gateway, path)
            await publish(log, totals(district, {"kurum": 10 + version, "imamoglu": 9}, version=version))
            await client.next("delta")
        kept = [(await get(gateway, path)).content for path in paths]
        async with running(log) as other:
            await is_ready(other)
            assert [(await get(other, path)).content for path in paths] == kept


@pytest.fixture
def gateway() -> Gateway:
    made = Gateway("night", clock=Manual(START), settings=GatewaySettings())
    made.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    made.caught_up()
    return made


def asking(gateway: Gateway) -> asyncio.Task[Response]:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": ONE.encode(), "headers": []}
    return asyncio.create_task(RowsEndpoint(gateway).json(Request(scope)))


async def sent(response: Response) -> bytes:
    """The bytes of an answer, in however many blocks it goes out."""
    body = bytearray()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        body.extend(message.get("body", b""))

    await response({"type": "http", "method": "GET", "headers": []}, receive, send)
    return bytes(body)


async def test_others_have_their_turn_while_a_first_answer_is_made(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what they change is in the answer, all of which is of one position."""
    monkeypatch.setattr(pieces, "MAX_VALUES_AT_ONCE", 1)
    answering = asking(gateway)
    turns = 0
    while not answering.done() and turns < 100:
        turns += 1
        gateway.fold([Written(turns - 1, totals(votes={"kurum": turns}, version=turns).encode())])
        await asyncio.sleep(0)
    rows = orjson.loads(await sent(await answering))
    position = rows[0]["seq"]
    assert 1 < position <= turns < 100
    assert {row["unit"]: (row["seq"], row["kurum_votes"]) for row in rows} == {
        **dict.fromkeys(("tr", "tr/34", "tr/34/uskudar"), (position, position)),
        **dict.fromkeys(("tr/06", "tr/34/adalar", "tr/06/cankaya"), (position, 0)),
    }


async def test_an_embargo_that_begins_while_an_answer_is_made_keeps_it_back(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "MAX_VALUES_AT_ONCE", 1)
    gateway.fold([Written(0, totals(votes={"kurum": 734_511}).encode())])
    answering = asking(gateway)
    await asyncio.sleep(0)
    assert not answering.done()
    gateway.set_embargo(Embargo(until=START + timedelta(hours=1)))
    answer = await answering
    assert answer.status_code == 451
    assert b"734511" not in await sent(answer)


async def test_pieces_are_kept_of_the_last_few_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MAX_TABLES_KEPT", 2)
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        for _ in range(2):
            answers = [(await get(gateway, f"/v1/rows.json?{ONE}&slots={slots}")).json() for slots in range(4)]
            assert [sum(name.endswith("_votes") for name in rows[0]) for rows in answers] == [3, 4, 5, 6]


async def test_who_has_the_newest_already_is_told_so_in_each_form(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr")
        await client.next("snapshot")
        for path in (
            f"/v1/rows.json?{ONE}",
            f"/v1/rows.csv?{ONE}",
            f"/v1/flat.json?{ONE}",
            f"/v1/flat.json?{ONE}&slots=1",
        ):
            tag = (await get(gateway, path)).headers["etag"]
            known = await get(gateway, path, if_none_match=tag)
            assert (known.status_code, known.content, known.headers["sandik-seq"]) == (304, b"", str(client.seq))
            await publish(log, totals(votes={"kurum": client.seq}, version=client.seq))
            await client.next("delta")
            assert (await get(gateway, path, if_none_match=tag)).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "hint"),
    [
        ("/v1/rows.json?contest=president", 404, "mayor, council"),
        ("/v1/rows.csv?unit=tr/35", 404, "tr/35"),
        ("/v1/rows.json?country=tr", 400, "contest, source, unit, slots, lang"),
        ("/v1/rows.json?bom=1", 400, "bom"),
        ("/v1/rows.csv?bom=yes", 400, "bom=1"),
        ("/v1/rows.csv?sep=tab", 400, "sep=;"),
        ("/v1/rows.json?sep=;", 400, "sep"),
        ("/v1/rows.json?slots=many", 400, "0 to 60"),
        ("/v1/rows.json?slots=61", 400, "0 to 60"),
        ("/v1/rows.json?lang=de", 400, "lang=tr"),
        ("/v1/flat.json?source=aa", 400, "contest= one of: mayor, council"),
        ("/v1/flat.json?contest=mayor", 400, "source= one of: aa, anka"),
    ],
)
async def test_what_cannot_be_had_is_a_json_error_that_helps(tmp_path: Path, path: str, status: int, hint: str) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        await is_refused(gateway, path, status, hint)


async def test_a_spreadsheet_in_turkish_has_its_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr")
        await client.next("snapshot")
        await publish(log, totals(votes={"imamoglu": 5_114, "kurum": 4_886}, boxes=4))
        await client.next("delta")
        plain = table(await get(gateway, f"/v1/rows.csv?{ONE}&slots=1"))
        answer = await get(gateway, f"/v1/rows.csv?{ONE}&slots=1&bom=1&sep=;")
        text = io.StringIO(answer.content.decode("utf-8-sig"), newline="")
        found = list(csv.DictReader(text, delimiter=";", strict=True))
        assert [row["unit"] for row in plain] == [row["unit"] for row in found]
        assert {"51.14"} < {row["1_pct"] for row in plain}
        assert {"51,14"} < {row["1_pct"] for row in found}


@pytest.mark.parametrize(
    "path", ["rows.json?", "rows.csv?", f"flat.json?{ONE}&", "totals?", "compare?contest=mayor&unit=tr/34&a=aa&b=anka&"]
)
async def test_a_number_that_keeps_caches_away_asks_for_nothing(tmp_path: Path, path: str) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr")
        await client.next("snapshot")
        assert 200 == (await get(gateway, f"/v1/{path}_=1711911312000")).status_code


async def test_too_much_at_once_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MAX_VALUES", 500)
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        refused = await get(gateway, "/v1/rows.json")
        assert refused.status_code == 400
        assert all(name in refused.json()["error"] for name in ("contest=", "source=", "unit=", "slots="))
        assert (await get(gateway, f"/v1/rows.json?{ONE}&slots=1&unit=tr")).status_code == 200


async def test_units_that_would_share_their_keys_are_refused_and_can_be_had_apart(tmp_path: Path) -> None:
    twins = {"tr/34/uskudar": "tr/34/orta-merkez", "tr/34/adalar": "tr/34/orta_merkez"}
    plain = election()
    units = tuple(unit.model_copy(update={"id": twins.get(unit.id, unit.id)}) for unit in plain.units)
    changed = plain.model_copy(update={"units": units, "contests": plain.contests[:1]})
    async with night(tmp_path, changed) as log, running(log) as gateway:
        await is_ready(gateway)
        refused = await get(gateway, f"/v1/flat.json?{ONE}")
        assert (refused.status_code, "'tr/34/orta_merkez'" in refused.json()["error"]) == (409, True)
        assert (await get(gateway, f"/v1/flat.json?{ONE}&unit=tr/34/orta-merkez")).status_code == 200
        assert (await get(gateway, f"/v1/rows.json?{ONE}")).status_code == 200


async def test_an_embargo_closes_the_doors_with_a_status_and_no_row(tmp_path: Path) -> None:
    """A tool keeps what it has on an error; an empty table with 200 would blank it."""
    closed = election().model_copy(update={"embargo_until": datetime.now(UTC) + timedelta(hours=1)})
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    async with SqliteLog(tmp_path / "night.db", Wall()) as log:
        await create_run(log, RUN, closed, mode="test", epoch="9f2c", clock=Wall())
        await publish(log, totals(votes={"imamoglu": 734_511}))
        async with running(log, settings=settings) as gateway:
            await is_ready(gateway)
            for form in ("rows.json", "rows.csv", "flat.json"):
                refused = await get(gateway, f"/v1/{form}?{ONE}")
                assert (refused.status_code, refused.json()["code"]) == (451, "embargo")
                assert "734511" not in refused.text
                desk = await get(gateway, f"/v1/{form}?{ONE}&token={token()}")
                assert (desk.status_code, "734511" in desk.text) == (200, True)
                assert desk.headers["cache-control"] == "private, no-cache"


async def test_a_desk_asks_for_the_columns_that_it_binds(tmp_path: Path) -> None:
    """With 49 candidates a row has a thousand columns; a spreadsheet wants ten."""
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        whole = (await get(gateway, f"/v1/rows.json?{ONE}")).json()[0]
        slots = (await get(gateway, f"/v1/rows.json?{ONE}&columns=slots")).json()[0]
        assert {name for name in whole if name.startswith("kurum_")} == set(whole) - set(slots) - {
            name for name in whole if name.startswith("imamoglu_")
        }
        some = (await get(gateway, f"/v1/rows.json?{ONE}&fields=1_name,%20unit_name,1_name")).json()[0]
        assert ["1_name", "unit_name"] == [name for name in some if name in slots][-4:-2]
        assert (await get(gateway, f"/v1/flat.json?{ONE}&fields=1_votes&unit=tr")).json()["tr_1_votes"] == 0
        for path, hint in (("fields=votes", "no column 'votes'"), ("columns=few", "columns=slots")):
            refused = await get(gateway, f"/v1/rows.csv?{ONE}&{path}")
            assert (400, True) == (refused.status_code, hint in refused.json()["error"])


async def test_a_brands_photos_and_logos_have_addresses_that_a_tool_can_load(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/kurum.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "brand.toml").write_text((SHIPPED / STANDARD_BRAND / BRAND_FILE).read_text(encoding="utf-8"), "utf-8")
    settings = replace(FAST, brand=read_folder(tmp_path))
    async with night(tmp_path) as log, running(log, settings=settings) as gateway:
        await is_ready(gateway)
        ask = f"/v1/rows.json?{ONE}&unit=tr&fields=kurum_photo,kurum_logo"
        (row,) = (await get(gateway, ask)).json()
        assert ("/static/brand/photos/kurum.png", "") == (row["kurum_photo"], row["kurum_logo"])
        assert 200 == (await get(gateway, row["kurum_photo"])).status_code
        (row,) = (await get(gateway, f"{ask}&pictures={gateway.http}/")).json()
        assert f"{gateway.http}/static/brand/photos/kurum.png" == row["kurum_photo"]
        await is_refused(gateway, f"{ask}&pictures=file:///etc", 400, "is no address")
