"""A loop that ends, however it ends, is not missed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from eventlog.loops import forever
from schemas.errors import LoopEnded, UsageError
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
