"""Lines of a table that cannot be used, as its author is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.errors import TableError

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
