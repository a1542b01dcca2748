"""What a seed's operators order, and with which keys: one whose key everybody has, one whose key may be missing.

In some nights orders are signed. Then a stranger without a key that anybody trusts gives orders, too, which must let
nothing out.
"""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eventlog.port import Entry
from schemas.control import (
    DefinitionAmended,
    EmbargoLifted,
    EmbargoSet,
    FigureOverridden,
    Held,
    Order,
    OverrideWithdrawn,
    QuarantineReleased,
    Released,
    Taken,
)
from schemas.trust import OperatorKey, OrderSigner, encode_order
from tests.builders import DISTRICTS, NIGHT

RUN: Final = "night"
EPOCH: Final = "e1e1"
CONTESTS: Final = ("mayor", "district_mayor")
SOURCES: Final = ("aa", "anka")
CANDIDATES: Final = {"mayor": ("imamoglu", "kurum", "bagimsiz_1"), "district_mayor": ("chp",)}

_SIGNED: Final = 0.3
"""The part of all nights in which orders are signed."""

_KINDS: Final[tuple[type[Order], ...]] = (
    Held,
    Held,
    Released,
    Taken,
    EmbargoSet,
    EmbargoLifted,
    FigureOverridden,
    FigureOverridden,
    OverrideWithdrawn,
)
_ONES: Final[tuple[type[Order], ...]] = (Held, Released, EmbargoSet, EmbargoLifted)
"""What the operator orders whose key may be missing. Figures that cannot be verified are not set, and a `taken` shows
what was shown before: so says the product, and so these would come to something else than they do with the key."""

_LOOSE: Final[tuple[type[Order], ...]] = (Released, Taken, EmbargoLifted, FigureOverridden, OverrideWithdrawn)
"""What would show more, or something else: what a stranger orders."""


class Operators:
    """Who gives orders in the night of a seed."""

    def __init__(self, seed: object) -> None:
        chance = random.Random(f"operators-{seed}")
        self.sign: Final = chance.random() < _SIGNED
        self.first, self.second, self.stranger = (_signer(chance) for _ in range(3))

    @property
    def keys(self) -> tuple[OperatorKey, ...]:
        """The keys that a process is to have."""
        return (self.first.public, self.second.public) if self.sign else ()

    @property
    def fewer_keys(self) -> tuple[OperatorKey, ...]:
        """The keys of a process that one was forgotten for."""
        return self.keys[:1]

    def order(self, number: int, chance: random.Random) -> tuple[Entry, bool]:
        """An order of anybody about anything, and whether it counts where all keys are known."""
        signer, kinds = self.first, _KINDS
        if self.sign:
            who = chance.random()
            if who < 0.15:
                signer, kinds = self.stranger, _LOOSE
            elif who < 0.6:
                signer, kinds = self.second, _ONES
        kind = chance.choice(kinds)
        order = kind(**_told(f"order-{number:04}"), **_about(kind, chance))
        return self._entry(order, signer), signer is not self.stranger

    def release_everything(self) -> tuple[Entry, ...]:
        """What ends every hold and every embargo."""
        orders: Sequence[Order] = [
            EmbargoLifted(**_told("the-end-0")),
            *(Released(**_told(f"the-end-{contest}"), contest=contest, unit=None) for contest in CONTESTS),
        ]
        return tuple(self._entry(order, self.first) for order in orders)

    def letting_out(self, position: str) -> Entry:
        """What says that a record was let out of quarantine."""
        order = QuarantineReleased(**_told(f"out-{position.rpartition('.')[2]}"), position=position)
        return self._entry(order, self.first)

    def amending(self, name: str, *, stranger: bool, **about: Any) -> Entry:
        """What amends the definition."""
        return self._entry(DefinitionAmended(**_told(name), **about), self.stranger if stranger else self.first)

    def _entry(self, order: Order, signer: OrderSigner) -> Entry:
        return Entry(b"order", encode_order(order, signer if self.sign else None))


def _signer(chance: random.Random) -> OrderSigner:
    return OrderSigner(Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)))


def _told(order_id: str) -> dict[str, Any]:
    return {"run": RUN, "epoch": EPOCH, "id": order_id, "by": "Ayşe", "at": NIGHT, "reason": "a test"}


def _about(kind: type[Order], chance: random.Random) -> dict[str, Any]:
    """What an order of this kind is about."""
    contest = chance.choice(CONTESTS)
    if kind in {Held, Released, Taken}:
        return {"contest": contest, "unit": chance.choice([None, "tr/34", *DISTRICTS])}
    if kind is EmbargoSet:
        return {"until": chance.choice([None, NIGHT + timedelta(seconds=chance.randint(0, 20))])}
    if kind is EmbargoLifted:
        return {}
    where = {"contest": contest, "source": chance.choice(SOURCES), "unit": chance.choice(DISTRICTS)}
    if kind is OverrideWithdrawn:
        return where
    names = ["boxes_opened", "registered", "cast", "valid", *(f"votes.{one}" for one in CANDIDATES[contest])]
    return where | {"figures": {name: chance.randint(0, 500) for name in chance.sample(names, 2)}}
