from typing import Any

import pytest

from schemas.errors import UsageError
from schemas.mending import MENDABLE, mended
from schemas.quarantine import REASONS, Quarantined, Reason, quarantined
from schemas.tally import Tally, encode
from tests.builders import counted, reported, withdrawn


def set_aside(reason: Reason, value: bytes) -> Quarantined:
    return quarantined(reason, "a test", topic="t", partition=0, offset=1, key=b"k", value=value)


@pytest.mark.parametrize(
    ("event", "becomes"),
    [
        (counted(revision=3), {"type": "corrected", "revision": 4}),
        (withdrawn(revision=3), {"revision": 4}),
        (reported(revision=3), {"type": "report_corrected", "revision": 4}),
    ],
)
def test_of_two_statements_the_released_one_is_a_revision_later(event: Tally, becomes: dict[str, Any]) -> None:
    out = mended(set_aside("conflict", encode(event)))

    assert becomes == {name: getattr(out, name) for name in becomes}
    assert [(event.contest, event.district, event.at)] == [(out.contest, out.district, out.at)]


def test_a_report_that_goes_backwards_is_released_as_a_correction() -> None:
    out = mended(set_aside("backwards", encode(reported(revision=3))))

    assert ("report_corrected", 4) == (out.type, out.revision)


def test_what_went_the_wrong_way_is_released_as_it_was() -> None:
    assert counted() == mended(set_aside("misrouted", encode(counted())))


@pytest.mark.parametrize("reason", sorted(set(REASONS) - MENDABLE))
def test_what_no_word_can_set_right_is_not_released(reason: Reason) -> None:
    with pytest.raises(UsageError, match="Nothing could make it count"):
        mended(set_aside(reason, encode(counted())))


def test_what_cannot_be_read_is_not_released() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        mended(set_aside("misrouted", b"junk"))
