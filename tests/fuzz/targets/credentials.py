"""Tokens and keys: read tokens with a good signature on any claims, and the files of keys."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.admission.access import Key, TokenCheck, TokenRefused
from gateway.admission.keys import read_key, read_signing_key
from sandik.options import operator_keys, order_signer
from schemas.errors import UsageError
from tests.fuzz.target import Opened, Target, expect
from tests.gateway.tokens import EDDSA, HS256, NOW, PUBLIC_PEM, SECRET, SIGN_EDDSA, claims, forged, token

_PRIVATE: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_OPENSSH: Final = _PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
_HEADER: Final = {"alg": "HS256", "typ": "JWT"}

TOKENS: Final = (
    *(token(now=NOW).encode(), token(now=NOW, key=SIGN_EDDSA, scope="operator").encode()),
    *(
        orjson.dumps(header) + b"\n" + orjson.dumps(claims(exp=2**32, **more))
        for header in (_HEADER, {"alg": "none"}, {"alg": "EdDSA"}, {**_HEADER, "crit": ["b64"], "b64": False})
        for more in ({}, {"nbf": 1, "run": ["night", "*"], "aud": ["sandik"]})
    ),
)
KEYS: Final = (PUBLIC_PEM, SIGN_EDDSA.material, SECRET + b"\n", _OPENSSH)


@contextmanager
def opened() -> Iterator[Opened]:
    """With a folder for the files of keys."""
    check_ = TokenCheck([HS256, EDDSA], "night")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "key"

        def check(data: bytes) -> None:
            _check_token(check_, data)
            if len(data) < 10_000:
                file.write_bytes(data)
                _check_key(file)

        yield Opened((*TOKENS, *KEYS), check)


def _check_token(check: TokenCheck, data: bytes) -> None:
    """A token, and what it would be with a good signature: a grant for a time, or a refusal that does not repeat it."""
    texts = [data.decode("latin-1")]
    header, _, said = data.partition(b"\n")
    with suppress(ValueError):
        texts.append(_signed(header, said))
    for text in texts:
        try:
            grant = check.grant(text, NOW)
        except TokenRefused as refused:
            expect(len(text) < 20 or text not in str(refused), "a refusal repeats the token")
            continue
        expect(grant.expires is not None and grant.expires > NOW, "a grant has no end")
        expect(grant == check.grant(text, NOW), "a token is judged in two ways")
        grant.has_expired(NOW + timedelta(days=1))


def _signed(header: bytes, said: bytes) -> str:
    return forged(orjson.Fragment(said), header=orjson.Fragment(header))


def _check_key(file: Path) -> None:
    try:
        key: Key | None = read_key(file)
    except UsageError:
        key = None
    if key is not None:
        TokenCheck([key], "night")
    for read in (read_signing_key, order_signer, lambda file: operator_keys([file])):
        try:
            read(file)
        except UsageError as error:
            expect(b"PRIVATE" not in str(error).encode() or "private" in str(error).lower(), "a key is shown")


TARGET: Final = Target("credentials", "tokens, also with a good signature on them, and files of keys", 60, opened)
