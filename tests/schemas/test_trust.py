import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from schemas.amendments import CHANGES, amended
from schemas.control import (
    DELIVERY,
    Called,
    CallWithdrawn,
    DefinitionAmended,
    EmbargoLifted,
    EmbargoSet,
    EpochBegun,
    Held,
    Mode,
    Released,
    ReplayPaused,
    ReplaySought,
    ReplaySpeedSet,
    ReplayStepped,
)
from schemas.errors import UsageError
from schemas.fields import CLOCK_TOLERANCE
from schemas.trust import MAX_ORDER_BYTES, OperatorKey, OrderSigner, OrderVerifier, Verdict, encode_order
from tests.builders import NIGHT, small_election
from tests.schemas.orders import EPOCH, RUN, new_signer, order, written

SIGNER = new_signer()
ELECTION = small_election()
PRIVATE = Ed25519PrivateKey.generate()
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def verdict_on(
    *values: bytes, mode: Mode = "live", keys: Sequence[OperatorKey] = (SIGNER.public,), appended: datetime = NIGHT
) -> Verdict:
    """The verdict on the last of these records, which were all appended at this time."""
    verifier = OrderVerifier(RUN, EPOCH, mode, ELECTION, keys)
    verdicts = [verifier.verify(offset, value, _ms(appended)) for offset, value in enumerate(values)]
    assert verdicts[-1] is not None
    return verdicts[-1]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (EmbargoSet, {"until": NIGHT}),
        (EmbargoSet, {}),
        (EmbargoLifted, {}),
        (Held, {"contest": "mayor"}),
        (Held, {"contest": "mayor", "unit": "tr/34"}),
        (Released, {"contest": "mayor", "unit": "tr/34/uskudar"}),
        (Called, {"contest": "mayor", "unit": "tr/34", "candidate": "imamoglu"}),
        (CallWithdrawn, {"contest": "mayor", "unit": "tr/34"}),
    ],
)
def test_what_an_operator_signed_counts(kind: Any, fields: dict[str, Any]) -> None:
    given_order = order(kind, **fields)
    verdict = verdict_on(encode_order(given_order, SIGNER))
    assert (verdict.order, verdict.key, verdict.refusal) == (given_order, SIGNER.public.fingerprint, None)
    assert verdict.counts


def test_one_of_several_keys_is_enough() -> None:
    assert verdict_on(written(Held, SIGNER, contest="mayor"), keys=(new_signer().public, SIGNER.public)).counts


@pytest.mark.parametrize("mode", ["live", "test", "replay"])
@pytest.mark.parametrize("value", [written(Held, contest="mayor"), written(Held, new_signer(), contest="mayor")])
def test_with_a_key_nothing_counts_that_no_operator_signed(value: bytes, mode: Mode) -> None:
    assert verdict_on(value, mode=mode).refusal == "no trusted operator has signed it"


@pytest.mark.parametrize("signature", ["", "!", "AAAA", 7, None, base64.b64encode(bytes(64)).decode()])
def test_a_signature_that_is_none_does_not_count(signature: object) -> None:
    value = orjson.dumps(orjson.loads(written(Held, contest="mayor")) | {"signature": signature})
    assert verdict_on(value).refusal == "no trusted operator has signed it"


def test_a_signature_has_one_spelling() -> None:
    """Base64 leaves bits unused: the same bytes with other bits there are nobody's."""
    said = orjson.loads(written(Held, SIGNER, contest="mayor"))
    last = said["signature"][85]
    other = said["signature"][:85] + chr(ord(last) + 1) + "=="
    assert base64.b64decode(other, validate=True) == base64.b64decode(said["signature"])
    assert not verdict_on(orjson.dumps(said | {"signature": other})).counts


def test_without_a_key_a_rehearsal_goes_on_and_a_live_run_does_not() -> None:
    assert verdict_on(written(Held, contest="mayor"), mode="test", keys=()).counts
    assert "live" in str(verdict_on(written(Held, SIGNER, contest="mayor"), keys=()).refusal)


@pytest.mark.parametrize(
    ("where", "refusal"), [({"run": "another"}, "another run"), ({"epoch": "another"}, "another epoch of the run")]
)
def test_an_order_for_another_run_does_not_count(where: dict[str, str], refusal: str) -> None:
    assert verdict_on(written(EmbargoLifted, SIGNER, **where)).refusal == f"it was given for {refusal}"


def test_a_director_has_nothing_to_say_in_a_run_that_is_no_replay() -> None:
    paused = written(ReplayPaused, SIGNER)
    assert verdict_on(paused, mode="replay").counts
    assert verdict_on(paused, mode="live").refusal == "the run is no replay: it is live"


def test_a_directors_order_counts_in_whichever_take_it_arrives_and_once() -> None:
    """A take may begin while the order is on its way. One of a log that is no more has no effect."""
    begun = EpochBegun(run=RUN, epoch="e2e2", take=1, at=NIGHT).encode()
    sought = written(ReplaySought, SIGNER, to=NIGHT)
    assert verdict_on(begun, written(ReplayStepped, SIGNER, epoch="e2e2"), mode="replay").counts
    assert verdict_on(begun, sought, mode="replay").counts
    assert "counts once" in str(verdict_on(sought, begun, sought, mode="replay").refusal)
    assert "another epoch" in str(verdict_on(begun, written(ReplayPaused, SIGNER, epoch="gone"), mode="replay").refusal)


def test_an_id_is_one_epochs_alone_but_for_a_directors() -> None:
    """Who reads from a later take on has never seen an order of an earlier one count."""
    verifier = OrderVerifier(RUN, EPOCH, "replay", small_election(), [SIGNER.public])
    paused = written(ReplayPaused, SIGNER)
    first = [written(Held, SIGNER, contest="mayor", id="order-17"), paused]
    assert [True, True] == [verdict.counts for one in first if (verdict := verifier.verify(0, one, 0))]
    verifier.verify(2, EpochBegun(run=RUN, epoch="e2e2", take=1, at=NIGHT).encode(), 0)
    verifier.move_to("e2e2")
    again = [written(Held, SIGNER, contest="mayor", id="order-17", epoch="e2e2"), paused]
    assert [True, False] == [verdict.counts for one in again if (verdict := verifier.verify(3, one, 0))]


def test_what_was_held_before_a_replay_went_back_has_no_effect_after_it() -> None:
    verifier = OrderVerifier(RUN, EPOCH, "replay", small_election(), [SIGNER.public])
    verifier.move_to("e2e2")
    verdict = verifier.verify(0, written(Held, SIGNER, contest="mayor"), 0)
    assert verdict is not None
    assert verdict.refusal == "it was given for another epoch of the run"


@pytest.mark.parametrize("speed", [-1, 0.01, 1e9])
def test_a_speed_out_of_bounds_is_refused(speed: float) -> None:
    said = orjson.loads(written(ReplaySpeedSet, speed=1.0)) | {"speed": speed}
    assert "from 0.1 to 100000" in str(verdict_on(orjson.dumps(said), mode="replay", keys=()).refusal)


def test_an_order_counts_once() -> None:
    """Who can write to the log, but has no key, cannot play an old order again."""
    lifted = written(EmbargoLifted, SIGNER)
    assert "counts once" in str(verdict_on(lifted, written(EmbargoSet, SIGNER), lifted).refusal)


@pytest.mark.parametrize(("late", "counts"), [(timedelta(0), True), (timedelta(milliseconds=1), False)])
def test_an_order_counts_until_it_was_to_be_delivered_and_the_clocks_may_differ(late: timedelta, counts: bool) -> None:
    """Nobody can keep back a release that was signed at eight, and hand it in at ten."""
    value = written(Released, SIGNER, contest="mayor", deliver_by=NIGHT + DELIVERY)
    verdict = verdict_on(value, appended=NIGHT + DELIVERY + CLOCK_TOLERANCE + late)
    assert counts == verdict.counts
    assert counts or "it was to be delivered by" in str(verdict.refusal)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [(EmbargoSet, {}), (Held, {"contest": "mayor"}), (CallWithdrawn, {"contest": "mayor", "unit": "tr/34"})],
)
@pytest.mark.parametrize("keys", [(), (SIGNER.public,)])
def test_a_restriction_that_somebody_unknown_signed_is_kept_and_does_not_count(
    kind: Any, fields: dict[str, Any], keys: Sequence[OperatorKey]
) -> None:
    """A key may be missing here: what its owner has forbidden is not shown for that."""
    verdict = verdict_on(written(kind, new_signer(), **fields), keys=keys)
    assert (True, False, None) == (verdict.kept, verdict.counts, verdict.key)
    assert "cannot be verified, and is kept" in verdict.effect


@pytest.mark.parametrize("kind", [EmbargoLifted, Released])
def test_what_shows_more_has_no_effect_where_it_cannot_be_verified(kind: Any) -> None:
    verdict = verdict_on(written(kind, new_signer(), **({"contest": "mayor"} if kind is Released else {})))
    assert (False, False) == (verdict.kept, verdict.stands)
    assert "has no effect" in verdict.effect


@pytest.mark.parametrize(
    "value",
    [
        written(EmbargoSet),
        written(EmbargoSet, new_signer(), run="another"),
        written(EmbargoSet, new_signer(), epoch="another"),
        written(Held, new_signer(), contest="president"),
        written(EmbargoSet, new_signer(), deliver_by=NIGHT - timedelta(hours=1)),
        orjson.dumps(orjson.loads(written(EmbargoSet)) | {"signature": base64.b64encode(bytes(63)).decode()}),
    ],
    ids=["unsigned", "another run", "another epoch", "unknown contest", "late", "no signature at all"],
)
def test_a_restriction_that_would_not_count_with_any_key_is_not_kept(value: bytes) -> None:
    assert not verdict_on(value).stands


def test_without_a_key_a_rehearsal_keeps_nothing_since_everything_counts() -> None:
    verdict = verdict_on(written(EmbargoSet, new_signer()), mode="test", keys=())
    assert (True, False, "counts") == (verdict.counts, verdict.kept, verdict.effect)


def test_a_kept_order_that_is_written_again_is_not_kept_again() -> None:
    """After a trusted operator has lifted it nobody without a key can bring it back by copying it."""
    kept = written(EmbargoSet, new_signer())
    assert not verdict_on(kept, written(EmbargoLifted, SIGNER), kept).stands


def test_what_an_operator_who_left_had_ordered_counts_and_nothing_after() -> None:
    key = OperatorKey.from_pem(PEM, NIGHT)
    value = written(EmbargoSet, OrderSigner(PRIVATE))
    assert verdict_on(value, keys=[key], appended=NIGHT - timedelta(milliseconds=1)).counts
    verdict = verdict_on(value, keys=[key], appended=NIGHT)
    assert (False, key.fingerprint) == (verdict.stands, verdict.key)
    assert "its operator was trusted until 2024-03-31T19:00:00+03:00, and it came at" in str(verdict.refusal)


def test_an_order_of_before_there_was_such_a_field_never_expires() -> None:
    """As it lies in the logs of earlier nights."""
    fields = orjson.loads(written(Held, contest="mayor"))
    del fields["deliver_by"]
    message = b"sandik.control.v1\n" + orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    value = orjson.dumps(fields | {"signature": base64.b64encode(SIGNER.sign(message)).decode()})
    assert verdict_on(value, appended=NIGHT + timedelta(days=365)).counts


def test_until_when_an_order_may_come_is_signed() -> None:
    fields = orjson.loads(written(Held, SIGNER, contest="mayor", deliver_by=NIGHT))
    later = orjson.dumps(fields | {"deliver_by": (NIGHT + timedelta(hours=1)).isoformat()})
    assert not verdict_on(later).counts


def test_an_order_that_came_too_late_is_not_used_up() -> None:
    """Nobody can make the order that an operator gives again look like the one that was late."""
    late = written(Held, SIGNER, contest="mayor", deliver_by=NIGHT - timedelta(hours=1))
    assert verdict_on(late, late).refusal == verdict_on(late).refusal


def test_a_forgery_with_a_known_id_does_not_use_it_up() -> None:
    real = written(Held, SIGNER, contest="mayor")
    forged = orjson.dumps(orjson.loads(real) | {"reason": "forged"})
    assert verdict_on(forged, real).counts


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (written(Held, SIGNER, contest="president"), "There is no contest 'president'"),
        (written(Released, SIGNER, contest="mayor", unit="tr/35"), "There is no unit 'tr/35'"),
        (written(Called, SIGNER, contest="mayor", unit="tr", candidate="nobody"), "There is no candidate 'nobody'"),
    ],
)
def test_an_order_about_what_is_not_there_does_not_count(value: bytes, says: str) -> None:
    assert says in str(verdict_on(value).refusal)


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"7", b"{}", b'{"type":[]}', b"\xff"])
def test_what_is_no_record_is_refused_and_nothing_breaks(value: bytes | None) -> None:
    verdict = OrderVerifier(RUN, EPOCH, "live", ELECTION, ()).verify(0, value, 0)
    assert verdict is not None
    assert verdict.refusal == "it is no JSON object with a type"


def test_a_time_beyond_the_calendar_is_too_late_for_an_order_with_a_limit() -> None:
    """A log's time is whatever somebody wrote there."""
    verifier = OrderVerifier(RUN, EPOCH, "live", ELECTION, (SIGNER.public,))
    for offset, (deliver_by, counts) in enumerate([(NIGHT, False), (None, True)]):
        verdict = verifier.verify(offset, written(Held, SIGNER, contest="mayor", deliver_by=deliver_by), 2**62)
        assert verdict is not None
        assert counts == verdict.counts


def test_an_epoch_that_has_no_name_begins_none() -> None:
    verdict = OrderVerifier(RUN, EPOCH, "replay", ELECTION, ()).verify(0, b'{"type":"epoch_begun","epoch":7}', 0)
    assert verdict is not None
    assert "does not name it" in str(verdict.refusal)


def test_an_order_that_lacks_something_is_refused() -> None:
    assert "held.run: Field required" in str(verdict_on(b'{"type":"held"}').refusal)


def test_an_amendment_has_one_spelling_by_which_it_is_found() -> None:
    """It counted for those who read every order, and was in no definition: they began anew for ever."""
    changes = CHANGES.validate_json(b'[{"kind": "boxes_added", "unit": "tr/34/uskudar", "boxes": [[1099, 1099]]}]')
    fields: dict[str, Any] = {
        "amends": ELECTION.digest,
        "yields": amended(ELECTION, changes).digest,
        "changes": changes,
    }
    amendment = written(DefinitionAmended, SIGNER, version=2, **fields)
    escaped = amendment.replace(b'"definition_amended"', rb'"definition\u005famended"')
    assert verdict_on(amendment).counts
    assert "it writes its type with escapes" == verdict_on(escaped).refusal


def test_an_order_may_not_be_of_any_length() -> None:
    long = orjson.dumps(orjson.loads(written(EmbargoLifted, SIGNER)) | {"more": "x" * MAX_ORDER_BYTES})
    assert "bytes" in str(verdict_on(long).refusal)


@pytest.mark.parametrize("value", [b'{"type":"run_created"}', b'{"type":"invented_later"}'])
def test_what_is_no_order_has_no_verdict(value: bytes) -> None:
    assert OrderVerifier(RUN, EPOCH, "live", ELECTION, ()).verify(0, value, 0) is None


def test_a_field_that_came_later_is_covered_by_the_signature_and_ignored() -> None:
    """An older reader takes the order of a newer writer, and nobody can change what it cannot read."""
    said = orjson.loads(written(EmbargoLifted)) | {"from_the_future": 1}
    message = b"sandik.control.v1\n" + orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    signed = said | {"signature": base64.b64encode(SIGNER.sign(message)).decode()}
    assert verdict_on(orjson.dumps(signed)).counts
    assert not verdict_on(orjson.dumps(signed | {"from_the_future": 2})).counts


@given(st.data())
def test_no_byte_of_an_order_can_be_changed(data: st.DataObject) -> None:
    value = written(Called, SIGNER, contest="mayor", unit="tr/34", candidate="kurum")
    at = data.draw(st.integers(0, len(value) - 1))
    changed = value[:at] + bytes([data.draw(st.integers(0, 255))]) + value[at + 1 :]
    verdict = OrderVerifier(RUN, EPOCH, "live", ELECTION, (SIGNER.public,)).verify(0, changed, 0)
    unchanged = _parsed(changed) == orjson.loads(value)
    assert verdict is None or verdict.counts == unchanged


def _ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _parsed(value: bytes) -> object:
    try:
        return orjson.loads(value)
    except ValueError:
        return None


def test_keys_come_from_pem_files() -> None:
    private = Ed25519PrivateKey.generate()
    signer = OrderSigner.from_pem(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = OperatorKey.from_pem(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert signer.public.fingerprint == key.fingerprint
    assert key.has_signed(signer.sign(b"x"), b"x")
    assert len(key.fingerprint) == 16


def test_what_is_no_key_says_what_to_do() -> None:
    other = rsa.generate_private_key(65537, 2048)
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for pem in (b"", b"junk", private):
        with pytest.raises(UsageError, match="sandik token --new-key"):
            OperatorKey.from_pem(public if pem == private else pem)
        with pytest.raises(UsageError, match="private Ed25519 key"):
            OrderSigner.from_pem(pem)
