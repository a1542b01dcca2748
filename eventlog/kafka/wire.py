"""One connection to a broker: to send on one that was just reset is an error of Kafka's, on any event loop.

asyncio drops what is written to such a connection, and its reader is told in the next turns of the loop. uvloop, on
which our commands run, raises `RuntimeError` until then. aiokafka knows nothing of that: its tasks that fetch, and that
keep the metadata up to date, end of it for good, and a client then brings nothing more, without an error; and whoever
asks for an offset in that moment ends of it, too.

There is no public way to give aiokafka another connection: `Wire` is put into the place of its own class, for every
client of this process. `tests/eventlog/kafka/test_wire.py` fails where a release makes its connections otherwise.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka import conn
from aiokafka.conn import CloseReason, collect_hosts, create_conn
from aiokafka.errors import KafkaConnectionError

__all__ = ["Wire", "collect_hosts", "create_conn"]


class Wire(conn.AIOKafkaConnection):  # type: ignore[misc]  # aiokafka has no types
    """A connection. Raises `KafkaConnectionError` where it is broken, and closes then."""

    def send(self, request: Any, expect_response: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002  as aiokafka's
        """Write a request; what is returned is to be awaited for the answer."""
        with self._broken():
            return super().send(request, expect_response)

    def _send_sasl_token(self, payload: Any, expect_response: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002  as above
        with self._broken():
            return super()._send_sasl_token(payload, expect_response)

    @contextmanager
    def _broken(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self._host}:{self._port} broken: {error}") from error


conn.AIOKafkaConnection = Wire
