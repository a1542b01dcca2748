"""What a replay takes from an archive at once."""

import pytest

from producers.replaying.inputs import ArchivedBatch, ArchiveReader
from schemas.amendments import AMENDED_KEY

TALLY = b"tr/34/sile"


@pytest.mark.parametrize(
    ("keys", "at", "end", "alike"),
    [
        ([TALLY, TALLY, TALLY], 0, 3, 3),
        ([TALLY, TALLY, TALLY], 1, 2, 2),
        ([TALLY, AMENDED_KEY, TALLY], 0, 3, 1),
        ([TALLY, AMENDED_KEY, AMENDED_KEY, TALLY], 1, 4, 3),
        ([TALLY, AMENDED_KEY, TALLY, TALLY], 2, 4, 4),
        ([AMENDED_KEY], 0, 1, 1),
    ],
)
async def test_amendments_and_tallies_are_never_taken_together(
    keys: list[bytes], at: int, end: int, alike: int
) -> None:
    size = len(keys)
    reader = ArchiveReader(iter([ArchivedBatch([0] * size, [0] * size, keys, [b"{}"] * size)]))
    await reader.head()
    reader.at = at
    assert reader.is_at_amendment == (keys[at] == AMENDED_KEY)
    assert reader.alike(end) == alike
    assert [entry.key for entry in reader.take(alike)] == keys[at:alike]


def test_before_the_first_batch_there_is_nothing_to_take() -> None:
    reader = ArchiveReader(iter([]))
    assert not reader.is_at_amendment
    assert reader.alike(0) == 0
