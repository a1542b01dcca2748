"""What is told of statements that are set aside, from tallies to the gateway's fold, beside a naive oracle."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from schemas.control import Order, QuarantineRejected, QuarantineReleased
from schemas.errors import UsageError
from schemas.quarantine import Quarantined, set_aside_in
from schemas.tally import Counted, Tally, encode, parse_tallies
from schemas.totals import Cell
from tabulation.counting.quarantine import Quarantine, assess
from tabulation.counting.tally_fold import TallyFold
from tests.builders import counted, small_election
from tests.gateway.nights import Written
from tests.schemas.orders import order

CELL = Cell("mayor", "aa", "tr/34/uskudar")
KEY = CELL.district.encode()
ELECTION = small_election()
DESK, ELSEWHERE = 0, 1
BOXES = (1001, 1001, 1002)


class Say(NamedTuple):
    """A source says something, under its district's key or another one."""

    box: int
    revision: int
    kurum: int
    misrouted: bool = False


class Settle(NamedTuple):
    """An operator settles the n-th thing that was set aside, counted round."""

    nth: int
    release: bool


class Restart(NamedTuple):
    """Everything is folded anew from its log."""


def says() -> st.SearchStrategy[Say]:
    return st.builds(
        Say,
        st.sampled_from(BOXES),
        st.sampled_from((1, 1, 2)),
        st.integers(1, 4),
        st.sampled_from((False, False, True)),
    )


def settles() -> st.SearchStrategy[Settle]:
    return st.builds(Settle, st.integers(0, 4), st.sampled_from((True, True, False)))


class Night:
    """The log of tallies, the quarantine topic and the orders, with the folds over them."""

    def __init__(self) -> None:
        self.tallies: list[Written] = []
        self.topic: list[Written] = []
        self.orders: list[Order] = []
        self.records: list[Quarantined] = []
        self.begin()

    def begin(self) -> None:
        """Start aggregator and gateway anew: each reads its topics from the beginning."""
        self.fold = TallyFold(ELECTION, "t", lambda key: DESK if key == KEY else ELSEWHERE)
        self.gateway = Quarantine(ELECTION)
        for given_order in self.orders:
            self.gateway.apply_order(given_order)
        for record in self.topic:
            self.gateway.fold(record)
        for record in self.tallies:
            self.fold.apply(DESK, [record])

    def publish(self, event: Tally, key: bytes = KEY) -> None:
        record = Written(len(self.tallies), encode(event), key=key)
        self.tallies.append(record)
        for aside in self.fold.apply(DESK, [record]).quarantined:
            self.records.append(aside)
            self._append(aside.position, aside.encode())
        self._assess()

    def settle(self, nth: int, *, release: bool) -> None:
        if self.records:
            position = self.records[nth % len(self.records)].position.decode()
            given_order = order(QuarantineReleased if release else QuarantineRejected, position=position)
            try:
                event = self.gateway.released_by(given_order)
            except UsageError:
                return
            self.orders.append(given_order)
            self.gateway.apply_order(given_order)
            if event is not None:
                self.publish(event)

    def _assess(self) -> None:
        for record in self.records:
            found = set_aside_in(record)
            assert found is not None
            said = assess(found, record, self.fold)
            if self.gateway.assessment(said.position) != said:
                self._append(said.key, said.encode())

    def _append(self, key: bytes, value: bytes) -> None:
        self.topic.append(Written(len(self.topic), value, key=key))
        self.gateway.fold(self.topic[-1])


def standing(tallies: Sequence[Written]) -> dict[int, Counted]:
    """What stands of each box, worked out anew: the highest (revision, released), of equals the first in the log."""
    found: dict[int, Counted] = {}
    for record in tallies:
        event = _read(record)
        known = found.get(event.box)
        if record.key == KEY and (known is None or _order(event) > _order(known)):
            found[event.box] = event
    return found


def told(night: Night) -> set[str]:
    """What is newer than what stands, or contradicts it, and is in nobody's figures, worked out anew."""
    stands = standing(night.tallies)
    settled = {given_order.position for given_order in night.orders}  # type: ignore[union-attr]  # both kinds have one
    open_ones = set()
    for record in night.records:
        event = _read(night.tallies[record.offset])
        known = stands.get(event.box)
        is_shown = known is not None and (known.votes == event.votes or _order(known) > _order(event))
        if not is_shown and record.position.decode() not in settled:
            open_ones.add(record.position.decode())
    return open_ones


def _read(record: Written) -> Counted:
    (event,) = parse_tallies([record.value or b""])
    assert isinstance(event, Counted)
    return event


def _order(event: Counted) -> tuple[int, int]:
    return event.revision, event.released


def nights() -> st.SearchStrategy[list[Say | Settle | Restart]]:
    """First some statements, most of which contradict each other, then whatever may follow."""
    opening = st.lists(says(), min_size=3, max_size=8)
    rest = st.lists(st.one_of(says(), settles(), settles(), st.just(Restart())), max_size=15)
    return st.builds(lambda first, more: [*first, *more], opening, rest)


@given(nights())
@example([Say(1001, 1, 1), Say(1001, 1, 2), Say(1001, 1, 3), Settle(0, release=True), Settle(1, release=True)])
def test_what_is_told_as_set_aside_is_what_an_oracle_finds_and_a_release_stands_in_the_totals(
    steps: list[Say | Settle | Restart],
) -> None:
    """Whatever comes twice, contradicts, goes to the wrong place, is let out, rejected, or folded anew."""
    night = Night()
    for step in steps:
        if isinstance(step, Say):
            event = counted({"kurum": step.kurum}, box=step.box, revision=step.revision)
            night.publish(event, b"tr/34/adalar" if step.misrouted else KEY)
        elif isinstance(step, Restart):
            night.begin()
        else:
            before = len(night.tallies)
            night.settle(step.nth, release=step.release)
            for record in night.tallies[before:]:
                assert _read(record) == standing(night.tallies)[_read(record).box], "what was let out stands"
        stands = standing(night.tallies)
        ledger = night.fold.ledgers.get(CELL)
        assert sum(event.votes["kurum"] for event in stands.values()) == (ledger.sums.votes["kurum"] if ledger else 0)
        assert told(night) == {found.position for found in night.gateway.open.statements}
        here = night.gateway.open.here(*CELL)
        assert len(told(night)) == (here.count if here else 0)
        assert [] == night.gateway.uncounted
