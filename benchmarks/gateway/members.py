"""The clients of one process: plain sockets that read, count and discard.

They know just enough of WebSocket to count frames, answer pings, and (where asked) read a number out of a message.
"""

import contextlib
import os
import re
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from multiprocessing.connection import Connection as Pipe
from typing import Final

from benchmarks.gateway.handshake import GREETING, PONG
from benchmarks.gateway.plan import Look, Order, Plan, Resume, Seen
from benchmarks.gateway.process import leave_server_core, raise_socket_limit
from benchmarks.patience import LIMIT_S

CLIENTS_PER_ADDRESS: Final = 100
"""A server may limit the connections of one address, and an address has 28,000 ports: the crowd comes from many."""

COMPRESSED: Final = 0x40
"""The bit of a frame's first byte that says so; what is in it stays unknown here, so all of them are counted."""

READ_BYTES: Final = 1 << 17
STALLED_RECEIVE_BYTES: Final = 4_096
LISTENING_S: Final = 0.05
_RESET: Final = struct.pack("ii", 1, 0)
_SENT_AT: Final = re.compile(rb'"registered":(\d+)')
_ENTRY: Final = b'"unit":'


def live(pipe: Pipe, plan: Plan, first: int, clients: int) -> None:
    """Be these clients until told to end, or until the harness is gone."""
    leave_server_core()
    raise_socket_limit()
    members = Members(plan, first, clients, pipe)
    try:
        members.connect_all()
        pipe.send(members.report())
        for order in iter(members.next_order, None):
            pipe.send(getattr(members, order.method)(*order.arguments))
    except (EOFError, KeyboardInterrupt):
        return
    except Exception as error:  # noqa: BLE001  told to the harness, which raises it
        pipe.send(RuntimeError(f"crowd: {error!r}"))
    finally:
        members.close()


class _Step(Enum):
    CONNECTING = auto()
    UPGRADING = auto()
    OPEN = auto()


@dataclass(slots=True, eq=False)
class _Member:
    """One client."""

    number: int
    socket: socket.socket
    step: _Step = _Step.CONNECTING
    rest: bytes = b""
    """The beginning of a frame whose head, or whose numbers, have not come yet."""
    skip: int = 0
    """Bytes of the current frame that are still to come, and of no interest."""
    position: int = 0


@dataclass(frozen=True, slots=True)
class _Returning:
    """Clients on their way back, by number: the position of each, and when each had been told a newer one."""

    positions: dict[int, int]
    current_at: dict[int, float] = field(default_factory=dict)


class Members:
    """The clients of one process."""

    def __init__(self, plan: Plan, first: int, clients: int, pipe: Pipe) -> None:
        self._plan = plan
        self._pipe = pipe
        self._poll = select.epoll()
        self._poll.register(pipe.fileno(), select.EPOLLIN)
        self._numbers = deque(range(first, first + clients))
        self._members: dict[int, _Member] = {}
        self._says = tuple(plan.dialect.says)
        self._position = re.compile(re.escape(plan.dialect.position) + rb"(\d+)")
        self._opened = 0
        self._stalled: list[int] = []
        self._seen = Seen()
        self._buffer = bytearray(READ_BYTES)
        self._again: deque[tuple[float, int]] = deque()
        self._returning: _Returning | None = None

    # What the harness orders

    def next_order(self) -> Order | None:
        while not self._pipe.poll():
            self._turn(1)
        order: Order | None = self._pipe.recv()
        return order

    def connect_all(self) -> None:
        """Connect, upgrade and say the first thing; then every client that said something waits for its answer."""
        wanted = len(self._numbers)
        self._until(lambda: self._opened >= wanted, f"{wanted} clients to connect")
        if self._says:
            self._until(lambda: self._seen.counted >= wanted, f"{wanted} answers")

    def report(self) -> Seen:
        seen, self._seen = self._seen, Seen()
        return seen

    def await_counted(self, each: int) -> Seen:
        began = time.perf_counter()
        wanted = each * len(self._members)
        self._until(lambda: self._seen.counted >= wanted, f"{wanted} messages")
        self._seen.seconds = time.perf_counter() - began
        return self.report()

    def listen(self, seconds: float) -> Seen:
        self._seen = Seen()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._turn(LISTENING_S)
        self._seen.seconds = seconds
        return self.report()

    def say(self, messages: Sequence[bytes]) -> Seen:
        for member in self._members.values():
            member.socket.send(messages[member.number % len(messages)])
        return Seen()

    def stall(self, every: int) -> Seen:
        for descriptor in self._stalled:
            self._poll.register(descriptor, select.EPOLLIN)
        self._stalled = [fd for fd, member in self._members.items() if every and member.number % every == 0]
        for descriptor in self._stalled:
            self._poll.unregister(descriptor)
        return Seen()

    def _is_weak(self, number: int) -> bool:
        return self._plan.weak_every > 0 and number % self._plan.weak_every == 0

    def drop_and_return(self, resume: Resume) -> list[float]:
        positions = {member.number: member.position for member in self._members.values()}
        numbers = sorted(positions)
        self._says = tuple(resume(positions[number]) for number in numbers)
        offset = numbers[0]
        self._says = self._says[-offset % len(numbers) :] + self._says[: -offset % len(numbers)]
        self._close_members()
        self._numbers.extend(numbers)
        self._plan = replace(self._plan, window=len(numbers))
        self._returning = _Returning(positions)
        began = time.perf_counter()
        current_at = self._returning.current_at
        self._until(lambda: len(current_at) >= len(numbers), f"{len(numbers)} clients to be back and current")
        self._returning = None
        return [moment - began for moment in current_at.values()]

    def close(self) -> None:
        self._close_members()
        self._poll.close()

    # What the sockets do

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {LIMIT_S} s for {what}; saw {self._seen.counted}, {self._opened} open")
            self._turn(LISTENING_S)

    def _turn(self, timeout_s: float) -> None:
        self._connect_some()
        for descriptor, events in self._poll.poll(timeout_s, 1_024):
            member = self._members.get(descriptor)
            if member is None:
                continue
            if member.step is _Step.CONNECTING:
                self._connected(descriptor, member)
            elif events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self._read(descriptor, member)

    def _connect_some(self) -> None:
        now = time.monotonic()
        for _ in range(len(self._again)):
            due, number = self._again.popleft()
            if due <= now:
                self._numbers.append(number)
            else:
                self._again.append((due, number))
        while self._numbers and len(self._members) - self._opened < self._plan.window:
            number = self._numbers.popleft()
            client = socket.socket()
            client.setblocking(False)  # noqa: FBT003  the socket module's own
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            if self._is_weak(number):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_RECEIVE_BYTES)
            group = number // CLIENTS_PER_ADDRESS
            client.bind((f"127.0.{1 + group // 250}.{1 + group % 250}", 0))
            with contextlib.suppress(BlockingIOError):
                client.connect(("127.0.0.1", self._plan.port))
            self._members[client.fileno()] = _Member(number, client)
            self._poll.register(client.fileno(), select.EPOLLOUT)

    def _connected(self, descriptor: int, member: _Member) -> None:
        error = member.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._refuse(member)
            return
        self._poll.modify(descriptor, select.EPOLLIN)
        member.step = _Step.UPGRADING
        if self._plan.dialect.request:
            member.socket.send(self._plan.dialect.request)

    def _open(self, member: _Member) -> None:
        member.step = _Step.OPEN
        self._opened += 1
        if self._says:
            member.socket.send(self._says[member.number % len(self._says)])

    def _read(self, descriptor: int, member: _Member) -> None:
        try:
            size = os.readv(descriptor, [self._buffer])
        except BlockingIOError:
            return
        except ConnectionError:
            size = 0
        if size == 0:
            self._lose(descriptor, member)
            return
        self._seen.bytes += size
        if member.step is _Step.UPGRADING:
            self._upgrade(member, bytes(self._buffer[:size]))
        else:
            self._frames(member, self._buffer, size)

    def _upgrade(self, member: _Member, data: bytes) -> None:
        if not self._plan.dialect.request:  # a server without a protocol greets whom it has accepted
            self._open(member)
            self._frames(member, data, len(data))
            return
        head, found, rest = (member.rest + data).partition(b"\r\n\r\n")
        if not found:
            member.rest = head
            return
        if b" 101 " not in head[:20]:
            self._refuse(member)
            return
        member.rest = b""
        self._open(member)
        if rest:
            self._frames(member, rest, len(rest))

    def _lose(self, descriptor: int, member: _Member) -> None:
        if member.step is not _Step.OPEN:
            self._refuse(member)
            return
        self._seen.lost += 1
        self._opened -= 1
        self._forget(descriptor, member)

    def _refuse(self, member: _Member) -> None:
        """It tries again after half a second or up to a second more; the same for each client every time."""
        self._seen.refused += 1
        pause_s = 0.5 + member.number % 100 / 100
        self._again.append((time.monotonic() + pause_s, member.number))
        self._forget(member.socket.fileno(), member)

    def _forget(self, descriptor: int, member: _Member) -> None:
        self._poll.unregister(descriptor)
        member.socket.close()
        del self._members[descriptor]

    def _frames(self, member: _Member, data: bytes | bytearray, size: int) -> None:
        """Count the frames in what came. Only heads (and messages that are looked into) have to be whole."""
        if member.rest:
            data = member.rest + data[:size]
            size = len(data)
            member.rest = b""
        at = member.skip
        looks = self._plan.look is not Look.NOTHING or self._plan.dialect.shares_frames
        while at < size:
            head = at + 2
            if size < head:
                break
            length = data[at + 1]
            if length == 126:
                head += 2
                length = int.from_bytes(data[at + 2 : head], "big")
            elif length == 127:
                head += 8
                length = int.from_bytes(data[at + 2 : head], "big")
            if size < head + (length if looks else min(length, 20)):
                break
            self._frame(member, data[at], data, head, head + length)
            at = head + length
        if at < size:
            member.rest = bytes(data[at:size])
            member.skip = 0
        else:
            member.skip = at - size

    def _frame(self, member: _Member, kind: int, data: bytes | bytearray, start: int, end: int) -> None:
        seen = self._seen
        if kind == 0x89:
            seen.pings += 1
            with contextlib.suppress(BlockingIOError):
                member.socket.send(PONG)
            return
        if kind == GREETING[0]:
            return
        seen.frames += 1
        counted = self._counted(kind, data, start, end)
        seen.counted += counted
        if counted:
            self._look(member, data, start, end)

    def _counted(self, kind: int, data: bytes | bytearray, start: int, end: int) -> int:
        """How many messages in a frame are among those that are waited for."""
        dialect = self._plan.dialect
        if kind & COMPRESSED:
            return 1
        if dialect.shares_frames:
            return sum(data.count(begin, start, end) for begin in dialect.counted)
        return int(data.startswith(dialect.counted, start))

    def _look(self, member: _Member, data: bytes | bytearray, start: int, end: int) -> None:
        match self._plan.look:
            case Look.SENT_AT if not self._is_weak(member.number):
                self._note_waits(data, start, end)
            case Look.ENTRIES:
                self._seen.entries += data.count(_ENTRY, start, end)
            case Look.POSITION:
                self._note_position(member, data, start, end)
            case _:
                pass

    def _note_waits(self, data: bytes | bytearray, start: int, end: int) -> None:
        """A message of several districts has them all from one moment; messages that share a frame may not."""
        now_us = time.monotonic_ns() // 1_000
        for found in _SENT_AT.finditer(data, start, end):
            self._seen.waits_us.append(now_us - int(found[1]))
            if not self._plan.dialect.shares_frames:
                return

    def _note_position(self, member: _Member, data: bytes | bytearray, start: int, end: int) -> None:
        for found in self._position.finditer(data, start, end):
            member.position = max(member.position, int(found[1]))
        if self._returning is not None and member.position > self._returning.positions[member.number]:
            self._returning.current_at.setdefault(member.number, time.perf_counter())

    def _close_members(self) -> None:
        for member in self._members.values():
            member.socket.close()
        self._members.clear()
        self._stalled.clear()
        self._opened = 0
