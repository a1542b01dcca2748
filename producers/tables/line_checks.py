"""What is checked of a table's lines: which cannot be used, and whether total rows are the sum of lines. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from producers.tables.notation import Numbers, SetAside
from schemas.errors import TableError
from schemas.spelling import fold

SHOWN_FAULTS: Final = 20
"""How many faulty lines a message names: a screenful. The rest are counted."""

TOTAL_WORDS: Final = ("toplam", "toplamı", "toplamları", "yekûn", "total", "totals", "subtotal", "sum")
"""Words for a sum, in Turkish and in English: a row is a total row where its unit's name has one of them in it."""

_MAX_TOTAL: Final = 10**12
"""The largest figure that is read from a total row: more than there are people."""


def bounded(sentences: Sequence[str]) -> list[str]:
    """Return the first `SHOWN_FAULTS` of many sentences, and one that says how many more there are."""
    more = len(sentences) - SHOWN_FAULTS
    return [*sentences[:SHOWN_FAULTS], *([f"… and {more} more"] if more > 0 else [])]


@dataclass(slots=True)
class LineFaults:
    """What is wrong with single lines of a table. `line` is what messages call a line, such as `record`.

    `aside`: sentences on lines that are no fault of the file, but of which a count is not known.
    """

    file: str
    line: str = "line"
    count: int = 0
    shown: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    def add(self, number: int, what: object) -> None:
        """Note what is wrong with the line of this number, or why it is set aside."""
        if isinstance(what, SetAside):
            self.aside.append(f"{self.line} {number} is set aside: {what}")
            return
        self.count += 1
        if self.count <= SHOWN_FAULTS:
            self.shown.append(f"  {self.line} {number}: {what}")

    def add_table(self, what: str) -> None:
        """Note what is wrong with the table in more than one line."""
        self.count += 1
        if self.count <= SHOWN_FAULTS:
            self.shown.append(f"  {what}")

    def message(self, consequence: str) -> str:
        """Return how many lines cannot be used, what follows from that, and the first of them."""
        more = f"\n  … and {self.count - SHOWN_FAULTS} more" if self.count > SHOWN_FAULTS else ""
        lines = f"1 {self.line}" if self.count == 1 else f"{self.count} {self.line}s"
        return f"{lines} of {self.file} cannot be used; {consequence}\n" + "\n".join(self.shown) + more

    def raise_any(self) -> None:
        """Raise `TableError` if any line could not be used."""
        if self.count:
            raise TableError(self.message("nothing was published. Mend the file and try again."))


class LineFigures(NamedTuple):
    """The figures of a line, by the name of what they count. Only lines of the same `group` may be added up."""

    line: int
    group: str
    figures: Mapping[str, int]


def names_total(names: Iterable[str], words: Iterable[str] = TOTAL_WORDS) -> bool:
    """Return whether one of these names of units has one of the words in it, whatever their case and accents."""
    known = [f"-{key}-" for key in map(fold, words) if key]
    texts = [f"-{fold(name)}-" for name in names]
    return any(word in text for text in texts for word in known)


def total_figures(texts: Mapping[str, str], numbers: Numbers) -> dict[str, int]:
    """Return the numbers of a total row by their names; what is no number, such as a share, is left out."""
    figures: dict[str, int] = {}
    for name, text in texts.items():
        try:
            figures[name] = numbers.parse(text, name, _MAX_TOTAL)
        except ValueError:
            continue
    return figures


def check_totals(totals: Sequence[LineFigures], lines: Sequence[LineFigures], line: str = "line") -> list[str]:
    """Return a sentence for each total row that is wrong: its line, its figure, and what the lines come to.

    A row may be the sum of the lines between it and the total row before it, of those between it and the next, of all
    lines above it, or of the whole table. Of a row that is none of these, the differences to the nearest of them are
    named. A figure that no line has is not compared.

    Args:
        totals: The total rows.
        lines: The lines that are no total rows.
        line: What the sentences call a line.

    """
    wrong = [(total, differences) for total in totals if (differences := _differences(total, totals, lines))]
    return [f"{line} {total.line} is a total row, but {differences}" for total, differences in wrong]


def _differences(total: LineFigures, totals: Sequence[LineFigures], lines: Sequence[LineFigures]) -> str:
    lines = [each for each in lines if each.group == total.group]
    before = max((other.line for other in totals if other.line < total.line), default=0)
    after = min((other.line for other in totals if other.line > total.line), default=None)
    above = [each for each in lines if each.line < total.line]
    sums = [
        _sum(scope)
        for scope in (
            [each for each in above if each.line > before],
            [each for each in lines if each.line > total.line and (after is None or each.line < after)],
            above,
            lines,
        )
        if scope
    ]
    nearest = min((_compared(total.figures, each) for each in sums), key=len, default=[])
    return "; ".join(nearest)


def _sum(lines: Iterable[LineFigures]) -> Counter[str]:
    figures: Counter[str] = Counter()
    for each in lines:
        figures.update(each.figures)
    return figures


def _compared(total: Mapping[str, int], summed: Mapping[str, int]) -> list[str]:
    return [
        f"{name} is {count} and the lines come to {summed[name]}"
        for name, count in total.items()
        if name in summed and summed[name] != count
    ]
