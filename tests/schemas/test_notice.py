from typing import Any

import pytest
from pydantic import ValidationError

from schemas.notice import NOTICE_KINDS, Notice, is_notice, parse_notice
from schemas.totals import Cell, is_aside
from tests.builders import NIGHT


def notice(**changes: Any) -> Notice:
    """Two statements of box 1001 in Üsküdar below revision 7, with any field changed."""
    where: dict[str, Any] = {"contest": "mayor", "source": "aa", "district": "tr/34/uskudar"}
    said = {"kind": "restarted", "offset": 12, "count": 2, "revision": 1, "stands": 7, "at": NIGHT, "box": 1001}
    return Notice(**(where | said | changes))


@pytest.mark.parametrize("kind", NOTICE_KINDS)
def test_a_notice_has_a_key_of_its_own_beside_its_cells_totals(kind: str) -> None:
    one = notice(kind=kind)

    assert f"notice:{kind}:mayor/aa/tr/34/uskudar".encode() == one.key
    assert is_notice(one.key)
    assert is_aside(one.key)
    assert not any(map(is_notice, (Cell("mayor", "aa", "tr/34/uskudar").key(), b"gate:mayor/aa/tr/34/uskudar", None)))


def test_a_notice_is_read_as_it_was_written() -> None:
    for one in (notice(), notice(box=None, kind="ahead"), notice(kind="impossible", count=0)):
        assert one == parse_notice(one.encode())


def test_a_notice_says_in_a_line_what_it_is_about() -> None:
    assert "restarted: aa's revision 1 of box 1001 of tr/34/uskudar in mayor" == notice().described()
    assert "ahead: aa's revision 1 of tr/34/uskudar in mayor" == notice(kind="ahead", box=None).described()


def test_only_a_later_statement_makes_a_notice_newer() -> None:
    assert notice().supersedes(None)
    assert notice(offset=13).supersedes(notice())
    assert not notice(count=9).supersedes(notice())
    assert not notice(offset=11, count=9).supersedes(notice())


@pytest.mark.parametrize(
    "changes", [{"v": 2}, {"kind": "other"}, {"type": "gate"}, {"count": 0}, {"offset": -1}, {"at": "20240331"}]
)
def test_what_is_no_notice_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        notice(**changes)
