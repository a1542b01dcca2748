"""Orders and keys for tests of every layer."""

import itertools
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.control import Order
from schemas.trust import OrderSigner, encode_order
from tests.builders import NIGHT

RUN, EPOCH = "night", "e1e1"
_ids = itertools.count()

Kind = type[Order]


def order(kind: Kind, *, run: str = RUN, epoch: str = EPOCH, **fields: Any) -> Order:
    """An order of this kind that no other order is."""
    said: dict[str, Any] = {
        "run": run,
        "epoch": epoch,
        "id": f"order-{next(_ids):08}",
        "by": "Ayşe",
        "at": NIGHT,
        "reason": "a test",
    }
    return kind(**(said | fields))


def written(kind: Kind, signer: OrderSigner | None = None, **fields: Any) -> bytes:
    """The bytes of an order of this kind."""
    return encode_order(order(kind, **fields), signer)


def new_signer() -> OrderSigner:
    """An operator's key that nobody else has."""
    return OrderSigner(Ed25519PrivateKey.generate())
