"""What a run has of a table's boxes already: which of the table's statements could not count any more. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.tally import Counted, Withdrawn

Box = tuple[str, int]
"""A district and a box's number."""


@dataclass(slots=True)
class BoxHistory:
    """The statements that one source has made of one contest's boxes.

    `highest` is the highest revision among them, 0 before the first.
    """

    highest: int = 0
    _newest: dict[Box, int] = field(default_factory=dict)
    _statements: dict[tuple[Box, int], int] = field(default_factory=dict)

    def add(self, tally: Counted | Withdrawn) -> None:
        """Take note of a statement that is in the log."""
        box = tally.district, tally.box
        self.highest = max(self.highest, tally.revision)
        self._newest[box] = max(self._newest.get(box, 0), tally.revision)
        if not tally.released:
            self._statements.setdefault((box, tally.revision), _content(tally))

    def cannot_count(self, events: Iterable[Counted]) -> list[str]:
        """What keeps boxes of a table from counting, a sentence for each; of a box its newest event is asked about.

        What the log has word for word may be sent again.
        """
        last: dict[Box, Counted] = {}
        for event in events:
            box = event.district, event.box
            if box not in last or last[box].revision < event.revision:
                last[box] = event
        return [fault for box, event in last.items() if (fault := self._outdone(box, event))]

    def _outdone(self, box: Box, event: Counted) -> str:
        newest = self._newest.get(box, 0)
        before = self._statements.get((box, event.revision))
        if event.revision > newest or before == _content(event):
            return ""
        what = f"box {event.box} of {event.district}"
        if before is not None:
            return f"{what} was published before at revision {event.revision} with other counts"
        return f"{what} was published before at revision {newest}, which is higher than {event.revision}"


def _content(tally: Counted | Withdrawn) -> int:
    """Equal for statements that say the same, whenever they say it."""
    if isinstance(tally, Withdrawn):
        return hash(tally.type)
    votes = frozenset((candidate, count) for candidate, count in tally.votes.items() if count)
    return hash((tally.registered, tally.cast, tally.valid, tally.invalid, tally.unattributed, votes))
