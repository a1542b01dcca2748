"""What a seed's night is about: what feeds say, what operators order, when. No faults."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import orjson

from eventlog.port import Entry
from schemas.control import EmbargoLifted, EmbargoSet, Held, Order, Released, Taken
from schemas.tally import Counted, Withdrawn
from schemas.trust import encode_order
from tests.builders import DISTRICTS, NIGHT, counted, small_election, value_of, withdrawn

RUN: Final = "night"
EPOCH: Final = "e1e1"
BOXES: Final = 5
CONTESTS: Final = ("mayor", "district_mayor")
SOURCES: Final = ("aa", "anka")
ELECTION: Final = small_election(boxes=BOXES)
STORY_S: Final = 16.0
"""How long feeds and operators have something to say."""

_CANDIDATES: Final = {"mayor": ("imamoglu", "kurum", "bagimsiz_1"), "district_mayor": ("chp",)}


@dataclass(frozen=True)
class Said:
    """Something that goes into the log at a virtual second."""

    at_s: float
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Story:
    """One night. `statements` is everything that feeds say, once each; `garbage` what is no statement."""

    feeds: tuple[Said, ...]
    orders: tuple[Said, ...]
    statements: tuple[Counted | Withdrawn, ...]
    garbage: frozenset[bytes]


class _Teller:
    """Makes up one night."""

    def __init__(self, seed: object) -> None:
        self.chance = random.Random(f"story-{seed}")
        self.statements: list[Counted | Withdrawn] = []
        self.garbage: set[bytes] = set()
        self._revisions: dict[tuple[str, str, str, int], int] = {}

    def burst(self) -> tuple[Entry, ...]:
        """Some new statements, in any order, with some that were made before and some that are none."""
        chance = self.chance
        said = [self._statement() for _ in range(chance.randint(1, 8))]
        self.statements += said
        if chance.random() < 0.3:
            said += chance.choices(self.statements, k=3)
        chance.shuffle(said)
        entries = [Entry(one.district.encode(), value_of(one)) for one in said]
        if chance.random() < 0.15:
            entries.insert(chance.randrange(len(entries) + 1), self._garbage())
        return tuple(entries)

    def order(self, number: int) -> Entry:
        """An operator's order."""
        kinds: list[type[Order]] = [Held, Held, Released, Taken, EmbargoSet, EmbargoLifted]
        kind = self.chance.choice(kinds)
        return order_entry(kind, f"order-{number:04}", self.chance)

    def _statement(self) -> Counted | Withdrawn:
        chance = self.chance
        contest, source = chance.choice(CONTESTS), chance.choice(SOURCES)
        district, box = chance.choice(DISTRICTS), chance.randint(1001, 1000 + BOXES)
        key = (contest, source, district, box)
        self._revisions[key] = revision = self._revisions.get(key, 0) + chance.randint(1, 3)
        at = NIGHT + timedelta(seconds=chance.randint(-3600, 0))
        where: dict[str, Any] = {"contest": contest, "source": source, "district": district, "box": box}
        where |= {"revision": revision, "at": at}
        if chance.random() < 0.15:
            return withdrawn(type=chance.choice(["withdrawn", "annulled"]), **where)
        votes = {name: chance.randint(0, 200) for name in _CANDIDATES[contest]}
        return counted(votes, registered=chance.randint(100, 400), **where)

    def _garbage(self) -> Entry:
        chance = self.chance
        district = chance.choice(DISTRICTS).encode()
        fields = orjson.loads(value_of(counted(district=district.decode()))) | {"box": 9_000 + len(self.garbage)}
        value = chance.choice([chance.randbytes(12), orjson.dumps(fields)])
        self.garbage.add(value)
        return Entry(district, value)


def order_entry(kind: type[Order], order_id: str, chance: random.Random | None = None) -> Entry:
    """An order as a record; about everything, where no chance says of which part it is."""
    fields: dict[str, Any] = {"run": RUN, "epoch": EPOCH, "id": order_id, "by": "Ayşe", "at": NIGHT, "reason": "a test"}
    if kind in {Held, Released, Taken} and chance is not None:
        fields |= {"contest": chance.choice(CONTESTS), "unit": chance.choice([None, "tr/34", *DISTRICTS])}
    return Entry(b"order", encode_order(kind(**fields), None))


def release_everything() -> tuple[Entry, ...]:
    """What ends every hold and every embargo."""
    lifted = order_entry(EmbargoLifted, "the-end-0")
    fields: dict[str, Any] = {"run": RUN, "epoch": EPOCH, "by": "Ayşe", "at": NIGHT, "reason": "the end"}
    released = [Released(id=f"the-end-{contest}", contest=contest, unit=None, **fields) for contest in CONTESTS]
    return (lifted, *(Entry(b"order", encode_order(one, None)) for one in released))


def tell(seed: object) -> Story:
    """The story of a seed."""
    teller = _Teller(seed)
    chance = teller.chance
    times = sorted(round(chance.uniform(0, STORY_S), 3) for _ in range(chance.randint(8, 25)))
    feeds = tuple(Said(at_s, teller.burst()) for at_s in times)
    ordered = sorted(round(chance.uniform(0, STORY_S), 3) for _ in range(chance.choice([0, 2, 5])))
    orders = tuple(Said(at_s, (teller.order(number),)) for number, at_s in enumerate(ordered))
    return Story(feeds, orders, tuple(teller.statements), frozenset(teller.garbage))
