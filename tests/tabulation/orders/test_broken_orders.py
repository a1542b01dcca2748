"""What of the control topic is set aside, and what is not."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.topics import MAX_QUARANTINE_BYTES
from schemas.control import EmbargoSet
from schemas.quarantine import Quarantined
from schemas.set_aside import set_aside_in
from schemas.trust import Judge
from tabulation.orders.broken_orders import MAX_KEPT_BYTES, broken_control
from tests.gateway.nights import Written, election
from tests.schemas.orders import written
from tests.simulation.test_broken_control import SOUND, broken

TOPIC = "sandik.night.control"


def set_aside(value: bytes | None) -> Quarantined | None:
    record = Written(3, value or b"", key=b"order")
    verdict = Judge("night", "e1e1", "test", election(), []).judge(3, value, 0)
    return broken_control(TOPIC, record, verdict)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"NaN",
        b'"\\ud800"',
        b"[" * 100_000,
        b'{"type": 5}',
        b'{"type": null}',
        b'{"type": ["held"]}',
        b'{"type": "held", "v": 1}',
        b'{"type": "epoch_begun", "epoch": []}',
        b'{"type": "epoch_begun", "epoch": "e2e2"}',
        b'{"type": "replay_moved", "clock": 1e999}',
        b'{"type": "run_restored", "incarnation": "../.."}',
        b'{"type": "run_created", "epoch": {}}',
        b'{"type": "held", "type": 7}',
        b'{"type": "released", "contest": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_cannot_be_read_is_set_aside_with_its_bytes_and_position(value: bytes) -> None:
    found = set_aside(value)

    assert found is not None
    assert (b"sandik.night.control/0/3", value[:MAX_KEPT_BYTES]) == (found.position, found.original)


@pytest.mark.parametrize("value", [orjson.dumps(record) for record in SOUND[:2]] + [written(EmbargoSet)])
def test_what_can_be_read_is_not(value: bytes) -> None:
    assert set_aside(value) is None


@pytest.mark.parametrize("value", [b'{"type": "of a later release"}', b'{"v": 2, "type": "held"}'])
def test_what_another_release_wrote_is_not(value: bytes) -> None:
    assert set_aside(value) is None


def test_an_order_that_nobody_trusted_has_signed_is_the_audits_matter() -> None:
    verdict = Judge("night", "e1e1", "live", election(), []).judge(0, written(EmbargoSet), 0)

    assert verdict is not None
    assert not verdict.counts
    assert broken_control(TOPIC, Written(0, written(EmbargoSet)), verdict) is None


@pytest.mark.parametrize("padding", [b"", b'{"type": "held", "reason": "'])
def test_of_the_largest_record_as_much_is_kept_as_fits(padding: bytes) -> None:
    value = padding + b"x" * 8_000_000
    found = set_aside(value)

    assert found is not None
    assert value[:MAX_KEPT_BYTES] == found.original
    assert f"of {len(value)} bytes the first {MAX_KEPT_BYTES} are here" in found.detail
    assert len(found.encode()) < MAX_QUARANTINE_BYTES


@given(st.none() | broken())
def test_whatever_it_is_it_can_be_written_and_is_no_statement_of_a_source(value: bytes | None) -> None:
    found = set_aside(value)
    if found is not None:
        assert found == Quarantined.model_validate_json(found.encode())
        assert set_aside_in(found) is None
