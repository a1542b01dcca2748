import random as chance
from collections.abc import Sequence
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.asides import Gate, Override, is_gate, is_override, overridden, parse_gate, parse_override, unreported
from schemas.control import FigureOverridden, Held, Order, OverrideWithdrawn, Released, Taken
from schemas.definition import Election
from schemas.figures import COUNTS
from schemas.moments import epoch_ms
from schemas.totals import Cell, Totals, parse_totals
from tabulation.figures import Shift, claim_of, claims_before_counting, unheard
from tabulation.on_air import OnAir
from tabulation.orders.effects import Holds, Overrides, RelayedOrders
from tabulation.program import Program
from tabulation.view import View
from tests.gateway.gateways import Message
from tests.gateway.nights import DISTRICTS, START, Written, election, totals
from tests.schemas.orders import Kind, order
from tests.tabulation.test_view import EVERYWHERE, PAIRS, catch_up, everything, newest, records, shown_to_all

ELECTION = election()
USKUDAR = Cell("mayor", "aa", "tr/34/uskudar")
UNITS = (None, "tr", "tr/34", *DISTRICTS)


class Night:
    """A totals topic as aggregators write it: totals, and the orders that two owners relay, now and then at once."""

    def __init__(self, seed: int) -> None:
        self.random = chance.Random(seed)
        self.records: list[Written] = []
        self.holds = Holds(ELECTION)
        self.overrides = Overrides()
        self.orders: list[Order] = []
        self.versions = 0

    def append(self, said: Gate | Override | Totals) -> None:
        key = said.cell.key() if isinstance(said, Totals) else said.key
        self.records.append(Written(len(self.records), said.encode(), key=key))

    def play(self, steps: int) -> None:
        moves = [self.count, self.count, self.count, self.command, self.set_by_hand]
        moves += [self.relay, self.race, self.repair, self.haunt]
        for _ in range(steps):
            self.random.choice(moves)()
        self.relay()
        self.repair()

    def count(self) -> None:
        self.versions += 1
        votes = {name: self.random.randint(0, 9) for name in ("kurum", "imamoglu")}
        source, minute = self.random.choice(["aa", "anka"]), self.random.randint(0, 5)
        where = self.random.choice(DISTRICTS)
        self.append(totals(where, votes, version=self.versions, source=source, minute=minute))

    def command(self) -> None:
        kinds: list[Kind] = [Held, Released, Taken]
        kind = self.random.choice(kinds)
        self.order(order(kind, contest="mayor", unit=self.random.choice(UNITS)))

    def set_by_hand(self) -> None:
        where = {"contest": "mayor", "source": "aa", "unit": self.random.choice(DISTRICTS)}
        if self.random.random() < 0.3:
            self.order(order(OverrideWithdrawn, **where))
        else:
            figure = self.random.choice(["votes.kurum", "valid", "boxes_opened"])
            self.order(order(FigureOverridden, **where, figures={figure: self.random.randint(10, 19)}))

    def order(self, said: Order) -> None:
        self.orders.append(said)
        self.holds.apply(len(self.orders), said)
        self.overrides.apply(len(self.orders), said)

    def stage(self) -> RelayedOrders:
        stage = RelayedOrders(ELECTION)
        for record in self.records:
            stage.fold(record)
        return stage

    def relay(self) -> None:
        while owed := self.stage().next_owed(self.holds, self.overrides, lambda _: True):
            for one in owed:
                self.append(one)

    def race(self) -> None:
        """Another owner looked at the topic before this one relayed, and relays what it saw later."""
        late = self.stage().next_owed(self.holds, self.overrides, lambda _: True)
        if self.random.random() < 0.5:
            self.count()
        self.relay()
        self.count()
        for gate in late:
            self.append(gate)

    def repair(self) -> None:
        for gate in self.stage().overwritten(lambda _: True):
            self.append(gate)

    def haunt(self) -> None:
        """A zombie says again what was ordered and said; what it says of totals is `test_view`'s."""
        gates = [record for record in self.records if is_gate(record.key) or is_override(record.key)]
        if gates:
            record = self.random.choice(gates)
            self.records.append(Written(len(self.records), record.value, key=record.key))

    def compacted(self) -> list[Written]:
        """The end of each key's history, from any point up to the newest of what stands."""
        stands: dict[bytes, tuple[tuple[int, int], int]] = {}
        for record in self.records:
            rank = _rank(record)
            if record.key not in stands or rank >= stands[record.key or b""][0]:
                stands[record.key or b""] = (rank, record.offset)
        first = {key: self.random.randint(0, offset) for key, (_, offset) in stands.items()}
        return [record for record in self.records if record.offset >= first[record.key or b""]]


def _rank(record: Written) -> tuple[int, int]:
    if is_gate(record.key):
        gate = parse_gate(record.value or b"")
        return gate.gate, gate.again
    if is_override(record.key):
        return parse_override(record.value or b"").override, 0
    return parse_totals(record.value or b"").version, 0


def fold(records: Sequence[Written]) -> Program:
    program = Program(ELECTION)
    for record in records:
        program.fold(record)
    return program


SEEDS = st.integers(0, 2**32)
STEPS = st.integers(0, 40)


@given(SEEDS, STEPS)
def test_two_gateways_at_the_same_seq_show_the_same(seed: int, steps: int) -> None:
    """Whatever compaction has taken from the one that started later."""
    night = Night(seed)
    night.play(steps)
    early, late = fold(night.records), fold(night.compacted())
    assert early.seq == early.view.seq == late.seq == late.view.seq == len(night.records)
    assert everything(early.view) == everything(late.view)
    assert everything(early.live) == everything(late.live)
    assert early.hold == late.hold


@given(st.lists(records(), min_size=1, max_size=20), st.data())
def test_a_client_may_resume_at_a_gateway_that_began_with_what_compaction_had_left(
    drawn: list[Totals], data: st.DataObject
) -> None:
    """Stale totals among them may come before the newest, whose predecessors are gone; no resumed client is misled."""
    contents = {(record.cell, record.version): record for record in drawn}
    night = [contents[record.cell, record.version] for record in drawn]
    start = data.draw(st.integers(0, len(night)))
    newest_at = {
        cell: max(at for at, other in enumerate(night[:start]) if other == record)
        for cell, record in newest(night[:start]).items()
    }
    firsts = {cell: data.draw(st.integers(0, at)) for cell, at in newest_at.items()}
    late, early = Program(ELECTION), Program(ELECTION)
    early.caught_up()
    for offset, record in enumerate(night):
        if offset == start:
            late.caught_up()
        written = Written(offset, record.encode(), key=record.cell.key())
        if offset >= start or offset >= firsts[record.cell]:
            late.fold(written)
    cursor = data.draw(st.integers(0, len(night)))
    for offset, record in enumerate(night[:cursor]):
        early.fold(Written(offset, record.encode(), key=record.cell.key()))
    shown: dict[tuple[str, str], dict[str, Message]] = {pair: {} for pair in PAIRS}
    catch_up(shown, early.view, 0)
    catch_up(shown, late.view, cursor)
    assert shown == everything(late.view)


@given(SEEDS, STEPS, st.floats(0, 1))
@example(124, 14, 11 / 14)  # compaction left an override from before the cursor, and totals only from after it
@example(341, 10, 1 / 9)  # compaction took the override before the cursor, and left the hold after its withdrawal
@example(
    61806545, 26, 0.5
)  # compaction took the override before the cursor, and left its withdrawal and then a zombie's
def test_a_client_may_move_to_a_gateway_that_read_a_compacted_topic(seed: int, steps: int, share: float) -> None:
    """From any cursor, and whatever was held or let go of since."""
    night = Night(seed)
    night.play(steps)
    late = fold(night.compacted())
    cursor = round(len(night.records) * share)
    shown: dict[tuple[str, str], dict[str, Message]] = {pair: {} for pair in PAIRS}
    catch_up(shown, fold(night.records[:cursor]).view, 0)
    catch_up(shown, late.view, cursor)
    assert shown_to_all({pair: units.values() for pair, units in shown.items()}) == everything(late.view)


@given(SEEDS, STEPS)
def test_what_is_held_stays_as_it_was_and_what_is_released_is_the_truth(seed: int, steps: int) -> None:
    """At every position; and the units above are what their districts add up to."""
    night = Night(seed)
    night.play(steps)
    program = Program(ELECTION)
    standing: dict[Cell, Gate] = {}
    for record in night.records:
        before = {cell: program.view.totals(cell) for cell in standing}
        program.fold(record)
        if is_gate(record.key):
            gate = parse_gate(record.value or b"")
            if gate.supersedes(standing.get(gate.cell)):
                standing[gate.cell] = gate
                before.pop(gate.cell, None)
        for cell, gate in standing.items():
            shown = program.view.totals(cell)
            if gate.held and cell in before:
                assert shown == before[cell]
            elif not gate.held:
                assert shown == program.live.totals(cell)
        assert everything(program.view) == everything(added_up(program.view))


def added_up(view: View) -> View:
    """A view that was only ever told what this one shows now."""
    fresh = View(ELECTION)
    for contest, source in PAIRS:
        for district in DISTRICTS:
            cell = Cell(contest, source, district)
            shown = view.totals(cell)
            if shown is not None:
                fresh.show(fresh.seq, cell, shown)
    return fresh


@given(SEEDS, STEPS)
def test_what_is_set_by_hand_takes_the_place_of_what_the_source_says_and_is_marked(seed: int, steps: int) -> None:
    """At the end of any night: nothing else is changed, nothing else is marked, and what was taken back is gone."""
    night = Night(seed)
    night.play(steps)
    live, stage = fold(night.records).live, night.stage()
    standing = {override.cell: override for override in night.overrides.wanted}
    ever = {override.cell for override in night.overrides.wanted if override.figures}
    for contest, source in PAIRS:
        for district in DISTRICTS:
            cell = Cell(contest, source, district)
            reported, override = stage.on_air.reported(cell), standing.get(cell)
            wanted = reported
            if override is not None and cell in ever:
                wanted = overridden(reported or unreported(cell, override.at), override.figures)
            shown = live.totals(cell)
            if wanted is None or shown is None:
                assert wanted is shown is None
            else:
                assert wanted.model_copy(update={"votes": shown.votes | wanted.votes}) == shown
                assert tuple(sorted(override.figures if override else ())) == shown.overridden


def a_gate(number: int, *, held: bool, program: Totals | None = None, cell: Cell = USKUDAR) -> Gate:
    return Gate(**cell._asdict(), gate=number, held=held, program=program)


def topic(*said: Gate | Override | Totals) -> list[Written]:
    night = Night(0)
    for one in said:
        night.append(one)
    return night.records


def test_a_hold_takes_effect_with_what_is_shown_and_ends_in_one_step() -> None:
    first, second, third = (totals(votes={"kurum": count}, version=count) for count in (1, 2, 3))
    program = fold(topic(first, a_gate(5, held=True, program=first), second, third))
    assert program.view.rows(units={"tr"})[0].votes == {"imamoglu": 0, "kurum": 1}
    assert program.live.rows(units={"tr"})[0].votes == {"imamoglu": 0, "kurum": 3}
    program.fold(Written(4, a_gate(6, held=False).encode(), key=a_gate(6, held=False).key))
    assert program.view.rows() == program.live.rows()
    (country,) = program.view.changed_since("mayor", "aa", {"tr"}, 4)
    assert (country["votes"], program.hold) == ({"imamoglu": 0, "kurum": 3}, ())


def test_a_hold_before_the_first_box_shows_nothing_until_its_release() -> None:
    program = fold(topic(a_gate(5, held=True), totals()))
    assert program.view.rows() == []
    assert program.view.as_of("mayor", "aa") is None
    assert len(program.live.rows()) == 3
    program.fold(Written(2, a_gate(6, held=False).encode(), key=a_gate(6, held=False).key))
    assert program.view.rows() == program.live.rows()


def test_until_the_first_hold_there_is_one_view() -> None:
    program = fold(topic(totals()))
    assert program.view.rows() == program.live.rows() != []
    assert program.view.seq == program.live.seq == 1


def test_what_is_held_is_listed_by_the_largest_unit() -> None:
    def held(*districts: str, contest: str = "mayor") -> tuple[str, ...]:
        cells = [Cell(contest, "aa", district) for district in districts]
        return fold(topic(*(a_gate(1, held=True, cell=cell) for cell in cells))).hold

    assert held("tr/34/uskudar") == ("mayor/tr/34/uskudar",)
    assert held("tr/34/uskudar", "tr/34/adalar") == ("mayor/tr/34",)
    assert held("tr/34/uskudar", "tr/06/cankaya") == ("mayor/tr/06", "mayor/tr/34/uskudar")
    assert held(*DISTRICTS, contest="council") == ("council",)


@pytest.mark.parametrize(
    "gate",
    [
        b"junk",
        a_gate(1, held=True, cell=Cell("president", "aa", "tr/34/uskudar")).encode(),
        a_gate(1, held=True, cell=Cell("mayor", "aa", "tr/34")).encode(),
        a_gate(1, held=True, program=totals(votes={"nobody": 1})).encode(),
    ],
)
def test_a_gate_that_cannot_be_used_is_counted_and_passed_over(gate: bytes) -> None:
    program = fold([Written(0, gate, key=b"gate:x"), Written(1, b"junk", key=b"x")])
    assert (program.seq, program.view.seq, program.live.skipped, program.hold) == (2, 2, 2, ())


def an_override(number: int, cell: Cell = USKUDAR, figures: dict[str, int] | None = None) -> Override:
    return Override(**cell._asdict(), override=number, at=START, figures=figures or {})


@pytest.mark.parametrize(
    "override",
    [
        b"junk",
        an_override(1, Cell("president", "aa", "tr/34/uskudar"), {"valid": 1}).encode(),
        an_override(1, USKUDAR, {"votes.nobody": 1}).encode(),
    ],
)
def test_an_override_that_cannot_be_used_is_counted_and_passed_over(override: bytes) -> None:
    program = fold([Written(0, override, key=b"override:x")])
    assert (1, 1, 1, []) == (program.seq, program.view.seq, program.live.skipped, program.overrides)


def test_what_is_set_by_hand_is_listed_until_it_is_withdrawn() -> None:
    first, second = (
        an_override(1, figures={"valid": 7}),
        an_override(2, Cell("mayor", "aa", "tr/34/adalar"), {"valid": 8}),
    )
    withdrawn = an_override(3)

    assert [second, first] == fold(topic(first, second)).overrides
    assert [second] == fold(topic(first, second, withdrawn)).overrides
    assert [second] == fold(topic(withdrawn, first, second)).overrides  # of several the highest number stands


def test_totals_that_are_older_than_those_under_an_override_change_nothing() -> None:
    newer, older = totals(votes={"kurum": 2}, version=2), totals(votes={"kurum": 1}, version=1)
    program = fold(topic(newer, an_override(1, figures={"valid": 7}), older, an_override(2)))

    assert {"imamoglu": 0, "kurum": 2} == program.live.rows(units={"tr"})[0].votes


def test_what_is_held_is_known_of_every_unit_that_has_a_part_in_it() -> None:
    program = fold(
        topic(totals(), a_gate(1, held=True), a_gate(2, held=True, cell=Cell("mayor", "anka", DISTRICTS[0])))
    )

    held = [unit for unit in ELECTION.unit_by_id if program.is_held("mayor", unit)]
    assert sorted({"tr", "tr/34", "tr/34/uskudar", DISTRICTS[0], *ELECTION.ancestors[DISTRICTS[0]]}) == sorted(held)
    assert not program.is_held("council", "tr")


def test_what_would_change_with_a_take_is_counted_by_what_is_held() -> None:
    first, second = totals(votes={"kurum": 1}, version=1), totals(votes={"kurum": 2}, version=2)
    held: list[Gate | Totals] = [first, a_gate(5, held=True, program=first)]

    assert {} == fold(topic(first)).pending()
    assert {"mayor/tr/34/uskudar": 0} == fold(topic(*held)).pending()
    assert {"mayor/tr/34/uskudar": 1} == fold(topic(*held, second)).pending()
    assert {} == fold(topic(*held, second, a_gate(6, held=False))).pending()


def test_what_else_is_said_beside_totals_changes_nothing_that_is_shown() -> None:
    program = fold(topic(totals()))
    shown = everything(program.view)

    assert program.fold(Written(1, b"whatever", key=b"mark:0")) is False
    assert (shown, 2, 2, 0) == (everything(program.view), program.seq, program.view.seq, program.live.skipped)


def test_an_offset_that_was_folded_is_a_no_op() -> None:
    records = topic(totals(), a_gate(5, held=True, program=totals()), totals(version=1, votes={"kurum": 1}))
    program = fold(records)
    shown = everything(program.view)
    for record in records:
        program.fold(record)
    assert (everything(program.view), program.seq) == (shown, 3)


def test_the_plain_view_passes_gates_by() -> None:
    view = View(ELECTION)
    for record in topic(totals(), a_gate(5, held=True, program=totals())):
        view.fold(record)
    assert (view.seq, view.skipped) == (2, 0)
    assert {str(entry["unit"]) for entry in view.changed_since("mayor", "aa", EVERYWHERE, 0)} == {
        "tr",
        "tr/34",
        "tr/34/uskudar",
    }


def test_what_is_held_and_dated_ahead_is_no_other_than_what_is_on_air() -> None:
    """The gate is appended later than the totals that it shows; both count as of the same time."""
    ahead = totals(minute=0).model_copy(update={"as_of": START + timedelta(hours=3)})
    appended = epoch_ms(START)
    gate = a_gate(1, held=True, program=ahead)
    records = [
        Written(0, ahead.encode(), timestamp=appended, key=USKUDAR.key()),
        Written(1, gate.encode(), timestamp=appended + 60_000, key=gate.key),
    ]
    program = fold(records)

    assert START == program.view.as_of("mayor", "aa") == program.live.as_of("mayor", "aa")
    assert {"mayor/tr/34/uskudar": 0} == program.pending()

    began_later = fold([Written(1, gate.encode(), timestamp=appended + 60_000, key=gate.key)])
    assert START + timedelta(minutes=1) == began_later.view.as_of("mayor", "aa")


@given(SEEDS, STEPS)
def test_what_may_be_said_follows_from_what_is_shown_whatever_was_held_or_set_by_hand(seed: int, steps: int) -> None:
    """Of the control room's figures and of everyone's, each by itself; with the voters of every district known."""
    rolls = (unit.model_copy(update={"registered": 350 * unit.boxes_total or None}) for unit in ELECTION.units)
    definition = Election(**{**dict(ELECTION), "units": tuple(rolls)})
    night, program, on_air = Night(seed), Program(definition), OnAir(definition)
    night.play(steps)
    for record in night.records:
        program.fold(record)
        on_air.fold(record.key, record.value)
    for view, shown in ((program.live, on_air.truth), (program.view, on_air.shown)):
        for (contest, source), unit in product(PAIRS, EVERYWHERE):
            figures = view.figures(contest, source, unit)
            expected = claims_before_counting(definition, contest, unit)
            for district in map(definition.unit_by_id.__getitem__, definition.districts_below[unit]):
                told = shown(Cell(contest, source, district.id))
                if told is not None:
                    counts = {name: getattr(told, name) for name in COUNTS}
                    claim = claim_of(district.boxes_total, district.registered, counts, told.votes)
                    expected.shift(Shift.between(unheard(district.registered), claim), told.votes)
            assert figures is None or figures.claims == expected
