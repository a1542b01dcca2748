from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.port import Entry
from schemas.asides import OVERRIDE_PREFIX, Gate, Override, parse_gate
from schemas.control import Called, FigureOverridden, Held, Order, OverrideWithdrawn, Released, Taken
from schemas.figures import COUNTS
from schemas.totals import Cell, Totals
from tabulation.orders.effects import RELAY_MS, Holds, Overrides, RelayedOrders
from tests.builders import DISTRICTS, NIGHT, small_election
from tests.schemas.orders import order

ELECTION = small_election()
CELL = Cell("mayor", "aa", "tr/34/uskudar")
CONTESTS = [contest.id for contest in ELECTION.contests]
UNITS = [None, *ELECTION.unit_by_id]


@dataclass(frozen=True)
class Written:
    offset: int
    key: bytes
    value: bytes
    timestamp: int = 0


class Topic:
    """A totals topic, and the fold that an owner has of it."""

    def __init__(self) -> None:
        self.records: list[Written] = []

    def append(self, *said: Gate | Override | Totals, appended_ms: int = 0) -> None:
        for one in said:
            key = one.cell.key() if isinstance(one, Totals) else one.key
            self.records.append(Written(len(self.records), key, one.encode(), appended_ms))

    def stage(self) -> RelayedOrders:
        stage = RelayedOrders(ELECTION)
        for record in self.records:
            stage.fold(record)
        return stage


def ours(_: str) -> bool:
    return True


def fold(*orders: Order) -> Holds:
    holds = Holds(ELECTION)
    for offset, one in enumerate(orders, 1):
        holds.apply(offset, one)
    return holds


@st.composite
def orders(draw: st.DrawFn) -> list[Order]:
    holding = draw(st.lists(st.booleans(), max_size=12))
    return [
        order(Held if held else Released, contest=draw(st.sampled_from(CONTESTS)), unit=draw(st.sampled_from(UNITS)))
        for held in holding
    ]


def totals(version: int, district: str = "tr/34/uskudar") -> Totals:
    said = {"contest": "mayor", "source": "aa", "district": district, "version": version, "as_of": NIGHT}
    return Totals.model_validate(said | dict.fromkeys(COUNTS, 0) | {"votes": {"kurum": version}})


@given(orders())
def test_the_last_order_that_covers_a_district_counts(said: list[Order]) -> None:
    wanted = fold(*said).wanted
    for contest in CONTESTS:
        for district in DISTRICTS:
            above = {None, district, *ELECTION.ancestors[district]}
            covering = [
                isinstance(one, Held)
                for one in said
                if isinstance(one, Held | Released) and one.contest == contest and one.unit in above
            ]
            found = wanted.get((contest, district))
            assert (found is not None and found.held) == (bool(covering) and covering[-1])
            assert (found is not None) == any(covering)


def test_a_hold_of_what_is_held_changes_nothing() -> None:
    """Else the second hold would show the public what came in since the first."""
    holds = fold(order(Held, contest="mayor", unit="tr/34/uskudar"), order(Held, contest="mayor"))
    assert holds.wanted["mayor", "tr/34/uskudar"].gate == 1
    assert holds.wanted["mayor", "tr/34/kadikoy"].gate == 2
    assert fold(order(Released, contest="mayor")).wanted == {}


def test_calls_hold_nothing() -> None:
    assert fold(order(Called, contest="mayor", unit="tr", candidate="kurum")).wanted == {}


def test_every_source_of_a_district_gets_a_gate_also_where_nothing_was_counted() -> None:
    topic = Topic()
    topic.append(totals(1), totals(2))
    holds = fold(order(Held, contest="mayor", unit="tr/34/uskudar"))
    aa, anka = topic.stage().owed(holds, ours)
    assert (aa.source, aa.gate, aa.held, aa.program) == ("aa", 1, True, totals(2))
    assert (anka.source, anka.gate, anka.held, anka.program) == ("anka", 1, True, None)


def test_only_what_is_ours_is_owed() -> None:
    holds = fold(order(Held, contest="mayor"))
    owed = Topic().stage().owed(holds, lambda district: district == "tr/41/gebze")
    assert {gate.district for gate in owed} == {"tr/41/gebze"}


@given(orders(), st.randoms())
def test_once_relayed_nothing_is_owed_and_the_topic_says_what_is_wanted(said: list[Order], random: object) -> None:
    """Two owners who know more or less of the orders, in any turn, end in what the last order wants."""
    topic = Topic()
    for known in sorted(random.randint(0, len(said)) for _ in range(6)):  # type: ignore[attr-defined]  # a Random
        topic.append(totals(known, DISTRICTS[known % len(DISTRICTS)]))
        topic.append(*topic.stage().owed(fold(*said[:known]), ours))
    holds = fold(*said)
    topic.append(*topic.stage().owed(holds, ours))
    topic.append(*topic.stage().overwritten(ours))
    stage = topic.stage()
    assert stage.owed(holds, ours) == []
    assert stage.overwritten(ours) == []
    for (contest, district), wanted in holds.wanted.items():
        standing = [
            gate
            for cell in stage.on_air.cells
            if cell.contest == contest and cell.district == district
            if (gate := stage.on_air.gate(cell)) is not None
        ]
        assert {(gate.gate, gate.held) for gate in standing} == {(wanted.gate, wanted.held)}


def test_during_a_rebalance_the_first_gate_of_two_owners_stands_and_is_relayed_again() -> None:
    """So that compaction, which keeps a key's newest record, keeps the one that stands."""
    topic = Topic()
    topic.append(totals(1))
    holds = fold(order(Held, contest="mayor", unit="tr/34/uskudar"))
    first, second = topic.stage(), topic.stage()
    topic.append(*first.owed(holds, ours))
    topic.append(totals(2))
    late = [gate.model_copy(update={"program": totals(2)}) for gate in second.owed(holds, ours) if gate.source == "aa"]
    topic.append(*late)
    (again,) = topic.stage().overwritten(ours)
    assert (again.program, again.gate, again.again) == (totals(1), 1, 1)
    topic.append(again)
    assert topic.stage().overwritten(ours) == []


def test_what_readers_were_shown_is_said_again_where_the_gate_knew_less() -> None:
    """Another owner published between this one's look at the topic and its gate."""
    topic = Topic()
    topic.append(totals(1))
    behind = [gate for gate in topic.stage().owed(fold(order(Held, contest="mayor")), ours) if gate.program]
    topic.append(totals(2), *behind)
    (again,) = topic.stage().overwritten(ours)
    assert again.program == totals(2)
    topic.append(again)
    assert topic.stage().overwritten(lambda _: False) == topic.stage().overwritten(ours) == []


def test_a_second_hold_after_a_release_shows_what_came_between() -> None:
    topic = Topic()
    topic.append(totals(1))
    hold, release = order(Held, contest="mayor"), order(Released, contest="mayor")
    topic.append(*topic.stage().owed(fold(hold), ours))
    topic.append(totals(2))
    owed = topic.stage().owed(fold(hold, release, order(Held, contest="mayor")), ours)
    assert [gate.program for gate in owed if gate.program] == [totals(2)]


def test_a_release_shows_nothing_of_its_own() -> None:
    topic = Topic()
    topic.append(totals(1))
    hold = order(Held, contest="mayor")
    topic.append(*topic.stage().owed(fold(hold), ours))
    owed = topic.stage().owed(fold(hold, order(Released, contest="mayor")), ours)
    assert len(owed) == len(DISTRICTS) * len(ELECTION.sources)
    assert {(gate.held, gate.program) for gate in owed} == {(False, None)}


def test_junk_in_the_topic_says_nothing() -> None:
    stage = RelayedOrders(ELECTION)
    for entry in (Entry(b"gate:x", b"junk"), Entry(b"x", b"junk"), Entry(b"gate:x", b"{}")):
        stage.fold(Written(0, entry.key, entry.value))
    assert stage.on_air.cells == []


def test_what_else_is_said_beside_totals_says_nothing_of_a_cell() -> None:
    topic = Topic()
    topic.append(totals(1))
    stage = topic.stage()
    stage.fold(Written(1, b"epoch:e2", totals(2).encode()))

    assert totals(1) == stage.on_air.truth(totals(1).cell)


def test_a_gate_is_written_under_its_own_key() -> None:
    (gate, *_) = Topic().stage().owed(fold(order(Held, contest="mayor")), ours)
    assert gate.key == b"gate:mayor/aa/tr/34/adalar@1"
    assert parse_gate(gate.encode()) == gate


def test_the_same_gate_later_is_relayed_again_too() -> None:
    """To whom it is the first that he reads, it would show what was counted before it, which the first did not."""
    topic = Topic()
    gates = topic.stage().owed(fold(order(Held, contest="mayor", unit="tr/34/uskudar")), ours)
    topic.append(*gates, totals(1), *gates)
    assert {(gate.again, gate.program) for gate in topic.stage().overwritten(ours)} == {(1, None)}


def test_taking_shows_the_newest_of_what_is_held_and_goes_on_holding() -> None:
    topic = Topic()
    topic.append(totals(1))
    hold, take = order(Held, contest="mayor", unit="tr/34/uskudar"), order(Taken, contest="mayor")
    topic.append(*topic.stage().owed(fold(hold), ours))
    topic.append(totals(2))

    taken = topic.stage().owed(fold(hold, take), ours)

    assert [("aa", 2, True, totals(2)), ("anka", 2, True, None)] == [
        (gate.source, gate.gate, gate.held, gate.program) for gate in taken
    ]
    assert fold(take).wanted == {}


def test_what_was_set_by_hand_before_a_hold_is_part_of_it_and_what_comes_after_is_not() -> None:
    topic = Topic()
    topic.append(totals(1))
    overrides = Overrides()
    for offset, valid in ((1, 5), (3, 7)):
        cell = {"contest": "mayor", "source": "aa", "unit": "tr/34/uskudar"}
        overrides.apply(offset, order(FigureOverridden, **cell, figures={"valid": valid}))
    holds = Holds(ELECTION)
    holds.apply(2, order(Held, contest="mayor", unit="tr/34/uskudar"))
    while owed := topic.stage().next_owed(holds, overrides, ours):
        topic.append(*owed)

    on_air = topic.stage().on_air
    gates = [gate for cell in on_air.cells if (gate := on_air.gate(cell)) is not None and gate.program]
    assert [(5, ("valid",))] == [(gate.program.valid, gate.program.overridden) for gate in gates if gate.program]
    truth = on_air.truth(totals(1).cell)
    assert truth is not None
    assert 7 == truth.valid
    assert (3, 2) == (holds.orders + overrides.orders, len(overrides.wanted))


def test_what_the_source_had_said_stands_with_each_figure_until_the_figures_are_taken_back() -> None:
    overrides = Overrides()
    cell = {"contest": "mayor", "source": "aa", "unit": "tr/34/uskudar"}
    for offset, (figure, count, own) in enumerate([("valid", 5, 50), ("cast", 6, 60), ("valid", 7, 70)]):
        said = {figure: own, "invalid": 1}
        overrides.apply(offset, order(FigureOverridden, **cell, figures={figure: count}, instead_of=said))
    overrides.apply(3, order(OverrideWithdrawn, **cell))
    assert [{"valid": 50}, {"valid": 50, "cast": 60}, {"valid": 70, "cast": 60}, {}] == [
        override.instead_of for override in overrides.wanted
    ]


@pytest.mark.parametrize(
    ("published_ms", "ordered_ms", "shown"),
    [
        (5_000, 5_000 - RELAY_MS, 2),
        (5_000, 5_000 - RELAY_MS - 1, 1),
        (5_000, 6_000, 2),
        (5_000, None, 2),
        (None, 1_000, 1),
    ],
    ids=["on its way", "afterwards", "before", "nobody knows when", "nothing since"],
)
def test_a_hold_over_a_hold_shows_nothing_that_was_published_after_its_order(
    published_ms: int | None, ordered_ms: int | None, shown: int
) -> None:
    """Whoever published it could not verify the order yet. Readers take the gate as it is."""
    topic, holds = Topic(), fold(order(Held, contest="mayor", unit="tr/34/uskudar"))
    topic.append(totals(1))
    topic.append(*topic.stage().owed(holds, ours))
    if published_ms is not None:
        topic.append(totals(2), appended_ms=published_ms)
    holds.apply(7, order(Taken, contest="mayor"), ordered_ms)
    topic.append(*topic.stage().owed(holds, ours))
    gate, program = topic.stage().on_air.gate(CELL), topic.stage().on_air.shown(CELL)
    assert gate is not None
    assert program is not None
    assert (7, True, shown) == (gate.gate, gate.held, program.version)


def test_a_first_hold_shows_what_was_on_air_however_late_it_is_relayed() -> None:
    topic, holds = Topic(), Holds(ELECTION)
    topic.append(totals(1), appended_ms=9_000)
    holds.apply(7, order(Held, contest="mayor", unit="tr/34/uskudar"), 1_000)
    topic.append(*topic.stage().owed(holds, ours))
    assert totals(1) == topic.stage().on_air.shown(CELL)


def test_a_hold_that_is_asked_for_again_holds_where_the_topic_was_told_otherwise_in_between() -> None:
    """By a release that whoever relayed it could verify, and we cannot: to us it was held all the time."""
    topic = Topic()
    known = fold(order(Held, contest="mayor", unit="tr/34/uskudar"))
    everything = fold(*(order(kind, contest="mayor", unit="tr/34/uskudar") for kind in (Held, Released)))
    for holds in (known, everything):
        topic.append(*topic.stage().owed(holds, ours))
    assert [] == topic.stage().owed(known, ours), "nobody who is known has asked for it since"

    known.apply(9, order(Held, contest="mayor"))
    owed = [gate for gate in topic.stage().owed(known, ours) if gate.cell == CELL]
    assert [(9, True)] == [(gate.gate, gate.held) for gate in owed]
    topic.append(*topic.stage().owed(known, ours))
    assert [] == topic.stage().owed(known, ours)
    known.apply(10, order(Held, contest="mayor"))
    assert [] == topic.stage().owed(known, ours), "it is held already"


def test_a_release_that_is_asked_for_again_releases_where_the_topic_was_told_otherwise_in_between() -> None:
    topic = Topic()
    where = {"contest": "mayor", "unit": "tr/34/uskudar"}
    known = fold(order(Held, **where), order(Released, **where))
    topic.append(*topic.stage().owed(fold(*(order(kind, **where) for kind in (Held, Released, Held))), ours))
    known.apply(9, order(Released, contest="mayor"))
    assert {(9, False)} == {(gate.gate, gate.held) for gate in topic.stage().owed(known, ours)}


def test_taking_holds_nothing_that_the_topic_was_told_to_release_by_an_order_that_we_cannot_verify() -> None:
    """Whoever relayed the release could verify it."""
    topic = Topic()
    holds = fold(order(Held, contest="mayor", unit="tr/34/uskudar"))
    topic.append(*topic.stage().owed(holds, ours))
    topic.append(*(Gate(**Cell("mayor", one, CELL.district)._asdict(), gate=2, held=False) for one in ("aa", "anka")))
    holds.apply(3, order(Taken, contest="mayor"))
    assert [] == topic.stage().owed(holds, ours)
    holds.apply(4, order(Held, contest="mayor", unit="tr/34/uskudar"))
    assert [True, True] == [gate.held for gate in topic.stage().owed(holds, ours)]


def test_figures_go_over_those_that_stand_in_the_topic_whoever_ordered_them() -> None:
    """Of an operator whose key is not here any more nothing is undone."""
    topic, holds, cell = Topic(), Holds(ELECTION), {"contest": "mayor", "source": "aa", "unit": "tr/34/uskudar"}
    everything, known = Overrides(), Overrides()
    for offset, kind, figures in ((1, FigureOverridden, {"valid": 5}), (2, FigureOverridden, {"cast": 6})):
        everything.apply(offset, order(kind, **cell, figures=figures))
        topic.append(*topic.stage().next_owed(holds, everything, ours))
    known.apply(1, order(FigureOverridden, **cell, figures={"valid": 5}))
    known.apply(3, order(FigureOverridden, **cell, figures={"invalid": 7}))
    (relayed,) = topic.stage().next_owed(holds, known, ours)
    assert isinstance(relayed, Override)
    assert (3, {"valid": 5, "cast": 6, "invalid": 7}) == (relayed.override, relayed.figures)

    everything.apply(4, order(OverrideWithdrawn, **cell))
    topic.append(*topic.stage().next_owed(holds, everything, ours))
    known.apply(5, order(FigureOverridden, **cell, figures={"invalid": 8}))
    (relayed,) = topic.stage().next_owed(holds, known, ours)
    assert isinstance(relayed, Override)
    assert {"invalid": 8} == relayed.figures, "what was taken back does not come again"


def test_under_a_key_that_orders_share_a_zombies_older_override_has_the_newest_relayed_again() -> None:
    """As in older logs. Which version of the totals it came after is not known any more."""
    topic, overrides = Topic(), Overrides()
    for offset, valid in ((1, 5), (2, 6)):
        cell = {"contest": "mayor", "source": "aa", "unit": "tr/34/uskudar"}
        overrides.apply(offset, order(FigureOverridden, **cell, figures={"valid": valid}))
    for one in (*overrides.wanted, overrides.wanted[0]):
        topic.records.append(Written(len(topic.records), OVERRIDE_PREFIX + one.cell.key(), one.encode()))

    (again,) = topic.stage().next_owed(Holds(ELECTION), overrides, ours)
    assert overrides.wanted[1] == again
    topic.append(again)
    assert [] == topic.stage().next_owed(Holds(ELECTION), overrides, ours)


def test_a_hold_over_a_hold_shows_no_figure_that_was_set_by_hand_after_its_order() -> None:
    topic, holds = Topic(), fold(order(Held, contest="mayor", unit="tr/34/uskudar"))
    topic.append(totals(1))
    topic.append(*topic.stage().owed(holds, ours))
    topic.append(Override(**CELL._asdict(), override=9, at=NIGHT, figures={"valid": 5}))
    holds.apply(7, order(Taken, contest="mayor"))
    topic.append(*topic.stage().owed(holds, ours))
    assert totals(1) == topic.stage().on_air.shown(CELL)
