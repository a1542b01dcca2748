"""What a seed's night is about: what feeds say, what operators order, when. No faults."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import orjson
from msgspec import structs

from eventlog.port import Entry
from schemas.tally import Counted, Withdrawn
from tests.builders import DISTRICTS, NIGHT, counted, small_election, value_of, withdrawn
from tests.simulation.seeded.amending import Amending, Amendment
from tests.simulation.seeded.operators import CANDIDATES, CONTESTS, SOURCES, Operators

BOXES: Final = 5
ELECTION: Final = small_election(boxes=BOXES)
PARTITIONS: Final = 3
STORY_S: Final = 16.0
"""How long feeds and operators have something to say, in most nights."""

LONG_STORY_S: Final = 32.0
"""The same in some: as much is said, but what was said first is old enough to be compacted away before the end."""


@dataclass(frozen=True)
class Said:
    """Something that goes into the log at a virtual second: entries, or what an operator lets out of quarantine.

    Entries that order an `amendment` are followed by that among the tallies.
    """

    at_s: float
    entries: tuple[Entry, ...] = ()
    amendment: Amendment | None = None


@dataclass(frozen=True)
class Story:
    """One night. `garbage` is what is no statement, `ignored` the orders of somebody whom nobody trusts."""

    feeds: tuple[Said, ...]
    orders: tuple[Said, ...]
    operators: Operators
    amending: Amending
    garbage: frozenset[bytes]
    ignored: frozenset[bytes]
    length_s: float

    @property
    def amendments(self) -> tuple[Said, ...]:
        """What is ordered that amends the definition, and counts."""
        return tuple(said for said in self.orders if said.amendment is not None)


class _Teller:
    """Makes up one night."""

    def __init__(self, seed: object) -> None:
        self.chance = random.Random(f"story-{seed}")
        self.statements: list[Counted | Withdrawn] = []
        self.garbage: set[bytes] = set()
        self.ignored: set[bytes] = set()
        self.operators = Operators(seed)
        self.amending = Amending(seed, ELECTION)
        self._revisions: dict[tuple[str, str, str, int], int] = {}

    def burst(self) -> tuple[Entry, ...]:
        """Some new statements, in any order, with some that were made before and some that are none."""
        chance = self.chance
        said = [self._statement() for _ in range(chance.randint(1, 8))]
        self.statements += said
        if chance.random() < 0.3:
            said += chance.choices(self.statements, k=3)
        if chance.random() < 0.2:
            said.append(self._contradiction())
        chance.shuffle(said)
        entries = [Entry(one.district.encode(), value_of(one)) for one in said]
        if chance.random() < 0.15:
            entries.insert(chance.randrange(len(entries) + 1), self._garbage())
        if self.amending.is_forged():
            entries.append(self.amending.forged(PARTITIONS))
        return tuple(entries)

    def amendments(self, length_s: float) -> list[Said]:
        """What is amended, and what is let out for it afterwards."""
        chance, said = self.amending.chance, []
        times = sorted(round(chance.uniform(0, length_s), 3) for _ in self.amending.amendments)
        for at_s, amendment in zip(times, self.amending.amendments, strict=True):
            for entry, counts in self.amending.orders(amendment, self.operators):
                said.append(Said(at_s, (entry,), amendment if counts else None))
                if not counts:
                    self.ignored.add(entry.value or b"")
            said += [Said(min(length_s, at_s + after_s)) for after_s in (1.0, 2.0, 2.5)]
        return said

    def order(self, number: int) -> tuple[Entry, ...]:
        """An operator's order; none for what is let out of quarantine."""
        if self.chance.random() < 0.15:
            return ()
        entry, counts = self.operators.order(number, self.chance)
        if not counts:
            self.ignored.add(entry.value or b"")
        return (entry,)

    def _contradiction(self) -> Counted | Withdrawn:
        """What was said before, at the same revision and with another count."""
        said = self.chance.choice(self.statements)
        return structs.replace(said, registered=said.registered + 1_000) if isinstance(said, Counted) else said

    def _statement(self) -> Counted | Withdrawn:
        chance = self.chance
        contest, source = chance.choice(CONTESTS), chance.choice(SOURCES)
        district, box = chance.choice(DISTRICTS), chance.randint(1001, 1000 + BOXES)
        newcomers: list[str] = []
        if self.amending.is_strange():
            district, box = self.amending.place() or (district, box)
            newcomers = self.amending.newcomers(contest, district)
        key = (contest, source, district, box)
        self._revisions[key] = revision = self._revisions.get(key, 0) + chance.randint(1, 3)
        at = NIGHT + timedelta(seconds=chance.randint(-3600, 0))
        where: dict[str, Any] = {"contest": contest, "source": source, "district": district, "box": box}
        where |= {"revision": revision, "at": at}
        if chance.random() < 0.15:
            return withdrawn(type=chance.choice(["withdrawn", "annulled"]), **where)
        votes = {name: chance.randint(0, 200) for name in (*CANDIDATES[contest], *newcomers)}
        return counted(votes, registered=chance.randint(100, 400), **where)

    def _garbage(self) -> Entry:
        chance = self.chance
        district = chance.choice(DISTRICTS).encode()
        fields = orjson.loads(value_of(counted(district=district.decode()))) | {"box": 9_000 + len(self.garbage)}
        value = chance.choice([chance.randbytes(12), orjson.dumps(fields)])
        self.garbage.add(value)
        return Entry(district, value)


def tell(seed: object) -> Story:
    """The story of a seed."""
    teller = _Teller(seed)
    chance = teller.chance
    length_s = chance.choice([STORY_S, STORY_S, STORY_S, LONG_STORY_S])
    times = sorted(round(chance.uniform(0, length_s), 3) for _ in range(chance.randint(8, 25)))
    feeds = tuple(Said(at_s, teller.burst()) for at_s in times)
    ordered = sorted(round(chance.uniform(0, length_s), 3) for _ in range(chance.choice([0, 3, 8])))
    orders = tuple(Said(at_s, teller.order(number)) for number, at_s in enumerate(ordered))
    if teller.amending:
        orders = tuple(sorted((*orders, *teller.amendments(length_s)), key=lambda said: said.at_s))
    garbage, ignored = frozenset(teller.garbage), frozenset(teller.ignored)
    return Story(feeds, orders, teller.operators, teller.amending, garbage, ignored, length_s)
