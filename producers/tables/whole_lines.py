"""Lines that each say all of a box, in plain digits, made into events at once. Pure.

Nearly every line of a country's table is such a line. What does not depend on the line is worked out once: which cell
is which count, what is taken for one that is absent, and, of each name of a unit, its id, its boxes and its ballot. Any
other line is nothing to this module: whoever reads lines one by one then says what is wrong with it, or what it means.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Final

from producers.tables.drafts import StatementKey
from producers.tables.mapping import ReportMapping
from producers.tables.mapping_sections import Column
from producers.tables.notation import taker
from schemas.definition import Election
from schemas.fields import MAX_BOX_COUNT
from schemas.tally import Counted

_SUMMED: Final = -1
"""The place of a count that is the sum of others."""

_NONE: Final = -2
"""The place of a count of which there is none."""

_REST: Final = -3
"""The place of `invalid` where it is what is cast and not valid."""


class WholeLines:
    """Makes events of lines whose unit and time were in a line before that somebody read in full.

    Call order: `learn` what a line was found to be, then `event` for those after it.
    """

    def __init__(self, mapping: ReportMapping, definition: Election, columns: Mapping[str, int]) -> None:
        """`columns` has the places of the mapping's columns."""
        self._definition, self._source = definition, mapping.report.source
        named, report = mapping.columns, mapping.report
        names = [report.contest.column] if isinstance(report.contest, Column) else []
        names += [mapping.units.district, *([mapping.units.province] if mapping.units.province else [])]
        names += [report.at.column] if isinstance(report.at, Column) else []
        self._names: Callable[[Sequence[str]], Hashable] = itemgetter(*(columns[name] for name in names))
        self._moments: dict[Hashable, tuple[str, str, frozenset[int], datetime, int]] = {}
        counts = ("registered", "cast", "valid", "invalid", "unattributed")
        there = [name for name in counts if getattr(named, name) is not None]
        wanted = [str(named.box), *(getattr(named, name) for name in there), *mapping.votes]
        self._cells = taker([columns[name] for name in wanted])
        self._first_vote = 1 + len(there)
        self._candidates = tuple(mapping.votes.values())
        absent = {
            "registered": _NONE,
            "cast": _SUMMED,
            "valid": _SUMMED,
            "invalid": _NONE if mapping.absent.invalid == "none" else _REST,
            "unattributed": _NONE,
        }
        self._places = tuple(there.index(name) + 1 if name in there else absent[name] for name in counts)

    @staticmethod
    def are_in(mapping: ReportMapping) -> bool:
        """Return whether a table has such lines: of one box each, with a column for each candidate, and no more."""
        report, columns = mapping.report, mapping.columns
        is_plain = mapping.is_of_boxes and columns.votes is None and columns.blank is None and mapping.status is None
        return is_plain and report.correction is None and not isinstance(report.revision, Column)

    def learn(self, cells: Sequence[str], key: StatementKey, at: datetime, boxes: frozenset[int]) -> None:
        """Note of which statement a line was; others with the same names and time are of the same unit."""
        if not self._definition.given(key.contest, self._source).is_plain:
            return
        if self._definition.ballot_ids(key.contest, key.district).issuperset(self._candidates):
            self._moments[self._names(cells)] = key.contest, key.district, boxes, at, key.revision

    def event(self, cells: Sequence[str]) -> tuple[StatementKey, Counted] | None:
        """Return what a line says; `None` where it is not in plain digits, contradicts itself or is of another unit."""
        known = self._moments.get(self._names(cells))
        if known is None:
            return None
        texts = self._cells(cells)
        digits = "".join(texts)
        if not (digits.isdecimal() and digits.isascii()):
            return None
        try:
            numbers = list(map(int, texts))
        except ValueError:  # a cell is empty, or longer than any number
            return None
        contest, district, boxes, at, revision = known
        votes = numbers[self._first_vote :]
        counts = self._counts(numbers, votes)
        box = numbers[0]
        if box not in boxes or counts is None:
            return None
        registered, cast, valid, invalid, unattributed = counts
        return StatementKey(contest, district, box, revision), Counted(
            type="counted" if revision == 1 else "corrected",
            contest=contest,
            district=district,
            box=box,
            source=self._source,
            revision=revision,
            at=at,
            registered=registered,
            cast=cast,
            valid=valid,
            invalid=invalid,
            unattributed=unattributed,
            votes=dict(zip(self._candidates, votes, strict=True)),
        )

    def _counts(self, numbers: Sequence[int], votes: Sequence[int]) -> tuple[int, int, int, int, int] | None:
        """Return the counts in their order, `None` where one is none that there can be."""
        at_registered, at_cast, at_valid, at_invalid, at_unattributed = self._places
        unattributed = numbers[at_unattributed] if at_unattributed > 0 else 0
        valid = numbers[at_valid] if at_valid > 0 else sum(votes) + unattributed
        if at_invalid != _REST:
            invalid = numbers[at_invalid] if at_invalid > 0 else 0
            cast = numbers[at_cast] if at_cast > 0 else valid + invalid
        else:
            cast = numbers[at_cast]
            invalid = cast - valid
        if invalid < 0 or max(numbers) > MAX_BOX_COUNT or valid > MAX_BOX_COUNT or cast > MAX_BOX_COUNT:
            return None
        return numbers[at_registered] if at_registered > 0 else 0, cast, valid, invalid, unattributed
