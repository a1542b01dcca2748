"""The order that amends the definition: when it counts, and what it makes of the orders behind it."""

from typing import Any

import orjson
import pytest

from schemas.amendments import CHANGES, MAX_AMENDMENT_BYTES, amended
from schemas.control import Called, DefinitionAmended, Order, is_amendment, unknown_in
from schemas.definition import Election
from schemas.trust import OrderVerifier, Verdict, encode_order
from tabulation.orders.effects import Restrictions, complaint
from tests.builders import NIGHT, small_election
from tests.schemas.orders import EPOCH, RUN, new_signer, order

ELECTION = small_election()
NEW = {"kind": "candidate_added", "contest": "mayor", "candidate": {"id": "yeni", "name": "Yeni"}}
GONE = {"kind": "candidate_withdrawn", "contest": "mayor", "candidate": "kurum"}
SIGNER = new_signer()


def amends(*changes: dict[str, Any], definition: Election = ELECTION, version: int = 2, **fields: Any) -> Order:
    """An order with these changes."""
    parsed = CHANGES.validate_json(orjson.dumps(changes))
    said: dict[str, Any] = {
        "version": version,
        "amends": definition.digest,
        "yields": amended(definition, parsed).digest,
    }
    return order(DefinitionAmended, changes=parsed, **(said | fields))


def verifier(mode: Any = "test", *keys: Any) -> OrderVerifier:
    return OrderVerifier(RUN, EPOCH, mode, ELECTION, keys)


def verified(judge: OrderVerifier, ordered: Order, signer: Any = None, offset: int = 1) -> Verdict:
    verdict = judge.verify(offset, encode_order(ordered, signer), 0)
    assert verdict is not None
    return verdict


def test_orders_behind_an_amendment_are_judged_by_what_it_yields() -> None:
    """Who is added can be called, who has withdrawn cannot; in another epoch nothing is amended yet."""
    judge = verifier()
    new, old = (order(Called, contest="mayor", unit="tr", candidate=name) for name in ("yeni", "kurum"))
    assert verified(judge, new).refusal is not None
    assert verified(judge, amends(NEW, GONE)).counts
    assert (1, ["yeni" in judge.definition.ballot_ids("mayor", "tr")]) == (len(judge.amendments), [True])
    assert verified(judge, new.model_copy(update={"id": "another-one"})).counts
    assert "has withdrawn" in (verified(judge, old).refusal or "")

    judge.move_to("e2e2")
    assert (ELECTION, []) == (judge.definition, judge.amendments)


@pytest.mark.parametrize(
    ("ordered", "refusal"),
    [
        (amends(NEW, version=3), "version 3 of the definition, and version 1 is in force"),
        (amends(NEW, amends="0" * 32), "another version"),
        (amends(NEW, yields="0" * 32), "another definition than it says"),
    ],
)
def test_an_amendment_that_does_not_follow_has_no_effect(ordered: Order, refusal: str) -> None:
    """Whoever orders it has looked at another definition than the one in force."""
    judge = verifier()
    assert refusal in (verified(judge, ordered).refusal or "")
    assert ELECTION is judge.definition
    assert refusal in (unknown_in(ordered, ELECTION) or refusal)


def test_an_amendment_may_be_larger_than_other_orders_and_not_as_large_as_it_likes() -> None:
    """It has to fit among the tallies."""
    value = encode_order(amends(NEW), None)
    padded = orjson.dumps(orjson.loads(value) | {"padding": "x" * 20_000})
    beyond = orjson.dumps(orjson.loads(value) | {"padding": "x" * MAX_AMENDMENT_BYTES})
    fits, too_large = verifier().verify(1, padded, 0), verifier().verify(1, beyond, 0)
    assert fits is not None
    assert fits.counts
    assert too_large is not None
    assert f"more than {MAX_AMENDMENT_BYTES} bytes" in (too_large.refusal or "")
    assert (True, False, False) == (is_amendment(value), is_amendment(b"{}"), is_amendment(None))


def test_an_amendment_that_cannot_be_verified_is_missed_until_one_counts() -> None:
    """It is told with what to do, and is not in force."""
    judge, restrictions = verifier("live", SIGNER.public), Restrictions(ELECTION)
    missed = verified(judge, amends(NEW), new_signer())
    restrictions.fold(missed)
    assert (True, False, ELECTION) == (missed.missed, missed.stands, judge.definition)
    assert "Amendments of the definition that cannot be verified" in (complaint(restrictions.unverified(NIGHT)) or "")

    restrictions.fold(verified(judge, amends(GONE), SIGNER, offset=2))
    assert () == restrictions.unverified(NIGHT)
