"""Whether clients should be sent to a gateway, and every reason why not."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.readiness import LogContact, unready

MOMENTS = st.floats(min_value=0, max_value=1e6)


def test_a_gateway_that_waits_for_nothing_and_whose_log_answers_is_ready() -> None:
    assert () == unready(waits_for=None, log_age_s=60, log_limit_s=60)


def test_every_reason_is_told() -> None:
    waits, silent = unready(waits_for="Looking for run 'x'.", log_age_s=61.2, log_limit_s=60)
    assert ("starting", "Looking for run 'x'.", {}) == waits
    assert "61 s ago" in silent.sentence
    assert ("log_silent", {"age_s": 61, "limit_s": 60}) == (silent.code, silent.values)
    (ends,) = unready(waits_for="Ask another one.", is_ending=True, log_age_s=0, log_limit_s=60)
    assert "ending" == ends.code
    assert 1 == len(unready(waits_for=None, log_age_s=61.2, log_limit_s=60))


@given(st.lists(MOMENTS, max_size=9).map(sorted), MOMENTS)
def test_the_log_is_as_old_as_its_last_answer_and_never_younger_than_nothing(answers: list[float], now: float) -> None:
    contact = LogContact(0.0)
    for moment in answers:
        contact.answered(moment)
    assert max(0.0, now - max(answers, default=0.0)) == contact.age_s(now)


def test_an_answer_makes_a_lost_log_reachable_and_its_end_never_steps_back() -> None:
    contact = LogContact(0.0, reachable=False)
    contact.answered(1.0, 7)
    contact.answered(2.0)
    assert (True, 7, 2.0) == (contact.reachable, contact.end, contact.answered_at)


def test_a_log_that_refuses_us_is_a_reason_until_it_answers() -> None:
    contact = LogContact(0.0)
    assert [True, False] == [contact.refuses("It does not know this password.") for _ in range(2)]
    refused = unready(waits_for=None, refused=contact.refused, log_age_s=0, log_limit_s=60)
    assert (refused, contact.reachable) == ((("log_refused", "It does not know this password.", {}),), False)
    contact.answered(1.0)
    assert (contact.refused, contact.reachable) == (None, True)


def test_restrictions_that_cannot_be_verified_are_a_reason_of_their_own() -> None:
    reasons = unready(
        waits_for=None,
        unverified="Orders that cannot be verified are kept.",
        orders=["held (3)", "embargo_set (7)"],
        log_age_s=0,
        log_limit_s=60,
    )
    kept = ("unverified", "Orders that cannot be verified are kept.", {"orders": "held (3), embargo_set (7)"})
    assert (kept,) == reasons
