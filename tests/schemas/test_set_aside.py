import pytest

from schemas.quarantine import quarantined
from schemas.set_aside import MAX_KEPT_BYTES, SetAside, set_aside_in, statement_of
from schemas.tally import MAX_TALLY_BYTES, encode
from schemas.totals import Cell
from tests.builders import NIGHT, counted, reported, withdrawn

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
