from datetime import datetime

import orjson
import pytest
from pydantic import ValidationError

from schemas.totals import Cell, Row, Totals, encode_rows, parse_totals
from tests.builders import NIGHT


def totals(**changes: object) -> Totals:
    fields: dict[str, object] = dict.fromkeys(
        ("boxes_opened", "annulled", "registered", "cast", "valid", "invalid", "unattributed", "flagged", "version"), 1
    )
    fields |= {
        "contest": "mayor",
        "source": "aa",
        "district": "tr/34/uskudar",
        "as_of": NIGHT,
        "votes": {"b": 2, "a": 1},
    }
    return Totals.model_validate(fields | changes)


def test_totals_survive_the_way_through_the_log() -> None:
    assert totals() == parse_totals(totals().encode())


def test_the_excess_of_single_boxes_is_read_as_none_where_nothing_is_said_of_it() -> None:
    """So are the records of earlier releases, whose bytes are those of totals without an excess."""
    assert b"excess" not in totals().encode()
    assert 0 == parse_totals(totals().encode()).excess
    assert totals(excess=7) == parse_totals(totals(excess=7).encode())


def test_equal_totals_are_equal_bytes_whatever_the_order_of_their_votes() -> None:
    assert totals().encode() == totals(votes={"a": 1, "b": 2}).encode()


def test_the_cell_is_the_key() -> None:
    assert Cell("mayor", "aa", "tr/34/uskudar") == totals().cell
    assert b"mayor/aa/tr/34/uskudar" == totals().cell.key()


@pytest.mark.parametrize("wrong", [{"as_of": datetime(2024, 3, 31)}, {"cast": -1}, {"cast": 1.5}, {"votes": {"a": -1}}])  # noqa: DTZ001  a time without its zone is what is refused
def test_totals_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        totals(**wrong)


def test_rows_are_written_with_their_votes_by_candidate() -> None:
    row = Row("mayor", "aa", "tr", "country", 1, 2, 3, 4, 5, 6, 7, 8, {"b": 2, "a": 1})
    (said,) = orjson.loads(encode_rows([row]))

    assert list(Row._fields[:-1]) == list(said), "without blank votes there is no field for them"
    (said,) = orjson.loads(encode_rows([row._replace(blank=0)]))
    assert list(Row._fields) == list(said)
    assert ["a", "b"] == list(said["votes"])
