from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.quarantine import OPEN, REASONS, Assessment, Quarantined, Reason, Verdict, is_assessment, quarantined


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
