"""When what failed is tried again: one policy, on a clock that the test moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.clock import Manual
from eventlog.retry import RetryPolicy, Tries, Waiting, retried
from schemas.errors import LogError, LogRefused, LogUnavailable, UnknownRun
from tests.builders import NIGHT


class Skipping(Manual):
    """Moves on by whatever is slept."""

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)


AWAY = LogUnavailable("The log is away.")
REFUSED = LogRefused("The log does not know this password.")


@given(st.integers(1, 10_000), st.floats(0.01, 10), st.floats(10, 100), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_between_half_of_its_limit_and_all_of_it(
    failures: int, first_s: float, longest_s: float, chance: float
) -> None:
    limit_s = min(longest_s, first_s * 2.0 ** min(failures - 1, 60))
    pause_s = RetryPolicy(first_s, longest_s, chance=lambda: chance).pause_s(failures)
    assert limit_s / 2 <= pause_s <= limit_s


def test_pauses_double_up_to_the_longest() -> None:
    steady = RetryPolicy(1, 5, chance=lambda: 0.0)
    assert [1, 2, 4, 5, 5] == [steady.pause_s(failures) for failures in range(1, 6)]
    hasty = RetryPolicy(1, 5, chance=lambda: 0.999)
    assert [0.5, 1.0, 2.0, 2.5] == [round(hasty.pause_s(failures), 2) for failures in range(1, 5)]


def test_after_a_success_the_first_pause_comes_again() -> None:
    tries = Tries(Manual(NIGHT), RetryPolicy(1, 5, chance=lambda: 0.0))
    assert [Waiting(AWAY, 1, 1), Waiting(AWAY, 2, 2)] == [tries.failed(AWAY), tries.failed(AWAY)]
    tries.succeeded()
    assert Waiting(AWAY, 1, 1) == tries.failed(AWAY)
    assert "The log is away. Trying again in 1.0 s." == str(Waiting(AWAY, 1, 1))


@pytest.mark.parametrize("error", [LogError("That is final."), REFUSED])
def test_what_another_try_cannot_mend_is_raised(error: LogError) -> None:
    with pytest.raises(LogError) as raised:
        Tries(Manual(NIGHT)).failed(error)
    assert raised.value is error


def test_a_refusal_is_tried_again_slowly_where_that_is_wished() -> None:
    tries = Tries(Manual(NIGHT), RetryPolicy(1, 5, refused_s=30, chance=lambda: 0.0))
    assert [30, 30, 4] == [tries.failed(error).pause_s for error in (REFUSED, REFUSED, AWAY)]


def test_the_caller_may_say_what_is_worth_another_try() -> None:
    tries = Tries(Manual(NIGHT), RetryPolicy(1, 5, chance=lambda: 0.0), retriable=lambda _: True)
    assert 1 == tries.failed(UnknownRun("night")).pause_s


async def test_patience_ends() -> None:
    clock = Skipping(NIGHT)
    tries = Tries(clock, RetryPolicy(1, 5, patience_s=6, chance=lambda: 0.0))
    waited = []

    async def work() -> None:
        waited.append(clock.monotonic())
        raise AWAY

    with pytest.raises(LogUnavailable):
        await retried(work, tries)
    assert [0, 1, 3] == [at - waited[0] for at in waited]


async def test_work_is_done_once_it_can_be() -> None:
    outcomes: list[object] = [AWAY, AWAY, "done"]
    told: list[Waiting] = []

    async def work() -> object:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    tries = Tries(Skipping(NIGHT), RetryPolicy(1, 5, chance=lambda: 0.0))
    assert "done" == await retried(work, tries, told.append)
    assert [(1, 1), (2, 2)] == [(waiting.attempt, waiting.pause_s) for waiting in told]
