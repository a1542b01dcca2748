"""What is on air: the one fold of totals, holds and figures set by hand that says what the public sees. Pure.

Every reader uses it: the gateway's views, the aggregator's order relay, the past, and the commands that read a log. It
takes the records of the totals topic in their order. For each cell (contest, source, district) it knows

- `reported`: the newest totals of the source itself;
- `truth`: those with the figures that are set by hand in their place, which is what the control room sees;
- `shown`: what the public sees, which is the truth unless the cell is held, and then what its gate shows.

`OnAir` is enough for the present. `Relays` adds, for the past, what each order came to when it was relayed, and which
version of a cell's totals had been published by then. The owner of a cell needs both, to publish again what a later
record has put out of reach of compaction. See docs/decisions/past.md.

`HeldUnits` names what is held in as few names as say it: a contest, or contest/unit where it is not the whole country.

An embargo is not in here: it is about the whole run, and whoever serves the public asks about it first.
"""

from collections import Counter
from collections.abc import Collection
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.asides import (
    Gate,
    Override,
    is_aside,
    is_gate,
    is_override,
    names_order,
    overridden,
    parse_gate,
    parse_override,
    unreported,
)
from schemas.definition import Election
from schemas.totals import Cell, Totals, parse_totals


class OnAir:
    """The fold. Feed it the records of the totals topic in order, as bytes (`fold`) or as parsed models.

    A record about something that the definition does not know changes nothing.
    """

    def __init__(self, definition: Election) -> None:
        self.definition: Final = definition
        self._reported: dict[Cell, Totals] = {}
        self._overrides: dict[Cell, Override] = {}
        self._set_by_hand: set[Cell] = set()
        """Cells of which figures were set by hand at some time, or may have been."""
        self._gates: dict[Cell, Gate] = {}
        self._held: dict[tuple[str, str], set[str]] = {}
        self._held_districts: Counter[tuple[str, str]] = Counter()
        """How many districts are held in each unit, by (contest, unit)."""

    def fold(self, key: bytes | None, value: bytes | None) -> Cell | None:
        """Fold one record of the totals topic; the cell that it changed, `None` where it changed nothing here."""
        try:
            if is_gate(key):
                gate = parse_gate(value or b"")
                return gate.cell if self.fold_gate(gate) is not None else None
            if is_override(key):
                override = parse_override(value or b"")
                return override.cell if self.fold_override(override) else None
            if is_aside(key):
                return None
            totals = parse_totals(value or b"")
        except ValidationError:
            return None
        return totals.cell if self.fold_totals(totals) else None

    def fold_totals(self, totals: Totals) -> bool:
        """Fold what a source reports of a cell; whether it is newer than what was known."""
        cell = totals.cell
        known = self._reported.get(cell)
        if totals.version <= (-1 if known is None else known.version):
            return False
        if not self.definition.knows(cell, totals.votes):
            return False
        self._reported[cell] = totals
        return True

    def fold_override(self, override: Override) -> bool:
        """Fold figures that are set by hand; whether anything else is true of the cell by them.

        They take the place of those set before. Where a newer order took all of them back, an older one that is read
        after it, as compaction may leave them, still says that there was something to take back.
        """
        cell = override.cell
        if not self.definition.knows(cell, override.candidates):
            return False
        is_first = cell not in self._set_by_hand
        if override.figures or override.published is None:  # in older logs compaction has taken the figures before it
            self._set_by_hand.add(cell)
        standing = self._overrides.get(cell)
        if standing is not None and override.override <= standing.override:
            return is_first and cell in self._set_by_hand
        self._overrides[cell] = override
        return True

    def fold_gate(self, gate: Gate) -> Gate | None:
        """Fold what a hold or release does to a cell; the gate as it stands now, `None` where another one stands."""
        cell = gate.cell
        if not gate.supersedes(self._gates.get(cell)):
            return None
        if not self.definition.knows(cell, gate.program.votes if gate.program else ()):
            return None
        settled = self._gates[cell] = gate.settled(self.truth(cell))
        self._note_held(cell, held=gate.held)
        return settled

    def reported(self, cell: Cell) -> Totals | None:
        """The newest totals of the source itself; `None` where it has reported nothing."""
        return self._reported.get(cell)

    def override(self, cell: Cell) -> Override | None:
        """The newest word on what is set by hand in a cell; one without figures took the others back."""
        return self._overrides.get(cell)

    def gate(self, cell: Cell) -> Gate | None:
        """The gate that stands; `None` where the cell was never held."""
        return self._gates.get(cell)

    def truth(self, cell: Cell) -> Totals | None:
        """What the control room sees of a cell; `None` where nothing was ever reported or set by hand.

        Where all that was set by hand was taken back and nothing is reported, it is zeros: who was shown the figures
        has to be told.
        """
        reported, override = self._reported.get(cell), self._overrides.get(cell)
        if override is None or cell not in self._set_by_hand:
            return reported
        return overridden(reported or unreported(cell, override.at), override.figures)

    def shown(self, cell: Cell) -> Totals | None:
        """What the public sees of a cell; `None` where it sees nothing."""
        gate = self._gates.get(cell)
        return gate.program if gate is not None and gate.held else self.truth(cell)

    @property
    def cells(self) -> Collection[Cell]:
        """Every cell of which anything was said, sorted."""
        return sorted(self._reported.keys() | self._overrides.keys() | self._gates.keys())

    @property
    def overrides(self) -> list[Override]:
        """The figures that are set by hand, by cell; cells whose figures were taken back are not there."""
        return [override for _, override in sorted(self._overrides.items()) if override.figures]

    @property
    def held_cells(self) -> list[Cell]:
        """The cells that are held, in the order in which their first gates came."""
        return [cell for cell, gate in self._gates.items() if gate.held]

    @property
    def held(self) -> frozenset[tuple[str, str]]:
        """What is held by any source, as (contest, district)."""
        return frozenset(self._held)

    def is_held(self, contest: str, unit: str) -> bool:
        """Whether the unit's public figures are frozen, wholly or in part: it or a district below it is held.

        The one rule of what counts as held. Above a held district everything is: its sum holds a frozen part.
        """
        return self._held_districts[contest, unit] > 0

    @property
    def held_units(self) -> frozenset[tuple[str, str]]:
        """Every (contest, unit) that `is_held`."""
        return frozenset(where for where, districts in self._held_districts.items() if districts)

    def _note_held(self, cell: Cell, *, held: bool) -> None:
        """Keep `held` and the counts above it in step with the gate of one cell."""
        where = cell.contest, cell.district
        sources = self._held.setdefault(where, set())
        was_held = bool(sources)
        (sources.add if held else sources.discard)(cell.source)
        if not sources:
            del self._held[where]
        change = bool(sources) - was_held
        if change:
            for unit in self.definition.path_of(*cell):
                self._held_districts[cell.contest, unit] += change


class HeldUnits:
    """Names what is held, by the definition's tree."""

    def __init__(self, definition: Election) -> None:
        self._definition = definition
        self._contests = sorted(definition.contest_by_id)

    def named(self, held: Collection[tuple[str, str]]) -> tuple[str, ...]:
        """The names for these contests and districts."""
        names = []
        for contest in self._contests:
            units = {unit for of, unit in held if of == contest}
            above = {above for unit in units for above in self._definition.path(unit)}
            names += [self.name(contest, unit) for unit in self._whole(self._definition.country, units, above)]
        return tuple(names)

    def above(self, names: Collection[str]) -> tuple[str, ...]:
        """The units above these names, which are held in part: named alike, sorted."""
        found = set()
        for name in names:
            contest, _, unit = name.partition("/")
            above = set(self._definition.ancestors[unit or self._definition.country])
            above |= self._of_other_trees(unit) if unit else set()
            found |= {self.name(contest, one) for one in above}
        return tuple(sorted(found))

    def _of_other_trees(self, unit: str) -> set[str]:
        """The units of other trees in which boxes of this one lie: names are made by the first tree alone."""
        if not self._definition.trees:
            return set()
        found = {one for district in self._definition.districts_below[unit] for one in self._definition.path(district)}
        return {one for one in found if self._definition.tree_of(one) is not None}

    def name(self, contest: str, unit: str) -> str:
        """The name of a contest that is held in a unit."""
        return contest if unit == self._definition.country else f"{contest}/{unit}"

    def _whole(self, unit: str, held: set[str], above: set[str]) -> list[str]:
        """The units that are held whole, from this one down; those below one of them are not named again.

        A unit that some source tells as one may be held by itself. `above` are the units at and above what is held.
        """
        if unit not in above:
            return []
        if unit in held or held.issuperset(self._definition.districts_below[unit]):
            return [unit]
        below = sorted(self._definition.children[unit])
        return [whole for child in below for whole in self._whole(child, held, above)]


class Relayed(NamedTuple):
    """The order that a record relays, and whether it stands: the first record of its order does, and a repetition."""

    record: Gate | Override
    stands: bool


class Relay(NamedTuple):
    """What an order came to in a cell, and since when (milliseconds since 1970)."""

    since_ms: int
    record: Gate | Override


class Relays:
    """The fold of the totals topic. Feed it every record in order.

    A gate that stands is one of which nothing newer with the same number came, as each reader has settled it; see
    `schemas.asides`.
    """

    def __init__(self, definition: Election) -> None:
        self.on_air: Final = OnAir(definition)
        self._gates: dict[Cell, dict[int, Gate]] = {}
        self._overrides: dict[Cell, dict[int, Override]] = {}
        self._times_ms: dict[tuple[Cell, int], int] = {}
        self._reported_ms: dict[Cell, int] = {}
        self._shared: dict[tuple[type[Gate | Override], Cell], int] = {}
        """The newest orders that were relayed under a key which all orders of the cell share, as in older logs."""

    def fold(self, key: bytes | None, value: bytes | None, appended_ms: int = 0) -> Relayed | None:
        """Fold one record, appended at this time (milliseconds since 1970). Returns what it relays, as written.

        `None` where it relays none, or cannot be used.
        """
        relayed = self._fold(key, value, appended_ms)
        if relayed is not None:
            cell, number = relayed.record.cell, relayed.record.number
            self._times_ms.setdefault((cell, number), appended_ms)
            if not names_order(key):
                shared = type(relayed.record), cell
                self._shared[shared] = max(number, self._shared.get(shared, -1))
        return relayed

    def _fold(self, key: bytes | None, value: bytes | None, appended_ms: int) -> Relayed | None:
        try:
            if is_gate(key):
                return self._fold_gate(parse_gate(value or b""))
            if is_override(key):
                return self._fold_override(parse_override(value or b""))
        except ValidationError:
            return None
        cell = self.on_air.fold(key, value)
        if cell is not None:
            self._reported_ms[cell] = appended_ms
        return None

    def reported_ms(self, cell: Cell) -> int | None:
        """When the newest totals of a cell were published (milliseconds since 1970); `None` where none were."""
        return self._reported_ms.get(cell)

    def gate(self, cell: Cell, number: int) -> Gate | None:
        """The gate of an order as it stands; `None` where the topic has none of this order in this cell."""
        return self._gates.get(cell, {}).get(number)

    def orders(self, cell: Cell) -> list[Relay]:
        """What every order came to in a cell, in their order, as far as compaction has left it in the topic.

        Orders are relayed one after the other. So one took effect no later than the next did, though what is left of it
        may be what was said again later.
        """
        found: dict[int, Gate | Override] = {**self._gates.get(cell, {}), **self._overrides.get(cell, {})}
        relays: list[Relay] = []
        since_ms: int | None = None
        for number in sorted(found, reverse=True):
            appended_ms = self._times_ms[cell, number]
            since_ms = appended_ms if since_ms is None else min(since_ms, appended_ms)
            relays.append(Relay(since_ms, found[number]))
        return relays[::-1]

    def has_lost(self, order: Gate | Override) -> bool:
        """Whether compaction may have removed what the order came to: in older logs, whose orders shared a key."""
        kept = self._gates if isinstance(order, Gate) else self._overrides
        newest = self._shared.get((type(order), order.cell), -1)
        return order.number < newest and order.number not in kept.get(order.cell, {})

    @property
    def cells(self) -> Collection[Cell]:
        """The cells of which any order was relayed."""
        return self._gates.keys() | self._overrides.keys()

    def _fold_gate(self, gate: Gate) -> Relayed | None:
        cell, number = gate.cell, gate.gate
        if not self.on_air.definition.knows(cell, gate.program.votes if gate.program else ()):
            return None
        gates = self._gates.setdefault(cell, {})
        stands = gate.supersedes(gates.get(number))
        settled = self.on_air.fold_gate(gate)
        if stands:
            gates[number] = settled or gate
        return Relayed(gate, stands)

    def _fold_override(self, override: Override) -> Relayed | None:
        cell, number = override.cell, override.override
        if not self.on_air.definition.knows(cell, override.candidates):
            return None
        self.on_air.fold_override(override)
        overrides = self._overrides.setdefault(cell, {})
        first = overrides.get(number)
        stands = first is None or (first.version is None and override.version is not None)
        if stands:
            overrides[number] = override
        return Relayed(override, stands)
