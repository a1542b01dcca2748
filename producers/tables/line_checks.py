"""What is checked of a table's lines: those that cannot be used are listed, total rows are compared with sums. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from schemas.errors import TableError
from schemas.turkish import slug

SHOWN_FAULTS: Final = 20
"""How many faulty lines a message names: a screenful. The rest are counted."""


def bounded(sentences: Sequence[str]) -> list[str]:
    """The first of many sentences, a screenful, and how many more there are."""
    more = len(sentences) - SHOWN_FAULTS
    return [*sentences[:SHOWN_FAULTS], *([f"… and {more} more"] if more > 0 else [])]


@dataclass(slots=True)
class LineFaults:
    """What is wrong with single lines of a table. `line` is what a message calls one of them."""

    file: str
    line: str = "line"
    count: int = 0
    shown: list[str] = field(default_factory=list)

    def add(self, number: int, what: object) -> None:
        """Note what is wrong with one line."""
        self.count += 1
        if self.count <= SHOWN_FAULTS:
            self.shown.append(f"  {self.line} {number}: {what}")

    def told(self, what_then: str) -> str:
        """How many lines cannot be used, what follows from that, and the first of them."""
        more = f"\n  … and {self.count - SHOWN_FAULTS} more" if self.count > SHOWN_FAULTS else ""
        lines = f"1 {self.line}" if self.count == 1 else f"{self.count} {self.line}s"
        return f"{lines} of {self.file} cannot be used; {what_then}\n" + "\n".join(self.shown) + more

    def raise_any(self) -> None:
        """Raise `TableError` if any line could not be used."""
        if self.count:
            raise TableError(self.told("nothing was published. Mend the file and try again."))


TOTAL_WORDS: Final = ("toplam", "toplamı", "toplamları", "yekûn", "total", "totals", "subtotal", "sum")
"""What the unit of such a row is called by, in Turkish and in English: a name with one of these words in it."""


class Part(NamedTuple):
    """What a line of a table says: figures by the name of what they count, of one `group`: what may be added up."""

    line: int
    group: str
    figures: Mapping[str, int]


def names_total(names: Iterable[str], words: Iterable[str] = TOTAL_WORDS) -> bool:
    """Whether one of these names of units has one of the words in it, whatever their case and accents."""
    known = {slug(word) for word in words}
    return any(known.intersection(slug(name).split("-")) for name in names)


def differing(totals: Sequence[Part], parts: Sequence[Part], line: str = "line") -> list[str]:
    """What is wrong with total rows, a sentence for each: its line, what it says, and what the lines come to.

    `line` is what a message calls one of them.

    A row may be the sum of the lines since the total row before it, of those up to the next, of all above it or of the
    whole table. Of a row that is none of these, the difference to the nearest is told. A figure that no line has is
    not compared.
    """
    wrong = [(total, told) for total in totals if (told := _differs(total, totals, parts))]
    return [f"{line} {total.line} is a total row, but {told}" for total, told in wrong]


def _differs(total: Part, totals: Sequence[Part], parts: Sequence[Part]) -> str:
    parts = [part for part in parts if part.group == total.group]
    before = max((other.line for other in totals if other.line < total.line), default=0)
    after = min((other.line for other in totals if other.line > total.line), default=None)
    above = [part for part in parts if part.line < total.line]
    sums = [
        _sum(scope)
        for scope in (
            [part for part in above if part.line > before],
            [part for part in parts if part.line > total.line and (after is None or part.line < after)],
            above,
            parts,
        )
        if scope
    ]
    found = min((_differences(total.figures, each) for each in sums), key=len, default=[])
    return "; ".join(found)


def _sum(parts: Iterable[Part]) -> Counter[str]:
    figures: Counter[str] = Counter()
    for part in parts:
        figures.update(part.figures)
    return figures


def _differences(total: Mapping[str, int], summed: Mapping[str, int]) -> list[str]:
    return [
        f"{name} is {count} and the lines come to {summed[name]}"
        for name, count in total.items()
        if name in summed and summed[name] != count
    ]
