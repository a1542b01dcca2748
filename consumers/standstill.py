"""A reader that brings nothing any more, though the log has more: it would do so for the rest of the night.

A read that brings nothing is no error, and whoever waits for records asks for no others.
"""

from collections.abc import Mapping
from typing import Final

from schemas.errors import LogSilent

SILENT_S: Final = 30.0
SILENT_LOOKS: Final = 3
"""For how long, and at how many looks, a topic may bring nothing of what the log holds: an election takes seconds."""


class Standstill:
    """What is looked at again and again: how far a topic was read, and how far it goes."""

    def __init__(self) -> None:
        self._stood: Mapping[int, int] = {}
        self._since = 0.0
        self._looks = 0

    def behind(self, positions: Mapping[int, int], ends: Mapping[int, int], now: float) -> dict[int, int]:
        """Return by partition how many records the log holds behind these positions, at this moment (seconds).

        Raises `LogSilent` where all have stood still for long, with more to come.
        """
        behind = {partition: ends[partition] - at for partition, at in positions.items()}
        if positions != self._stood or not any(behind.values()):
            self._stood, self._since, self._looks = dict(positions), now, 0
        self._looks += 1
        if self._looks > SILENT_LOOKS and now - self._since > SILENT_S:
            raise LogSilent(f"The log holds {sum(behind.values())} records more, and brings none. Beginning anew.")
        return behind
