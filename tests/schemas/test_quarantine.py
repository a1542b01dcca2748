from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UsageError
from schemas.fields import MAX_RELEASED
from schemas.quarantine import (
    MENDABLE,
    OPEN,
    REASONS,
    Assessment,
    Quarantined,
    Reason,
    Statement,
    Verdict,
    is_assessment,
    mended,
    quarantined,
    statement_in,
)
from schemas.tally import Tally, encode, order_of
from tests.builders import counted, reported, withdrawn


@given(st.binary(), st.binary())
def test_the_original_bytes_come_back(key: bytes, value: bytes) -> None:
    record = quarantined("malformed", "why", topic="tallies", partition=3, offset=17, key=key, value=value)
    read = Quarantined.model_validate_json(record.encode())

    assert (value, b"tallies/3/17") == (read.original, read.position)
    assert record == read


def test_every_reason_is_explained() -> None:
    assert set(get_args(Reason)) == set(REASONS)


def test_an_assessment_lies_beside_the_record_under_a_key_of_its_own() -> None:
    record = quarantined("conflict", "why", topic="tallies", partition=3, offset=17, key=b"k", value=b"v")
    for verdict in get_args(Verdict):
        said = Assessment(position="tallies/3/17", verdict=verdict, revision=4, refusal="revision 4 stands")
        assert (b"assessment:tallies/3/17", said) == (said.key, Assessment.model_validate_json(said.encode()))
        assert (verdict in OPEN) == said.is_open
        assert [True, False, False] == [is_assessment(key) for key in (said.key, record.position, None)]


@pytest.mark.parametrize(
    ("module", "keys"),
    [
        ("vocabulary.js", [f"reason_{reason}:" for reason in get_args(Reason)]),
        ("control/words.js", [f"verdict_{verdict}:" for verdict in get_args(Verdict)]),
    ],
)
def test_every_reason_and_verdict_has_words_in_both_languages_of_the_pages(module: str, keys: list[str]) -> None:
    text = (Path(__file__).parents[2] / "gateway" / "pages" / module).read_text(encoding="utf-8")
    for key in keys:
        assert 2 == text.count(key), key


def set_aside(reason: Reason, value: bytes) -> Quarantined:
    return quarantined(reason, "a test", topic="t", partition=0, offset=1, key=b"k", value=value)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (counted(revision=3), "corrected"),
        (withdrawn(revision=3), "withdrawn"),
        (reported(revision=3), "report_corrected"),
    ],
)
def test_of_two_statements_the_released_one_comes_after_its_revision(event: Tally, kind: str) -> None:
    """And before the source's own next one, which so is not disturbed."""
    out = mended(set_aside("conflict", encode(event)))

    assert (kind, 3, 1) == (out.type, out.revision, out.released)
    assert [(event.contest, event.district, event.at)] == [(out.contest, out.district, out.at)]
    assert order_of(3, 0) < order_of(out.revision, out.released) < order_of(4, 0)


def test_of_several_that_were_released_at_one_revision_the_last_one_comes_last() -> None:
    record = set_aside("conflict", encode(counted(revision=3)))

    assert [1, 2, 9] == [mended(record, earlier).released for earlier in (0, 1, 8)]
    assert mended(record, 8) == mended(record, 8)


def test_what_was_let_out_and_set_aside_again_comes_later_than_before() -> None:
    """Two operators were at it at once, from two gateways."""
    assert 3 == mended(set_aside("conflict", encode(counted(released=2)))).released


def test_no_more_is_let_out_at_one_revision_than_there_is_room_for() -> None:
    record = set_aside("conflict", encode(withdrawn()))

    assert MAX_RELEASED == mended(record, MAX_RELEASED - 1).released
    with pytest.raises(UsageError, match="send a higher revision"):
        mended(record, MAX_RELEASED)


def test_a_report_that_goes_backwards_is_released_as_a_correction() -> None:
    out = mended(set_aside("backwards", encode(reported(revision=3))))

    assert ("report_corrected", 3, 1) == (out.type, out.revision, out.released)


def test_what_is_about_the_same_revision_of_the_same_thing_is_one_statement() -> None:
    one, other = counted({"kurum": 1}), withdrawn(revision=1)

    assert Statement.of(one) == Statement.of(other) == statement_in(set_aside("conflict", encode(one)))
    assert Statement("mayor", "agency", "tr/34/uskudar", None, 4) == Statement.of(reported(revision=4))
    assert statement_in(set_aside("malformed", b"junk")) is None


def test_what_went_the_wrong_way_is_released_as_it_was() -> None:
    assert counted() == mended(set_aside("misrouted", encode(counted())))


@pytest.mark.parametrize("reason", sorted(set(REASONS) - MENDABLE))
def test_what_no_word_can_set_right_is_not_released(reason: Reason) -> None:
    with pytest.raises(UsageError, match="Nothing could make it count"):
        mended(set_aside(reason, encode(counted())))


def test_what_cannot_be_read_is_not_released() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        mended(set_aside("misrouted", b"junk"))
