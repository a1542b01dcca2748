"""Run a command's coroutine in an event loop, and start other processes of ours.

`run_to_completion` and `run_until_stopped` say what SIGTERM and Ctrl-C mean; what `in_thread` does is left to itself
then. `supervise` keeps several processes of one command behind one port: one that dies is started again, and all end
together. Each worker is this very command once more, so that it reads its own options, secrets and log; the kernel
deals new connections out among all that listen at the port (SO_REUSEPORT, socket(7)).

`member_name` is a name for this process in a consumer group, which it gets again when it is started again: the host's
with the lowest number that is free on it. What is held is a socket in Linux's abstract namespace (unix(7)): it leaves
no file behind, and the kernel frees it the moment a process ends, however it ends. Namespaces of the network keep
containers apart, as their host names do.

Processes that one command starts send one another objects through a pipe (`PipeEnd`).
"""

import asyncio
import contextlib
import gc
import os
import re
import resource
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar

import uvloop

from eventlog.clock import Clock
from eventlog.loops import RetryPolicy, forever
from sandik import screen
from schemas.errors import Interrupted, LogError, LoopEnded, SandikError, UsageError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

T = TypeVar("T")

_COLLECT_AFTER: Final = 50_000
"""New containers that make a collection of the youngest due: a few batches, so that it costs microseconds an event."""


def calm_garbage_collector() -> None:
    """Look for reference cycles rarely: a fold makes none, and keeps boxes by the million that would be looked through.

    Measured on a million events: a third of the fold's time goes into collections at Python's default thresholds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 100)


def run_to_completion(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine; SIGTERM and SIGINT cancel it, so that it drains and closes what it opened.

    Raises `Interrupted` where a signal ended it, and `LoopEnded` where it was cancelled without one.
    """
    try:
        return _run(work, _Signals())
    except asyncio.CancelledError as signalled:
        raise Interrupted("A signal asked for the end before the work was done.") from signalled


def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that goes on until a signal: being stopped is then how it ends well, and nothing else is.

    Raises `LoopEnded` where it returns, or is cancelled, without a signal: whoever restarts commands goes by the exit
    code, and 0 would say that all is done.
    """
    signals = _Signals()
    try:
        _run(work, signals)
    except asyncio.CancelledError:
        return
    if not signals.came:
        raise LoopEnded("The command", "it returned, and no signal had asked for that")


async def in_thread(work: Callable[[], T]) -> T:
    """Do work that blocks in a thread of its own, and return its result.

    Cancelled, the thread is left to itself, and the process ends without it: `asyncio.to_thread` would have the end
    wait until a large file is read. So the work must leave nothing half done that anybody finds.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if done.done() else result())

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  whoever waits gets it
            failure = error
            tell(lambda: done.set_exception(failure))
        else:
            tell(lambda: done.set_result(result))

    threading.Thread(target=run, daemon=True).start()
    return await done


SPARE_FILES: Final = 256
"""Files a process has open beside its connections: libraries, pipes, the log. Some 60 were seen."""


def allow_files(wanted: int) -> int:
    """Let this process open so many files, as far as the machine does; by default that is often 1,024.

    Returns how many of them it may open.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def command_line(*arguments: str) -> tuple[str, ...]:
    """How a process starts another command of ours.

    Isolated from the working directory (`-P`), where a file may happen to have the name of a module of Python's.
    """
    return (sys.executable, "-P", "-m", "sandik", *arguments)


class _Signals:
    """Whether a signal has asked for the end; it cancels the task that it `watches`."""

    def __init__(self) -> None:
        self.came = False

    async def watches(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if task is not None:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._come, task)
        return await work

    def _come(self, task: asyncio.Task[Any]) -> None:
        self.came = True
        task.cancel()


def _run(work: Coroutine[Any, Any, T], signals: _Signals) -> T:
    calm_garbage_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(signals.watches(work))
        except BaseExceptionGroup as group:
            raise _cause(group) from group
        except asyncio.CancelledError:
            if signals.came:
                raise
            raise LoopEnded("The command", "it was cancelled, and no signal had asked for that") from None


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of ours in a group of several that ended together; the group where there is none."""
    for error in group.exceptions:
        cause = _cause(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(cause, SandikError):
            return cause
    return group


WORKER_PORT: Final = "SANDIK_WORKER_PORT"
"""The environment variable by which a worker knows that it is one, and where to listen."""

WORKER_NUMBER: Final = "SANDIK_WORKER_NUMBER"
WORKER_FOLDER: Final = "SANDIK_WORKER_FOLDER"
"""By which a worker knows which one it is, counted from 1, and where it finds the others."""

STOP_S: Final = 30
"""How long a worker may take to let its clients go before it is killed: three times what a gateway takes."""

STEADY_S: Final = 10
"""A worker that lived so long was well: the next one is started soon."""

_RESTART: Final = RetryPolicy(first_s=0.25, longest_s=5.0)
"""Pauses before a worker is started again, doubling while they die young."""

_PIPE_BYTES: Final = 1_024
_PROBE_EVERY_S: Final = 0.1
_LOG_EXIT: Final = 1
_USAGE_EXIT: Final = 2


class WorkersRefused(LogError):
    """A worker could not begin, for a reason that it has told."""

    def __init__(self) -> None:
        super().__init__("A worker cannot begin; it has said why above. Mend that, then start again.")


@contextlib.contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """The port, or a free one for 0, kept for the workers while the block runs. Raises `UsageError` if it is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as reservation:
            reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reservation.bind(address)
            yield reservation.getsockname()[1]
    except OSError as error:
        raise UsageError(f"Cannot listen at {host}:{port}: {error.strerror}. Choose another --port.") from error


async def supervise(count: int, host: str, port: int, clock: Clock) -> None:
    """Keep so many workers of this command running until cancelled; then send them SIGTERM, and wait for their end.

    Returns only by an exception: `UsageError` where a worker says that what was asked cannot work, `WorkersRefused`
    where one cannot begin before any of them has served anybody. Later on, whoever dies is started again.
    """
    served = asyncio.Event()
    with tempfile.TemporaryDirectory(prefix="sandik-") as folder:  # nobody else may open it
        async with asyncio.TaskGroup() as group:
            for number in range(1, count + 1):
                environment = {WORKER_PORT: str(port), WORKER_NUMBER: str(number), WORKER_FOLDER: folder}
                group.create_task(forever(_restart_forever(environment, clock, served), "A worker's keeper"))
            await _wait_for_listener(host, port, clock)
            served.set()
            screen.say(f"{count} workers listen at {host}:{port}.")


def end_with_parent() -> None:
    """Call in a worker: it ends as on SIGTERM when the process that started it is gone, since that closes its input."""

    def wait_for_the_end_of_the_pipe() -> None:
        while os.read(sys.stdin.fileno(), _PIPE_BYTES):  # unbuffered: no lock is held while the interpreter ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_the_end_of_the_pipe, daemon=True).start()


async def _restart_forever(environment: Mapping[str, str], clock: Clock, served: asyncio.Event) -> NoReturn:
    deaths = 0
    while True:
        began = clock.monotonic()
        try:
            code: int | str = await _run_worker(environment)
        except OSError as error:  # no memory, process or descriptor to spare: the other workers serve meanwhile
            code = str(error)
        if code == _USAGE_EXIT:
            raise UsageError("A worker cannot do what was asked; it has said why above.")
        if code == _LOG_EXIT and not served.is_set():
            raise WorkersRefused
        deaths = 1 if clock.monotonic() - began >= STEADY_S else deaths + 1
        screen.say(f"A worker has ended with {code}; another one starts.")
        await clock.sleep(_RESTART.pause_s(deaths))


async def _run_worker(environment: Mapping[str, str]) -> int:
    """Run one worker with these environment variables, and return its exit code.

    Cancelled, it sends SIGTERM, waits `STOP_S` for the worker to let its clients go, and kills it after that.
    """
    process = await asyncio.create_subprocess_exec(
        *command_line(*sys.argv[1:]),
        env=os.environ | environment,
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this process, which then passes on what it means
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _wait_for_listener(host: str, port: int, clock: Clock) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await clock.sleep(_PROBE_EVERY_S)
        else:
            writer.close()
            return


MAX_ON_A_HOST: Final = 512
"""As many as a run can have partitions: a further member would own nothing."""

_MAX_CHARACTERS: Final = 200
"""Kafka's limit is that of a topic's name, 249."""

_ALLOWED: Final = re.compile(r"[A-Za-z0-9._-]+")
"""What Kafka allows in a `group.instance.id`."""

_IS_POSSIBLE: Final = sys.platform == "linux"


@contextlib.contextmanager
def member_name(run: str, given: str | None = None) -> Iterator[str | None]:
    """The name that was given, or one that no other process of this host has in the run, for as long as the block runs.

    It is `None` where the system has no such names, or all are taken. Raises `UsageError` for a name that cannot be.
    """
    if given is not None:
        yield _checked(given)
        return
    with contextlib.ExitStack() as held:
        for number in range(1, MAX_ON_A_HOST + 1 if _IS_POSSIBLE else 1):
            reservation = _reserved(f"\0sandik-member/{sha256(run.encode()).hexdigest()}/{number}")
            if reservation is not None:
                held.enter_context(reservation)
                yield f"{_host()}-{number}"
                return
        yield None


def _checked(name: str) -> str:
    if len(name) > _MAX_CHARACTERS or not _ALLOWED.fullmatch(name):
        raise UsageError(
            f"--member {name!r} is no name for a member. Give letters, digits, '.', '_' and '-',"
            f" {_MAX_CHARACTERS} at most."
        )
    return name


def _reserved(address: str) -> socket.socket | None:
    """The socket that holds this address; `None` where another process does, or the system allows none."""
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        reservation.bind(address)
    except OSError:
        reservation.close()
        return None
    return reservation


def _host() -> str:
    """The host's name, of which only what a member's name may have is left."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[: _MAX_CHARACTERS - len(f"-{MAX_ON_A_HOST}")]


def cpu_s() -> float:
    """CPU time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class PipeClosed(Exception):
    """The other side of a pipe is gone."""


class PipeEnd:
    """One end of a pipe. Use as a context manager; it closes the pipe."""

    def __init__(self, pipe: "Pipe[object, object]") -> None:
        self._pipe = pipe
        self._came: asyncio.Queue[object | PipeClosed] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        self._loop.add_reader(self._pipe.fileno(), self._take)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.remove_reader(self._pipe.fileno())
        self._pipe.close()

    def send(self, message: object) -> None:
        """Send an object. Raises `PipeClosed` where the other side is gone."""
        try:
            self._pipe.send(message)
        except OSError as error:
            raise PipeClosed from error

    async def receive(self) -> object:
        """Return the next object. Raises `PipeClosed` once the other side is gone."""
        came = await self._came.get()
        if isinstance(came, PipeClosed):
            self._came.put_nowait(came)
            raise came
        return came

    def _take(self) -> None:
        try:
            while self._pipe.poll():
                self._came.put_nowait(self._pipe.recv())
        except (EOFError, OSError):
            self._loop.remove_reader(self._pipe.fileno())
            self._came.put_nowait(PipeClosed())
