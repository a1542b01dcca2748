from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from schemas.quarantine import REASONS, Quarantined, Reason, quarantined


@given(st.binary(), st.binary())
def test_the_original_bytes_come_back(key: bytes, value: bytes) -> None:
    record = quarantined("malformed", "why", topic="tallies", partition=3, offset=17, key=key, value=value)
    read = Quarantined.model_validate_json(record.encode())

    assert (value, b"tallies/3/17") == (read.original, read.position)
    assert record == read


def test_every_reason_is_explained() -> None:
    assert set(get_args(Reason)) == set(REASONS)
