"""Signing orders and verifying them. Pure: keys and bytes in, verdicts out.

The signature covers the record's JSON without the signature itself, keys sorted, behind a line with its purpose. That
JSON is taken from the bytes in the log and not from the model, so that it covers fields which a later version adds.
"""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, get_args

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import ValidationError

from schemas.amendments import FIRST_VERSION, MAX_AMENDMENT_BYTES, Amended, amended_as
from schemas.control import (
    ORDER,
    CallWithdrawn,
    DefinitionAmended,
    EmbargoSet,
    FigureOverridden,
    Held,
    Mode,
    Order,
    ReplayOrder,
    is_amendment,
    unknown_in,
)
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.fields import first_fault

MAX_ORDER_BYTES: Final = 16 * 1024
"""The largest order: a reason of 500 characters and a signature make 2.5 KiB; the rest is for fields to come."""

_PURPOSE: Final = b"sandik.control.v1\n"
"""Keeps a signature on an order from being valid for anything else that the same key may sign."""

_FINGERPRINT_CHARS: Final = 16
_SIGNATURE_BYTES: Final = 64
"""RFC 8032 section 5.1.6: an Ed25519 signature is two halves of 32 bytes."""

RESTRICTIONS: Final = (EmbargoSet, Held, CallWithdrawn)
"""The orders by which the public sees less, and never more. That an embargo may end earlier than the one that stands is
seen to by the fold of restrictions (`tabulation.orders.effects`)."""

MISSED: Final = (FigureOverridden, DefinitionAmended)
"""The orders that an operator may have meant, and that have no effect where they cannot be verified."""


class OperatorKey:
    """An operator's public key, with which orders are verified. The audit names it by its `fingerprint`.

    Orders of an operator who has left count where they were appended before `trusted_until`.
    """

    def __init__(self, key: Ed25519PublicKey, trusted_until: datetime | None = None) -> None:
        self._key = key
        self.trusted_until: Final = trusted_until
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.fingerprint: Final = sha256(raw).hexdigest()[:_FINGERPRINT_CHARS]

    @classmethod
    def from_pem(cls, pem: bytes, trusted_until: datetime | None = None) -> "OperatorKey":
        """Read the key from PEM. Raises `UsageError`."""
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise UsageError("That is no public Ed25519 key in PEM. Make a pair with sandik token --new-key FILE.")
        return cls(key, trusted_until)

    def has_signed(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's on the message."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class OrderSigner:
    """An operator's private key, with which orders are signed. It is never shown."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def from_pem(cls, pem: bytes) -> "OrderSigner":
        """Read the key from PEM. Raises `UsageError`."""
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise UsageError("That is no private Ed25519 key in PEM without a password. Orders are signed with one.")
        return cls(key)

    @property
    def public(self) -> OperatorKey:
        """The key that verifies what this one signs."""
        return OperatorKey(self._key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Return the signature on the message."""
        return self._key.sign(message)


def encode_order(order: Order, signer: OrderSigner | None) -> bytes:
    """Encode the record value, with a signature if there is a key."""
    fields = orjson.loads(order.model_dump_json())
    if signer is not None:
        fields["signature"] = base64.b64encode(signer.sign(_message(fields))).decode()
    return orjson.dumps(fields)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of verifying a record of the control topic: `order` is its content, `None` where that is unreadable.

    The order counts where `refusal` is `None`. `key` is the fingerprint of the key that has signed it. An order that
    does not count may still be `kept`: it restricts what the public sees, and has a signature of an unknown key. Of
    figures set by hand, and of amendments of the definition, that is `missed`: an operator may have meant them.
    """

    offset: int
    order: Order | None
    key: str | None = None
    refusal: str | None = None
    kept: bool = False
    missed: bool = False

    @property
    def counts(self) -> bool:
        """Whether the order has effect."""
        return self.refusal is None

    @property
    def stands(self) -> bool:
        """Whether the order changes what is on air: it counts, or is a restriction that is kept."""
        return self.counts or self.kept

    @property
    def effect(self) -> str:
        """The result in words that end a sentence."""
        if self.kept:
            return f"cannot be verified, and is kept: {self.refusal}"
        return "counts" if self.refusal is None else f"has no effect: {self.refusal}"


class OrderVerifier:
    """Verifies the records of a run's control topic one after the other, and returns whether each counts.

    Call order: `verify()` for every record in the log's order, `move_to()` where a replay epoch begins; `consider()` at
    any time for a record that is not in the log yet.

    With operators' keys an order counts only where one of them has signed it. Without keys every valid order counts,
    except in a live run, where none does. A key may be trusted until a time: an order counts if it was appended before.

    Where orders have to be signed, one that restricts what the public sees (`RESTRICTIONS`), and whose signer is not
    known, is kept if nothing else is wrong with it. So what cannot be verified never shows more, and a missing key
    never shows what is forbidden.

    An order is for one epoch: what was held or called before a replay epoch has no effect in it. Only a director's
    orders are for every epoch that the run has had, since one may begin while they are on their way.
    """

    def __init__(self, run: str, epoch: str, mode: Mode, definition: Election, keys: Sequence[OperatorKey]) -> None:
        """`definition` is the one that the run began with."""
        self.definition = definition
        """The one in force after the orders that were verified."""
        self.amendments: list[Amended] = []
        """Those that have made it, in their order."""
        self._run = run
        self._epoch = epoch
        self._mode = mode
        self._base = definition
        self._keys = keys
        self._seen: set[str] = set()
        """The ids of orders that count, of this epoch alone but for a director's."""
        self._directed: set[str] = set()
        """The ids of a director's among them, which are for every epoch."""
        self._kept: set[object] = set()
        self._epochs = {epoch}

    def move_to(self, epoch: str) -> None:
        """Begin another epoch: from here on orders have to be for it, and nothing is amended in it yet."""
        self._epoch = epoch
        self._seen = self._directed.copy()
        self.definition, self.amendments = self._base, []

    def verify(self, offset: int, value: bytes | None, appended_ms: int) -> Verdict | None:
        """Verify the next record, appended at this time (milliseconds since 1970), and remember that it came.

        Returns `None` for one that is no order: it creates the run, or is of a kind that a later release adds.
        """
        verdict = self.consider(offset, value, appended_ms)
        if verdict is None:
            self._begin(value)
        elif verdict.order is not None and verdict.counts:
            self._seen.add(verdict.order.id)
            if isinstance(verdict.order, ReplayOrder):
                self._directed.add(verdict.order.id)
            if isinstance(verdict.order, DefinitionAmended):
                self._amend(verdict.order.relayed(offset))
        elif verdict.kept or verdict.missed:
            self._kept.add(orjson.loads(value or b"{}")["signature"])
        return verdict

    def consider(self, offset: int, value: bytes | None, appended_ms: int) -> Verdict | None:
        """Return the verdict that the record would get if it came next, at this time (milliseconds since 1970)."""
        try:
            fields = orjson.loads(value or b"")
            kind = fields["type"]
            if kind in _BEGINNINGS and not isinstance(fields.get("epoch", ""), str):
                return Verdict(offset, None, refusal="it begins an epoch and does not name it")
            if kind not in _KINDS:
                return None
            if (refusal := _unfit(kind, value or b"")) is not None:
                return Verdict(offset, None, refusal=refusal)
            order = ORDER.validate_json(orjson.dumps(fields))
        except ValidationError as error:
            return Verdict(offset, None, refusal=f"it cannot be read: {first_fault(error)}")
        except (ValueError, LookupError, TypeError):
            return Verdict(offset, None, refusal="it is no JSON object with a type")
        return self._verdict(offset, order, fields, _appended(appended_ms))

    def _verdict(self, offset: int, order: Order, fields: dict[str, object], appended: datetime) -> Verdict:
        signature = _signature(fields)
        key = self._signer(signature, fields)
        distrust, fault = self._distrust(key, appended), self._fault(order, appended)
        is_unknown = signature is not None and key is None and fields["signature"] not in self._kept
        may_be_ours = distrust is not None and fault is None and is_unknown
        return Verdict(
            offset,
            order,
            key.fingerprint if key else None,
            distrust or fault,
            kept=may_be_ours and isinstance(order, RESTRICTIONS),
            missed=may_be_ours and isinstance(order, MISSED),
        )

    def _amend(self, amendment: Amended) -> None:
        self.definition = amended_as(self.definition, amendment)
        self.amendments.append(amendment)

    def _begin(self, value: bytes | None) -> None:
        fields = orjson.loads(value or b"{}")
        if fields["type"] in _BEGINNINGS:
            self._epochs.add(fields.get("epoch", ""))

    def _signer(self, signature: bytes | None, fields: dict[str, object]) -> OperatorKey | None:
        if signature is None:
            return None
        message = _message(fields)
        return next((key for key in self._keys if key.has_signed(signature, message)), None)

    def _distrust(self, key: OperatorKey | None, appended: datetime) -> str | None:
        """Return why an order that this key signed, and that was appended at this time, is not trusted; else `None`."""
        if key is not None and key.trusted_until is not None and appended >= key.trusted_until:
            return f"its operator was trusted until {_time(key.trusted_until)}, and it came at {_time(appended)}"
        if self._keys and key is None:
            return "no trusted operator has signed it"
        if not self._keys and self._mode == "live":
            return "the run is live, and no operator's key was given to verify orders with"
        return None

    def _fault(self, order: Order, appended: datetime) -> str | None:
        """Return why an order has no effect, whoever signed it; else `None`."""
        if order.is_late(appended):
            return f"it was to be delivered by {_time(order.deliver_by)}, and came at {_time(appended)}"
        if order.id in self._seen:
            return "it was given before: an order counts once"
        return self._misdirected(order) or self._out_of_turn(order) or unknown_in(order, self.definition)

    def _out_of_turn(self, order: Order) -> str | None:
        in_force = FIRST_VERSION + len(self.amendments)
        if isinstance(order, DefinitionAmended) and order.version != in_force + 1:
            return f"it makes version {order.version} of the definition, and version {in_force} is in force"
        return None

    def _misdirected(self, order: Order) -> str | None:
        if order.run != self._run:
            return "it was given for another run"
        is_directors = isinstance(order, ReplayOrder)
        if is_directors and self._mode != "replay":
            return f"the run is no replay: it is {self._mode}"
        if order.epoch not in (self._epochs if is_directors else {self._epoch}):
            return "it was given for another epoch of the run"
        return None


def most_bytes(kind: str) -> int:
    """How large an order of this kind may be."""
    return MAX_AMENDMENT_BYTES if kind == _AMENDMENT else MAX_ORDER_BYTES


def _unfit(kind: str, value: bytes) -> str | None:
    """Return what is wrong with the bytes of an order of this kind, whatever it says; else `None`."""
    if len(value) > most_bytes(kind):
        return f"it has more than {most_bytes(kind)} bytes"
    if kind == _AMENDMENT and not is_amendment(value):  # who looks for amendments alone does not find it
        return "it writes its type with escapes"
    return None


def _signature(fields: dict[str, object]) -> bytes | None:
    """Return the signature of an order, `None` where there is none of the right length and form."""
    signature = fields.get("signature")
    if not isinstance(signature, str):
        return None
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        return None
    # Base64 has several texts for the same bytes. Only the canonical one is accepted, so that an order which is kept is
    # recognised when it is played again.
    is_canonical = base64.b64encode(raw).decode() == signature
    return raw if is_canonical and len(raw) == _SIGNATURE_BYTES else None


def _appended(appended_ms: int) -> datetime:
    """Convert an append time. One beyond the calendar becomes its end: too late for every order that has a limit."""
    try:
        return _EPOCH + timedelta(milliseconds=appended_ms)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment is not None else ""


def _message(fields: dict[str, object]) -> bytes:
    unsigned = {name: value for name, value in fields.items() if name != "signature"}
    return _PURPOSE + orjson.dumps(unsigned, option=orjson.OPT_SORT_KEYS)


_AMENDMENT: Final[str] = DefinitionAmended.model_fields["type"].default
_KINDS: Final[Collection[str]] = frozenset(kind.model_fields["type"].default for kind in get_args(Order))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEGINNINGS: Final[Collection[str]] = frozenset({"run_created", "epoch_begun"})
