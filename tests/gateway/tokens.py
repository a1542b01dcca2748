"""Tokens for tests: good ones, and the bad ones that nobody's library would make."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.admission.access import Key, SigningKey, sign
from schemas.wire import Scope

NOW: Final = datetime(2024, 3, 31, 18, tzinfo=UTC)
SECRET: Final = b"a secret for the tests, long enough, and nobody's"
HS256: Final = Key("HS256", SECRET)
SIGN_HS256: Final = SigningKey("HS256", SECRET)

_PRIVATE: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_PEM: Final = _PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
EDDSA: Final = Key("EdDSA", PUBLIC_PEM)
SIGN_EDDSA: Final = SigningKey("EdDSA", _PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def token(
    scope: Scope = "control_room",
    *,
    key: SigningKey = SIGN_HS256,
    runs: tuple[str, ...] = ("night",),
    now: datetime | None = None,
    lasts: timedelta = timedelta(hours=1),
) -> str:
    """A good token."""
    now = now or datetime.now(UTC)
    return sign(key, subject="tests", scope=scope, runs=runs, now=now, expires=now + lasts)


def forged(claims: Any, *, header: Any = None, secret: bytes = SECRET) -> str:
    """A token made by hand: any header, any claims, signed with HMAC whatever the header says."""
    header = {"alg": "HS256", "typ": "JWT"} if header is None else header
    signed = b".".join(_encoded(orjson.dumps(part)) for part in (header, claims))
    return b".".join([signed, _encoded(hmac.new(secret, signed, hashlib.sha256).digest())]).decode()


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims, changed; a change to `None` takes one out."""
    good = {
        "sub": "tests",
        "scope": "control_room",
        "run": "night",
        "aud": "sandik",
        "exp": int(NOW.timestamp()) + 3600,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")
