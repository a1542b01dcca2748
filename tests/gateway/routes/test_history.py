import asyncio
from datetime import timedelta

import pytest

from gateway.routes.history import MAX_KEPT, Busy, Moments, Past
from schemas.errors import LogUnavailable, UsageError
from tests.gateway.nights import START
from tests.patience import LIMIT_S


class Slow:
    """A history that is done when it is told so."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.go = asyncio.Event()
        self.ended = asyncio.Event()
        self.error: Exception | None = None

    async def at(self, moment: object) -> Past:
        self.asked.append(len(self.asked))
        try:
            await self.go.wait()
        finally:
            self.ended.set()
        if self.error is not None:
            raise self.error
        return Past(moment, False, (), frozenset(), (), ())  # type: ignore[arg-type]  # whatever was asked for


async def test_a_moment_is_worked_out_once_for_all_who_ask() -> None:
    history = Slow()
    history.go.set()
    async with Moments(history) as moments:
        found = await asyncio.gather(*(moments.at(START, "e1") for _ in range(5)))
        again = await moments.at(START, "e1")

    assert [START] * 6 == [past.at for past in (*found, again)]
    assert 1 == len(history.asked)


async def test_there_is_one_moment_at_a_time_and_whoever_waits_long_is_sent_away() -> None:
    history = Slow()
    async with Moments(history, wait_s=0.01) as moments:
        with pytest.raises(Busy, match="being worked out"):
            await moments.at(START, "e1")
        with pytest.raises(Busy, match="Another moment"):
            await moments.at(START + timedelta(seconds=1), "e1")
        history.go.set()
        await asyncio.wait_for(history.ended.wait(), LIMIT_S)
        assert START == (await moments.at(START, "e1")).at

    assert 1 == len(history.asked)


async def test_what_the_history_says_against_it_is_told_and_not_kept() -> None:
    history = Slow()
    history.go.set()
    history.error = UsageError("before the run")
    async with Moments(history) as moments:
        with pytest.raises(UsageError, match="before the run"):
            await moments.at(START, "e1")
        history.error = None
        assert START == (await moments.at(START, "e1")).at


async def test_what_takes_too_long_is_given_up() -> None:
    history = Slow()
    async with Moments(history, limit_s=0.01) as moments:
        with pytest.raises(LogUnavailable, match="sandik at"):
            await moments.at(START, "e1")
    assert history.ended.is_set()


async def test_nothing_goes_on_after_the_end() -> None:
    history = Slow()
    async with Moments(history, wait_s=0.01) as moments:
        with pytest.raises(Busy):
            await moments.at(START, "e1")
    assert history.ended.is_set()


async def test_only_a_few_moments_are_kept() -> None:
    history = Slow()
    history.go.set()
    async with Moments(history) as moments:
        for second in [*range(MAX_KEPT + 1), 0]:
            await moments.at(START + timedelta(seconds=second), "e1")

    assert MAX_KEPT + 2 == len(history.asked)


async def test_another_epoch_has_a_past_of_its_own() -> None:
    history = Slow()
    history.go.set()
    async with Moments(history) as moments:
        for epoch in ("e1", "e2", "e1"):
            await moments.at(START, epoch)

    assert 2 == len(history.asked)
