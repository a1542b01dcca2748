"""What the totals topic says of every order that was relayed into it, not of the newest alone. Pure.

Whoever serves the present needs `on_air` and no more. The past needs what each order came to when it was relayed, and
which version of a cell's totals had been published by then. The owner of a cell needs both, to say again what a later
record has put out of reach of compaction. See docs/decisions/past.md.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.definition import Election
from schemas.gate import Gate, is_gate, parse_gate
from schemas.override import Override, is_override, parse_override
from schemas.totals import Cell, names_order
from tabulation.on_air.cells import OnAir


class Relayed(NamedTuple):
    """What one record relays, and whether it stands: whether it is the first of its order, or says it again."""

    record: Gate | Override
    stands: bool


class Relay(NamedTuple):
    """What an order came to in a cell, and since when (milliseconds since 1970)."""

    since_ms: int
    record: Gate | Override


class Relays:
    """The fold of the totals topic. Feed it every record in order.

    A gate that stands is one of which nothing newer with the same number came, as each reader has settled it; see
    `schemas.gate`.
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
        """Fold one record, appended at this time (milliseconds since 1970), and say what it relays, as it was written.

        `None` where it relays nothing, or cannot be used.
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
        """What every order came to in a cell, as far as the topic still says it, in their order.

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
        """Whether the order may have been relayed though the topic does not say so any more: in an older log."""
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
