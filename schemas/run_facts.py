"""What a fold asks of a run: what it is about, and in which take of which log it is."""

from typing import Protocol

from schemas.control import Mode
from schemas.definition import Election


class RunFacts(Protocol):
    """A run, without where its records are. `take` and `partitions` are those of its topics."""

    @property
    def name(self) -> str: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def epoch(self) -> str: ...
    @property
    def take(self) -> int: ...
    @property
    def partitions(self) -> int: ...
    @property
    def definition(self) -> Election: ...
