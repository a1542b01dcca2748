"""When a client's read token is replaced, and where the next one comes from."""

from datetime import timedelta
from pathlib import Path

import pytest

from sandik.client.token import LEAD_S, current_token, expires_at, is_asked_for, lead_s, pause_s
from tests.gateway.tokens import NOW, claims, forged, token

HOUR = token(now=NOW)
MINUTE = token(now=NOW, lasts=timedelta(minutes=1))


def test_a_token_says_itself_until_when_it_holds() -> None:
    assert NOW + timedelta(hours=1) == expires_at(HOUR)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "nonsense",
        "a.b.c",
        "a.é.c",
        "a.bnVsbA.c",
        forged([]),
        forged(claims(exp=None)),
        forged(claims(exp="soon")),
        forged(claims(exp=1e300)),
    ],
)
def test_of_what_says_nothing_of_its_end_none_is_known(text: str | None) -> None:
    assert expires_at(text) is None
    assert lead_s(text, NOW) is None


def test_the_next_one_is_asked_for_a_minute_before_the_end_or_in_the_last_tenth_of_a_short_one() -> None:
    assert 3600 - LEAD_S == lead_s(HOUR, NOW)
    assert 54 == lead_s(MINUTE, NOW)
    assert 0 == lead_s(MINUTE, NOW + timedelta(hours=1))


def test_where_there_was_no_other_one_it_is_asked_for_again_sooner_and_sooner() -> None:
    assert 30 == pause_s(MINUTE, NOW)
    assert 2 == pause_s(MINUTE, NOW + timedelta(seconds=56))
    assert 1 == pause_s(MINUTE, NOW + timedelta(hours=1)) == pause_s("nonsense", NOW)
    assert LEAD_S == pause_s(HOUR, NOW)


async def test_it_comes_as_a_text_from_a_file_or_from_a_function_of_either_kind(tmp_path: Path) -> None:
    async def later() -> str:
        return "d"

    file = tmp_path / "token"
    file.write_text("b\n")
    given = [None, "a", file, lambda: "c", later]
    assert [None, "a", "b", "c", "d"] == [await current_token(one) for one in given]
    assert [False, False, True, True, True] == [is_asked_for(one) for one in given]
    file.write_text("\n")
    assert await current_token(file) is None


async def test_blanks_around_it_and_the_mark_of_an_editor_are_no_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"\xef\xbb\xbfa\r\n")
    assert ["a", "a", "a", None] == [await current_token(one) for one in (file, "a\n", lambda: " a ", " ")]


@pytest.mark.parametrize("text", ["a\r\nX-Else: b", "a b", "é", b"a"])
async def test_what_no_header_can_have_is_no_token_and_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="not one word of ASCII") as refused:
        await current_token(lambda: text)
    assert str(text) not in str(refused.value)
