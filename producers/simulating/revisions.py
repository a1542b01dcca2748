"""What one source says of one box in one race, revision by revision and when: the truth, or what errs from it. Pure."""

from dataclasses import dataclass
from math import log
from typing import Final, Literal, NamedTuple

from producers.chance import Chance
from producers.scenarios.scenario import StagedSource

Kind = Literal["true", "slip", "held", "withdrawn", "annulled", "act"]


class Statement(NamedTuple):
    """What one revision says. `by`: whose slip it is (a source's index), or which act's doing (an act's index)."""

    kind: Kind
    by: int = 0


TRUE: Final = Statement("true")
WITHDRAWN: Final = Statement("withdrawn")
ANNULLED: Final = Statement("annulled")

MOST_REVISIONS: Final = 16
"""Of one box from one source: a fault makes 3, a relay 1 more, each act 2."""

_MEND_MINUTES: Final = (4.0, 25.0, 240.0)
"""Until the next revision: at least, on average beyond that, at most."""


@dataclass(slots=True)
class Revisions:
    """A box's revisions: when each is due (seconds after the night's origin, rising), and what it says."""

    dues: list[int]
    statements: list[Statement]

    def mistake(self, statement: Statement, until: int) -> None:
        """Say this wherever the truth would be told before `until`; tell the truth then."""
        if self.dues[0] >= until:
            return
        for step, due in enumerate(self.dues):
            if due < until and self.statements[step] == TRUE:
                self.statements[step] = statement
        if self.statements[-1] == statement:
            self.dues.append(until)
            self.statements.append(TRUE)

    def annul(self, at: int, rerun_at: int, rerun: Statement) -> None:
        """Say no more from `at` on but that the box is annulled, and at `rerun_at` what the rerun gave."""
        kept = sum(due < at for due in self.dues)
        self.dues[kept:] = [at, rerun_at]
        self.statements[kept:] = [ANNULLED, rerun]

    def delay(self, since: int, until: int, caught_up: int) -> None:
        """Say nothing from `since` to `until`; say what would have come by `caught_up` between `until` and then."""
        for step, due in enumerate(self.dues):
            if since < due < caught_up:
                self.dues[step] = until + (due - since) * (caught_up - until) // (caught_up - since)
            if step:
                self.dues[step] = max(self.dues[step], self.dues[step - 1] + 1)

    def relayed(self, delay: int, slip: Statement | None, chance: Chance) -> "Revisions":
        """The same, passed on `delay` seconds later; with a slip of the relay's own first, mended after a while."""
        dues = [due + delay for due in self.dues]
        if slip is None:
            return Revisions(dues, list(self.statements))
        mended = dues[0] + _wait(chance)
        for step, due in enumerate(dues):
            dues[step] = max(due, mended + step)
        return Revisions([self.dues[0] + delay, *dues], [slip, *self.statements])


def revisions_of(source: StagedSource, index: int, first: int, chance: Chance) -> Revisions:
    """What a source with these habits says of a box that it first reports at `first`."""
    says = _says(source, index, chance.random())
    dues = [first]
    for _ in says[1:]:
        dues.append(dues[-1] + _wait(chance))
    return Revisions(dues, says)


def _says(source: StagedSource, index: int, drawn: float) -> list[Statement]:
    """The revisions that a number from 0 to 1 stands for: most boxes are reported once, and rightly."""
    habits = (
        (source.typo, [Statement("slip", index), TRUE]),
        (source.unattributed, [Statement("held", index), TRUE]),
        (source.withdrawn, [TRUE, WITHDRAWN, TRUE]),
        (source.lasting, [Statement("slip", index)]),
    )
    for share, says in habits:
        if drawn < share:
            return says
        drawn -= share
    return [TRUE]


def _wait(chance: Chance) -> int:
    shortest, mean, longest = _MEND_MINUTES
    return int(60 * min(longest, shortest - mean * log(1 - chance.random())))
