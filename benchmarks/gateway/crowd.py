"""A crowd of clients in processes of their own: the harness's end, which drives them over pipes."""

import contextlib
import multiprocessing
from multiprocessing.connection import Connection as Pipe
from types import TracebackType
from typing import Self, TypeVar

from benchmarks.gateway.members import live
from benchmarks.gateway.plan import Order, Plan, Resume, Seen
from benchmarks.patience import LIMIT_S

AnswerT = TypeVar("AnswerT")


class Crowd:
    """The harness's end: so many clients, in one process or several."""

    def __init__(self, plan: Plan, processes: int = 1) -> None:
        context = multiprocessing.get_context("spawn")
        shares = [plan.clients // processes + (number < plan.clients % processes) for number in range(processes)]
        self._pipes: list[Pipe] = []
        self._processes = []
        first = 0
        for share in shares:
            ours, theirs = context.Pipe()
            self._processes.append(context.Process(target=live, args=(theirs, plan, first, share), daemon=True))
            self._pipes.append(ours)
            first += share

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        try:
            self._gather()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._end()

    def seen(self) -> Seen:
        """What came since the last time, now."""
        return self._ask(Order("report"))

    def expect(self, each: int) -> None:
        """Begin to wait until every client got so many counted messages; `arrived` says how that went."""
        self._tell(Order("await_counted", (each,)))

    def arrived(self) -> Seen:
        """Wait for what was expected."""
        return self._gather()

    def listen(self, seconds: float) -> None:
        """Begin to note whatever comes for so long; `arrived` has it."""
        self._tell(Order("listen", (seconds,)))

    def say(self, *messages: bytes) -> None:
        """Let client i say `messages[i % len(messages)]`."""
        self._ask(Order("say", (messages,)))

    def stall(self, every: int) -> None:
        """Let every so manieth client stop reading; 0 lets all read."""
        self._ask(Order("stall", (every,)))

    def drop_and_return(self, resume: Resume) -> list[float]:
        """Drop every connection at once, come back at once where it was: seconds until each was told what it missed.

        Something must change, before or meanwhile. A client that comes before the gateway has read the change is
        answered first that there is nothing new, which is so; it counts as back once it has the change.
        """
        self._tell(Order("drop_and_return", (resume,)))
        waits: list[float] = []
        for pipe in self._pipes:
            waits += _received(pipe, list)
        return waits

    def _ask(self, order: Order) -> Seen:
        self._tell(order)
        return self._gather()

    def _tell(self, order: Order) -> None:
        for pipe in self._pipes:
            pipe.send(order)

    def _gather(self) -> Seen:
        seen = Seen()
        for pipe in self._pipes:
            seen.add(_received(pipe, Seen))
        return seen

    def _end(self) -> None:
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.send(None)
        for process in self._processes:
            if process.pid is not None:
                process.join(5)
                process.kill()
                process.join(5)
        for pipe in self._pipes:
            pipe.close()


def _received(pipe: Pipe, kind: type[AnswerT]) -> AnswerT:
    if not pipe.poll(LIMIT_S + 30):
        raise TimeoutError("A crowd did not answer.")
    answer = pipe.recv()
    if isinstance(answer, Exception):
        raise answer
    if not isinstance(answer, kind):
        raise TypeError(f"a crowd answered {answer!r}")
    return answer
