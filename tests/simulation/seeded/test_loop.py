"""The seeded loop: its time, its order, and that it needs no machine's."""

import asyncio
import time

import pytest

from tests.simulation.seeded.loop import Stuck, run


def test_an_hour_passes_at_once() -> None:
    async def wait() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    began = time.process_time()

    assert run(wait(), 0) == 3600
    assert time.process_time() - began < 60


def test_timers_come_in_the_order_of_their_time() -> None:
    async def wait() -> list[int]:
        found: list[int] = []

        async def one(seconds: int) -> None:
            await asyncio.sleep(seconds)
            found.append(seconds)

        await asyncio.gather(*map(one, (3, 1, 2)))
        return found

    assert [1, 2, 3] == run(wait(), 0)


async def race() -> list[int]:
    """Who comes first of some that are ready together."""
    found: list[int] = []

    async def one(number: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            found.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(one(number))
    return found


def test_a_seed_is_an_order_and_another_seed_another() -> None:
    orders = [run(race(), seed) for seed in range(5)]

    assert orders == [run(race(), seed) for seed in range(5)]
    assert len({tuple(order) for order in orders}) == 5


def test_what_waits_for_nothing_is_stuck_and_not_silent() -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck):
        run(wait(), 0)


def test_work_for_a_thread_is_done_in_virtual_time_and_fails_to_whoever_waits() -> None:
    def fail() -> None:
        raise ValueError("as told")

    async def work() -> int:
        with pytest.raises(ValueError, match="as told"):
            await asyncio.to_thread(fail)
        return await asyncio.to_thread(sum, [1, 2])

    assert run(work(), 0) == 3
