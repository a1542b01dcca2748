import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UsageError
from schemas.fields import MAX_RELEASED
from schemas.quarantine import (
    MAX_KEPT_BYTES,
    OPEN,
    REASONS,
    REPAIRABLE,
    Assessment,
    Quarantined,
    Reason,
    SetAside,
    Statement,
    Verdict,
    is_assessment,
    quarantined,
    repaired,
    set_aside_in,
    statement_in,
    statement_of,
)
from schemas.tally import MAX_TALLY_BYTES, Tally, encode, order_of
from schemas.totals import Cell
from tests.builders import NIGHT, counted, reported, withdrawn


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
    ("modules", "keys"),
    [
        (("vocabulary.js",), [f"reason_{reason}:" for reason in get_args(Reason)]),
        (("control/words-tr.js", "control/words-en.js"), [f"verdict_{verdict}:" for verdict in get_args(Verdict)]),
    ],
)
def test_every_reason_and_verdict_has_words_in_both_languages_of_the_pages(
    modules: tuple[str, ...], keys: list[str]
) -> None:
    pages = Path(__file__).parents[2] / "gateway" / "pages"
    text = "".join((pages / module).read_text(encoding="utf-8") for module in modules)
    for key in keys:
        assert 2 == len(re.findall(rf"(?<![a-z_]){key}", text)), key


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
    out = repaired(set_aside("conflict", encode(event)))

    assert (kind, 3, 1) == (out.type, out.revision, out.released)
    assert [(event.contest, event.district, event.at)] == [(out.contest, out.district, out.at)]
    assert order_of(3, 0) < order_of(out.revision, out.released) < order_of(4, 0)


def test_of_several_that_were_released_at_one_revision_the_last_one_comes_last() -> None:
    record = set_aside("conflict", encode(counted(revision=3)))

    assert [1, 2, 9] == [repaired(record, earlier).released for earlier in (0, 1, 8)]
    assert repaired(record, 8) == repaired(record, 8)


def test_what_was_let_out_and_set_aside_again_comes_later_than_before() -> None:
    """Two operators were at it at once, from two gateways."""
    assert 3 == repaired(set_aside("conflict", encode(counted(released=2)))).released


def test_no_more_is_let_out_at_one_revision_than_there_is_room_for() -> None:
    record = set_aside("conflict", encode(withdrawn()))

    assert MAX_RELEASED == repaired(record, MAX_RELEASED - 1).released
    with pytest.raises(UsageError, match="send a higher revision"):
        repaired(record, MAX_RELEASED)


def test_a_report_that_goes_backwards_is_released_as_a_correction() -> None:
    out = repaired(set_aside("backwards", encode(reported(revision=3))))

    assert ("report_corrected", 3, 1) == (out.type, out.revision, out.released)


def test_what_is_about_the_same_revision_of_the_same_thing_is_one_statement() -> None:
    one, other = counted({"kurum": 1}), withdrawn(revision=1)

    assert Statement.of(one) == Statement.of(other) == statement_in(set_aside("conflict", encode(one)))
    assert Statement("mayor", "agency", "tr/34/uskudar", None, 4) == Statement.of(reported(revision=4))
    assert statement_in(set_aside("malformed", b"junk")) is None


def test_what_went_the_wrong_way_is_released_as_it_was() -> None:
    assert counted() == repaired(set_aside("misrouted", encode(counted())))


@pytest.mark.parametrize("reason", sorted(set(REASONS) - REPAIRABLE))
def test_what_no_word_can_set_right_is_not_released(reason: Reason) -> None:
    with pytest.raises(UsageError, match="Nothing could make it count"):
        repaired(set_aside(reason, encode(counted())))


def test_what_cannot_be_read_is_not_released() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        repaired(set_aside("misrouted", b"junk"))


WHOLE = (
    b'{"source":"aa","contest":"mayor","district":"tr/34/uskudar","box":3,"revision":2,'
    b'"at":"2024-03-31T19:00:00+03:00"}'
)
CELL = Cell("mayor", "aa", "tr/34/uskudar")


def read(value: bytes) -> SetAside | None:
    return set_aside_in(quarantined("conflict", "a test", topic="t", partition=0, offset=7, key=b"k", value=value))


def test_a_tally_that_was_set_aside_is_read_with_its_figures() -> None:
    said = counted({"kurum": 7, "imamoglu": 0}, box=1002, revision=3)
    found = read(encode(said))

    assert found is not None
    assert ("t/0/7", "conflict", CELL, 1002, 3, NIGHT) == found[:-1]
    figures = statement_of(found).figures
    assert figures is not None
    assert (1, said.valid, {"kurum": 7}) == (figures.boxes_opened, figures.valid, figures.votes)


def test_a_report_says_how_many_boxes_it_is_of_and_a_withdrawal_that_it_is_of_none() -> None:
    report, gone = read(encode(reported(boxes_opened=12, cast=9, valid=9))), read(encode(withdrawn()))

    assert report is not None
    assert gone is not None
    assert report.box is None
    told = [statement_of(one).figures for one in (report, gone)]
    assert [(12, 9), (0, 0)] == [(one.boxes_opened, one.cast) for one in told if one]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"junk", None),
        (b"[]", None),
        (b'{"contest":"mayor"}', None),
        (b'{"source":7}', None),
        (b'{"source":"' + b"a" * 97 + b'"}', None),
        (b'{"source":"aa"}', (Cell("", "aa", ""), None, None, None)),
        (
            WHOLE,
            (CELL, 3, 2, NIGHT),
        ),
        (
            WHOLE.replace(b"3,", b"true,").replace(b":2,", b":-2,").replace(b"T19:00:00+03:00", b""),
            (CELL, None, None, None),
        ),
        (b'{"source":"aa","at":"soon"}', (Cell("", "aa", ""), None, None, None)),
    ],
)
def test_of_what_is_no_tally_as_much_is_read_as_can_be(value: bytes, expected: tuple[object, ...] | None) -> None:
    found = read(value)

    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (*expected, None) == found[2:]
        assert statement_of(found).figures is None


def test_of_what_is_very_large_no_figures_are_kept() -> None:
    long = counted({f"candidate-{n:0>60}": 1 for n in range(MAX_KEPT_BYTES // 64)})
    found = read(encode(long))

    assert found is not None
    assert (1, None) == (found.revision, found.event)
    assert read(b"{" + b" " * MAX_TALLY_BYTES + b'"source":"aa"}') is None
