from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.access import (
    MAX_TOKEN_CHARS,
    MAX_TOKENS_KEPT,
    PUBLIC,
    Grant,
    Key,
    RefusalCode,
    SigningKey,
    TokenCheck,
    TokenRefused,
    may_see_numbers,
    sign,
)
from schemas.errors import UsageError
from schemas.wire import Scope
from tabulation.orders.effects import NO_EMBARGO, Embargo
from tests.gateway.tokens import EDDSA, HS256, NOW, PUBLIC_PEM, SIGN_EDDSA, SIGN_HS256, claims, forged, token

CHECK = TokenCheck([HS256], "night")
SCOPES: tuple[Scope, ...] = get_args(Scope)


def refused(text: str, check: TokenCheck = CHECK, now: datetime = NOW) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        check.grant(text, now)
    for part in text.split("."):
        assert len(part) < 8 or part not in str(caught.value), "the message repeats the token"
    assert caught.value.code in get_args(RefusalCode)
    return caught.value


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("key", "signing"), [(HS256, SIGN_HS256), (EDDSA, SIGN_EDDSA)])
def test_a_good_token_grants_its_scope_until_it_expires(scope: Scope, key: Key, signing: SigningKey) -> None:
    text = token(scope, key=signing, now=NOW)
    expires = NOW + timedelta(hours=1)
    assert TokenCheck([key], "night").grant(text, NOW) == Grant(scope, "tests", expires)
    assert refused(text, TokenCheck([key], "night"), expires).code == "expired"


@pytest.mark.parametrize("run", ["night", ["other", "night"], "*", ["*"]])
def test_a_token_may_be_for_one_run_for_some_or_for_any(run: Any) -> None:
    assert CHECK.grant(forged(claims(run=run)), NOW).scope == "control_room"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"run": "other"}, "wrong_run"),
        ({"run": "nigh"}, "wrong_run"),
        ({"run": []}, "wrong_run"),
        ({"aud": "other"}, "wrong_audience"),
        ({"aud": ["other"]}, "wrong_audience"),
        ({"nbf": NOW.timestamp() + 1}, "not_yet"),
        ({"exp": NOW.timestamp()}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": None}, "malformed"),
        ({"exp": "tomorrow"}, "malformed"),
        ({"exp": 1e30}, "malformed"),
        ({"exp": -1}, "malformed"),
        ({"sub": None}, "malformed"),
        ({"sub": ""}, "malformed"),
        ({"aud": None}, "malformed"),
        ({"run": None}, "malformed"),
        ({"run": 7}, "malformed"),
        ({"scope": "root"}, "malformed"),
        ({"scope": ["operator"]}, "malformed"),
        ({"scope": None}, "malformed"),
    ],
)
def test_claims_that_do_not_hold_are_refused_by_name(changes: dict[str, Any], code: str) -> None:
    assert refused(forged(claims(**changes))).code == code


def test_a_token_is_good_from_nbf_on() -> None:
    text = forged(claims(nbf=NOW.timestamp()))
    assert CHECK.grant(text, NOW).scope == "control_room"
    assert refused(text, now=NOW - timedelta(seconds=1)).code == "not_yet"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None, "HS384", "HS512", "RS256", "EdDSA", "hs256", 7, []])
def test_the_key_decides_the_algorithm_and_not_the_token(alg: Any) -> None:
    assert refused(forged(claims(), header={"alg": alg, "typ": "JWT"})).code in {"bad_signature", "malformed"}


def test_a_token_without_a_signature_is_refused() -> None:
    header, payload, _ = forged(claims(), header={"alg": "none"}).split(".")
    for text in (f"{header}.{payload}.", f"{header}.{payload}"):
        assert refused(text).code in {"bad_signature", "malformed"}


def test_a_public_key_is_nobodys_secret() -> None:
    """The classic: the public key, which everybody has, taken as the secret of an HMAC."""
    check = TokenCheck([EDDSA], "night")
    for secret in (PUBLIC_PEM, PUBLIC_PEM.strip()):
        assert refused(forged(claims(), secret=secret), check).code == "bad_signature"
        assert refused(forged(claims(), secret=secret, header={"alg": "EdDSA"}), check).code == "bad_signature"
    assert refused(token(key=SIGN_EDDSA, now=NOW)).code == "bad_signature"


def test_a_public_key_of_another_kind_is_no_key_for_tokens() -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(UsageError, match="must be an Ed25519 one"):
        TokenCheck([Key("EdDSA", pem)], "night")


def test_a_header_brings_no_key_of_its_own() -> None:
    header = {"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}, "jku": "http://127.0.0.1/", "kid": "../../dev/null"}
    assert refused(forged(claims(), header=header, secret=b"\x00" * 32)).code == "bad_signature"
    assert refused(forged(claims(), header={"alg": "HS256", "crit": ["exp"], "exp": 1})).code == "malformed"


def test_one_key_takes_over_from_another() -> None:
    old, new = token(now=NOW), token(key=SIGN_EDDSA, now=NOW)
    both = TokenCheck([EDDSA, HS256], "night")
    assert both.grant(old, NOW).scope == both.grant(new, NOW).scope == "control_room"
    assert refused(old, TokenCheck([EDDSA], "night")).code == "bad_signature"


def test_without_a_key_no_token_is_good() -> None:
    assert "--token-key" in str(refused(token(now=NOW), TokenCheck([], "night")))


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "ş.ş.ş", "x" * (MAX_TOKEN_CHARS + 1), "e30.e30.e30", "\x00"])
def test_what_is_no_token_is_malformed(text: str) -> None:
    assert refused(text).code in {"malformed", "bad_signature"}


@pytest.mark.parametrize("payload", [[], "x", 7, None, [[[]]]])
def test_a_signed_payload_that_is_no_object_is_malformed(payload: Any) -> None:
    assert refused(forged(payload)).code == "malformed"


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda data: "e30." + data.hex() + ".AA"))
def test_any_text_is_refused_with_a_documented_code(text: str) -> None:
    refused(text)


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_a_token_with_one_character_changed_is_refused(place: int, character: str) -> None:
    text = forged(claims())
    place %= len(text)
    changed = text[:place] + character + text[place + 1 :]
    last = place == len(text) - 1  # its lowest bits are padding, so another letter may say the same
    if changed != text and not last:
        refused(changed)


def test_each_scope_includes_those_before_it() -> None:
    for held, scope in enumerate(SCOPES):
        assert [Grant(scope).allows(asked) for asked in SCOPES] == [held >= asked for asked in range(len(SCOPES))]
    assert PUBLIC.allows("public")
    assert not PUBLIC.allows("control_room")
    assert not PUBLIC.has_expired(NOW)


LIFT = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("embargo", "now", "public"),
    [
        (NO_EMBARGO, NOW, True),
        (Embargo(until=LIFT), NOW, False),
        (Embargo(until=LIFT), LIFT - timedelta(microseconds=1), False),
        (Embargo(until=LIFT), LIFT, True),
        (Embargo(until=LIFT, lifted=True), NOW, True),
        (Embargo(), datetime(9999, 1, 1, tzinfo=UTC), False),
    ],
)
def test_numbers_are_for_the_control_room_only_while_the_embargo_is_in_force(
    embargo: Embargo, now: datetime, public: bool
) -> None:
    seeing = {scope: may_see_numbers(scope, embargo, now) for scope in SCOPES}
    assert seeing == {"public": public, "control_room": True, "operator": True}


@pytest.mark.parametrize(
    "changes", [{"subject": ""}, {"runs": ("x" * 3_000,)}, {"runs": ("x",) * 101}, {"subject": "x" * 201}]
)
def test_nobody_signs_what_nobody_would_take(changes: dict[str, Any]) -> None:
    good: dict[str, Any] = {"subject": "tests", "scope": "public", "runs": ("night",), "now": NOW, "expires": LIFT}
    with pytest.raises(UsageError):
        sign(SIGN_HS256, **(good | changes))


def test_keys_are_not_shown(tmp_path: Path) -> None:
    for key in (HS256, SIGN_HS256, EDDSA, SIGN_EDDSA):
        assert "material" not in repr(key)


def test_a_token_that_was_good_is_still_refused_once_it_expired_and_few_are_kept() -> None:
    check = TokenCheck([HS256], "night")
    text = token("public", key=SIGN_HS256, now=NOW)
    for _ in range(2):
        assert check.grant(text, NOW).scope == "public"
    assert refused(text, check, NOW + timedelta(hours=1)).code == "expired"
    for number in range(MAX_TOKENS_KEPT + 10):
        check.grant(forged(claims(sub=f"s{number}")), NOW)
    assert len(check._good) == MAX_TOKENS_KEPT
