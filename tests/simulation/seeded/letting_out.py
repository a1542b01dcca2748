"""An operator who lets out of quarantine what contradicts what stands, or what was not defined.

The record is published again, mended where it has to be, and an order says so.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import orjson

from eventlog.port import Entry
from eventlog.run import RunTopics
from schemas.quarantine import Quarantined, Statement, repaired, statement_in
from schemas.tally import encode
from tests.simulation.seeded.operators import Operators
from tests.simulation.seeded.store import Store


class LettingOut:
    """Lets out one record after the other, each once. What was begun and not done is begun again, and is the same."""

    def __init__(self, store: Store, topics: RunTopics, operators: Operators, reasons: Collection[str]) -> None:
        self._store = store
        self._topics = topics
        self._operators = operators
        self._reasons = reasons
        self._seen: set[bytes] = set()
        self._earlier: Counter[Statement] = Counter()
        self._begun: Mapping[str, Sequence[Entry]] = {}

    def next(self) -> Mapping[str, Sequence[Entry]]:
        """What to append, by topic; nothing where nothing waits in quarantine."""
        if not self._begun:
            self._begun = self._some()
        return self._begun

    def done(self) -> None:
        """It is in the log."""
        self._begun = {}

    def _some(self) -> Mapping[str, Sequence[Entry]]:
        for record in self._store.partitions(self._topics.quarantine.name)[0].history:
            fields = orjson.loads(record.value or b"")
            if fields.get("reason") not in self._reasons or record.key in self._seen:
                continue
            self._seen.add(record.key or b"")
            quarantined = Quarantined.model_validate(fields)
            statement = statement_in(quarantined)
            if statement is None:
                continue
            event = repaired(quarantined, self._earlier[statement])
            self._earlier[statement] += 1
            return {
                self._topics.tallies.name: [Entry(event.district.encode(), encode(event))],
                self._topics.control.name: [self._operators.letting_out(quarantined.position.decode())],
            }
        return {}
