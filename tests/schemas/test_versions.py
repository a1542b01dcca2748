"""A reader takes the version that it knows and no other, of every shape that crosses a process boundary."""

from collections.abc import Callable

import orjson
import pytest

from schemas.asides import Gate, Override, parse_gate, parse_notice, parse_override
from schemas.comparison import parse_comparison
from schemas.control import ORDER, EmbargoSet, EpochBegun, RunCreated, parse_control, parse_epoch
from schemas.definition import Election
from schemas.fields import other_version
from schemas.progress import (
    Late,
    PartitionProgress,
    ReplayMoved,
    Watermark,
    parse_late,
    parse_moved,
    parse_progress,
    parse_watermark,
)
from schemas.quarantine import Assessment, Quarantined, quarantined
from schemas.tally import Malformed, parse_tallies
from schemas.totals import Cell, parse_totals
from tests.builders import NIGHT, counted, reported, small_election, value_of, withdrawn
from tests.gateway.nights import totals
from tests.schemas.orders import EPOCH, RUN, written
from tests.schemas.test_asides import notice
from tests.schemas.test_comparison import comparison

CELL = Cell("mayor", "aa", "tr/34/uskudar")
GATE = Gate(**CELL._asdict(), gate=4, held=True)
OVERRIDE = Override(**CELL._asdict(), override=4, at=NIGHT, figures={})
CREATED = RunCreated(run="night", mode="test", epoch="e1e1", at=NIGHT, definition=small_election())
BEGUN = EpochBegun(run="night", epoch="e2e2", take=1, at=NIGHT)
MOVED = ReplayMoved(
    run=RUN, epoch=EPOCH, at=NIGHT, clock=NIGHT, speed=1.0, status="playing", first=NIGHT, last=NIGHT, positions=()
)
ASIDE = quarantined("conflict", "a test", topic="t", partition=0, offset=1, key=b"k", value=b"v")
ASSESSMENT = Assessment(position="t/0/1", verdict="newer")
LATE = Late(partition=1, offset=2)
WATERMARK = Watermark(owned_since=4, second=1, positions={1: 2})

Parse = Callable[[bytes], object]

SHAPES: dict[str, tuple[bytes, Parse]] = {
    "totals": (totals().encode(), parse_totals),
    "gate": (GATE.encode(), parse_gate),
    "override": (OVERRIDE.encode(), parse_override),
    "notice": (notice().encode(), parse_notice),
    "mark": (PartitionProgress(partition=1, mark=2).encode(), parse_progress),
    "late": (LATE.encode(), lambda value: parse_late(LATE.key, value)),
    "watermark": (WATERMARK.encode(), lambda value: parse_watermark(WATERMARK.key, value)),
    "comparison": (comparison().encode(), parse_comparison),
    "quarantined": (ASIDE.encode(), Quarantined.model_validate_json),
    "assessment": (ASSESSMENT.encode(), Assessment.model_validate_json),
    "order": (written(EmbargoSet, until=None), ORDER.validate_json),
    "run_created": (CREATED.encode(), parse_control),
    "epoch_begun": (BEGUN.encode(), parse_epoch),
    "replay_moved": (MOVED.encode(), parse_moved),
    "definition": (small_election().model_dump_json().encode(), Election.model_validate_json),
    "counted": (value_of(counted()), lambda value: parse_tallies([value])[0]),
    "withdrawn": (value_of(withdrawn()), lambda value: parse_tallies([value])[0]),
    "reported": (value_of(reported()), lambda value: parse_tallies([value])[0]),
}


def is_read(parse: Parse, value: bytes) -> bool:
    try:
        found = parse(value)
    except ValueError:
        return False
    return found is not None and not isinstance(found, Malformed)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_record_says_its_version_and_one_that_says_none_has_the_first(shape: str) -> None:
    value, parse = SHAPES[shape]
    record = orjson.loads(value)

    assert 1 == record.pop("v")
    assert is_read(parse, value)
    assert is_read(parse, orjson.dumps(record))
    assert other_version(value) is None
    assert other_version(orjson.dumps(record)) is None


@pytest.mark.parametrize("version", [2, 0, "1", 1.5, None, [1]])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_other_version_is_read(shape: str, version: object) -> None:
    value, parse = SHAPES[shape]
    other = orjson.dumps(orjson.loads(value) | {"v": version})

    assert not is_read(parse, other)
    assert str(version) == other_version(other)


@pytest.mark.parametrize("garbage", [b"", b"{", b"\xff", b"null", b"7", b"[]", b'"v"', b"{}", b'{"v":1}'])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_no_record_is_not_read(shape: str, garbage: bytes) -> None:
    assert not is_read(SHAPES[shape][1], garbage)
    assert other_version(garbage) is None


def test_what_lies_within_a_record_has_a_version_of_its_own() -> None:
    created = orjson.loads(CREATED.encode())
    later = orjson.dumps(created | {"definition": created["definition"] | {"v": 3}})

    assert (None, "3") == (other_version(later), other_version(later, "definition"))
    assert other_version(later, "mode") is None
    assert other_version(b"[]", "definition") is None
    assert other_version(None) is None
