"""Who may see what: read tokens (JWT) in, what their bearer may do out. Pure: the clock's time is handed in.

A key decides by which algorithm a token is checked; what the token says about itself is only compared with that. So a
token without a signature is refused, and so is one that takes a public key for a shared secret.

| scope          | sees                                                    |
|----------------|---------------------------------------------------------|
| `public`       | what is on air: nothing in numbers during an embargo    |
| `control_room` | everything, at once                                     |
| `operator`     | the same, and whatever is for operators                 |
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWS
from jwt.exceptions import DecodeError, InvalidAlgorithmError, InvalidTokenError, PyJWTError
from pydantic import Field, ValidationError

from schemas.errors import SandikError, UsageError
from schemas.fields import Frozen
from schemas.wire import Scope
from tabulation.orders.effects import Embargo

AUDIENCE: Final = "sandik"
"""What a token's `aud` must name: a token made for something else is not for us, even if the key is shared."""

ANY_RUN: Final = "*"

MIN_SECRET_BYTES: Final = 32
"""RFC 7518 section 3.2: a secret for HS256 is at least as long as its hash."""

MAX_SECRET_BYTES: Final = 4_096
"""A file that is longer than any key: somebody gave the wrong one."""

MAX_TOKEN_CHARS: Final = 2_048
"""A token of ours has 250; one for thirty runs by name has 1,500. It must fit into a URL beside the rest."""

MAX_TOKENS_KEPT: Final = 4_096
"""Good tokens whose signature is not checked again: some 4 MiB; an Ed25519 check takes 0.2 ms, all else less."""

_MAX_NAME_CHARS: Final = 200
_MAX_RUNS: Final = 100
_LAST_MOMENT: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp()

Algorithm = Literal["HS256", "EdDSA"]
PublicAccess = Literal["open", "token"]
"""Whether the public needs a token."""

RefusalCode = Literal[
    "missing_token",
    "two_tokens",
    "no_keys",
    "malformed",
    "bad_signature",
    "wrong_audience",
    "wrong_run",
    "not_yet",
    "expired",
]
_RANKS: Final[dict[Scope, int]] = {"public": 0, "control_room": 1, "operator": 2}


class TokenRefused(SandikError):
    """A token that is refused. The message never repeats it."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code: Final = code


@dataclass(frozen=True, slots=True)
class Key:
    """A key by which tokens are checked: a shared secret, or a public key as PEM. Never shown."""

    algorithm: Algorithm
    material: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody may do, and until when. With `program` they look at what is on air, whatever else they may see."""

    scope: Scope = "public"
    subject: str | None = None
    expires: datetime | None = None
    program: bool = False

    @property
    def watches(self) -> Scope:
        """Whose figures they are shown."""
        return "public" if self.program else self.scope

    def allows(self, scope: Scope) -> bool:
        """Whether the grant is for this scope or a wider one."""
        return _RANKS[self.scope] >= _RANKS[scope]

    def has_expired(self, now: datetime) -> bool:
        """Whether it is over."""
        return self.expires is not None and now >= self.expires


PUBLIC: Final = Grant()
"""Whoever brings no token."""


def may_see_numbers(scope: Scope, embargo: Embargo, now: datetime) -> bool:
    """Whether figures of the night may go to this scope at this moment: the one rule, asked at every door."""
    return _RANKS[scope] >= _RANKS["control_room"] or not embargo.is_in_force(now)


class _Claims(Frozen):
    """What a token says, after its signature was found good."""

    sub: Annotated[str, Field(min_length=1, max_length=_MAX_NAME_CHARS)]
    scope: Scope
    run: str | Annotated[tuple[str, ...], Field(max_length=_MAX_RUNS)]
    aud: str | Annotated[tuple[str, ...], Field(max_length=_MAX_RUNS)]
    exp: Annotated[float, Field(ge=0, le=_LAST_MOMENT, strict=False)]
    nbf: Annotated[float, Field(ge=0, le=_LAST_MOMENT, strict=False)] = 0.0


class _Known(NamedTuple):
    """A token with a good signature: what it says, and what it grants while it holds."""

    claims: _Claims
    grant: Grant


class TokenCheck:
    """Checks read tokens for one run, with the keys that are in use: several while one takes over from another."""

    def __init__(self, keys: Sequence[Key], run: str) -> None:
        self._keys = [(PyJWS(algorithms=[key.algorithm]), key.algorithm, _prepared(key)) for key in keys]
        self._run = run
        self._good: dict[str, _Known] = {}

    def grant(self, token: str, now: datetime) -> Grant:
        """What the token's bearer may do. Raises `TokenRefused`."""
        if not self._keys:
            raise TokenRefused(
                "no_keys", "This gateway has no key to check tokens with. Leave the token out, or give it --token-key."
            )
        claims, grant = self._good.get(token) or self._verified(token)
        if AUDIENCE not in _listed(claims.aud):
            raise TokenRefused("wrong_audience", f"The token is for something else: its 'aud' is not {AUDIENCE!r}.")
        if not {self._run, ANY_RUN} & set(_listed(claims.run)):
            raise TokenRefused("wrong_run", f"The token is not for run {self._run!r}. Ask for one that names it.")
        if now.timestamp() < claims.nbf:
            raise TokenRefused("not_yet", f"The token holds from {_moment(claims.nbf)} on. Come back then.")
        if now.timestamp() >= claims.exp:
            raise TokenRefused("expired", f"The token held until {_moment(claims.exp)}. Ask for a new one.")
        return grant

    def _verified(self, token: str) -> _Known:
        """Return what a token with a good signature says. It is kept: who reconnects brings the same token.

        What depends on the moment is checked anew each time.
        """
        claims = self._claims(self._signed(token))
        expires = datetime.fromtimestamp(claims.exp, UTC)
        known = _Known(claims, Grant(scope=claims.scope, subject=claims.sub, expires=expires))
        if len(self._good) >= MAX_TOKENS_KEPT:
            del self._good[next(iter(self._good))]
        self._good[token] = known
        return known

    def _signed(self, token: str) -> bytes:
        """The payload, if one of the keys has signed it."""
        if len(token) > MAX_TOKEN_CHARS or not token.isascii():
            raise _malformed(f"a token is ASCII and has {MAX_TOKEN_CHARS} characters at most")
        for jws, algorithm, key in self._keys:
            try:
                payload: bytes = jws.decode(token, key=key, algorithms=[algorithm])
            except InvalidAlgorithmError:
                continue
            except DecodeError as error:
                if type(error) is DecodeError:  # those derived from it are about the signature
                    raise _malformed("it is not three parts in base64url with a header in JSON") from None
            except (InvalidTokenError, PyJWTError):
                raise _malformed("its header asks for something that is not supported") from None
            else:
                return payload
        raise TokenRefused(
            "bad_signature", "The token was not signed with a key of this gateway. Ask its operator for a new one."
        )

    @staticmethod
    def _claims(payload: bytes) -> _Claims:
        try:
            return _Claims.model_validate_json(payload)
        except ValidationError as error:
            names = sorted({str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]})
            what = f"check its {', '.join(names)}" if names else "its payload is no JSON object"
            raise _malformed(f"{what}; a token has sub, scope, run, aud, exp") from None


def sign(
    key: "SigningKey", *, subject: str, scope: Scope, runs: Iterable[str], now: datetime, expires: datetime
) -> str:
    """A read token. Raises `UsageError` for claims that no gateway would take."""
    named = list(runs)
    claims = {
        "sub": subject,
        "scope": scope,
        "run": named[0] if len(named) == 1 else named,
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int(expires.timestamp()),
    }
    payload = orjson.dumps(claims)
    try:
        _Claims.model_validate_json(payload)
    except ValidationError as error:
        where = ", ".join(str(one["loc"][0]) for one in error.errors(include_input=False))
        raise UsageError(f"No token can have such a claim: {where}. Choose other values.") from None
    token = PyJWS(algorithms=[key.algorithm]).encode(payload, key.material, algorithm=key.algorithm)
    if len(token) > MAX_TOKEN_CHARS:
        raise UsageError(f"The token would have more than {MAX_TOKEN_CHARS} characters. Name fewer runs, or '*'.")
    return token


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that makes tokens: a shared secret, or a private key as PEM. Never shown."""

    algorithm: Algorithm
    material: bytes = field(repr=False)


def _prepared(key: Key) -> bytes | Ed25519PublicKey:
    """The key as the library wants it, parsed once."""
    if key.algorithm == "HS256":
        return key.material
    public = load_pem_public_key(key.material)
    if not isinstance(public, Ed25519PublicKey):
        raise UsageError("A public key for tokens must be an Ed25519 one. Make a pair with sandik token --new-key.")
    return public


def _malformed(why: str) -> TokenRefused:
    return TokenRefused("malformed", f"This is no token that can be read: {why}.")


def _listed(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _moment(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="seconds")
