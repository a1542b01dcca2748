from typing import get_args

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
