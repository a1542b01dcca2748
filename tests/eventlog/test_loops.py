"""A loop that ends, however it ends, is not missed; what failed is tried again by one policy."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.clock import Manual
from eventlog.loops import RetryPolicy, Tries, Waiting, forever, retried
from schemas.errors import LogError, LogRefused, LogUnavailable, LoopEnded, UnknownRun, UsageError
from tests.builders import NIGHT
from tests.patience import LIMIT_S


async def never() -> None:
    await asyncio.Event().wait()


async def stray() -> None:
    """What a library does that awaits a task of its own which it has cancelled."""
    own = asyncio.create_task(never())
    await asyncio.sleep(0)
    own.cancel()
    await own


async def returned() -> None:
    await asyncio.sleep(0)


async def test_a_task_group_misses_a_child_that_was_cancelled() -> None:
    """Why `forever` is there."""
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        child = group.create_task(stray())
    assert child.cancelled()
    assert 0 == child.cancelling()


@pytest.mark.parametrize(("loop", "how"), [(stray, "cancelled, and nobody"), (returned, "returned")])
async def test_a_loop_that_ends_by_itself_ends_the_group_that_owns_it(
    loop: Callable[[], Coroutine[Any, Any, None]], how: str
) -> None:

    async def own() -> None:
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
            group.create_task(forever(loop(), "the reading"))
            group.create_task(forever(never(), "another"))

    with pytest.raises(ExceptionGroup) as failed:
        await own()
    (error,) = failed.value.exceptions
    assert isinstance(error, LoopEnded)
    assert how in str(error)
    assert str(error).startswith("the reading ended")


async def test_a_task_that_somebody_cancels_by_its_name_is_missed_too() -> None:
    async def cancels_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    with pytest.raises(LoopEnded, match="cancelled"):
        await forever(cancels_itself(), "the reading")


async def test_what_a_loop_raises_is_raised() -> None:
    async def fails() -> None:
        raise UsageError("no such thing")

    with pytest.raises(UsageError, match="no such thing"):
        await forever(fails(), "the reading")


async def test_who_is_cancelled_ends_its_loop_and_waits_for_it() -> None:
    ended = asyncio.Event()

    async def leaves_slowly() -> None:
        try:
            await never()
        finally:
            await asyncio.sleep(0)
            ended.set()

    owner = asyncio.create_task(forever(leaves_slowly(), "the reading"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    owner.cancel()
    await asyncio.wait({owner}, timeout=LIMIT_S)
    assert owner.cancelled()
    assert ended.is_set()


async def test_what_a_loop_raises_on_its_way_out_is_not_lost() -> None:
    async def fails_at_the_end() -> None:
        try:
            await never()
        finally:
            raise UsageError("could not be written")

    owner = asyncio.create_task(forever(fails_at_the_end(), "the writing"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    owner.cancel()
    with pytest.raises(UsageError, match="could not be written"):
        await owner


async def test_who_is_cancelled_again_still_waits_for_its_loop() -> None:
    async def refuses_once() -> None:
        try:
            await never()
        except asyncio.CancelledError:
            await never()

    owner = asyncio.create_task(forever(refuses_once(), "the reading"))
    for _ in range(4):
        await asyncio.sleep(0)
        owner.cancel()
    await asyncio.wait({owner}, timeout=LIMIT_S)
    assert owner.cancelled()


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
