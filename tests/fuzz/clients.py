"""A client of a gateway that keeps what it is sent."""

from collections.abc import Iterator

from gateway.clients.framing import Framing
from tests.simulation.seeded.screen import messages_in


class Ear:
    """One connection. Two are never equal."""

    framing = Framing.PLAIN

    def __init__(self) -> None:
        self.written = b""
        self.code: int | None = None

    def send(self, data: bytes) -> None:
        self.written += data

    def close(self, code: int, _: str) -> None:
        self.code = code

    def unsent_bytes(self) -> int:
        return 0

    def check(self, news: bytes) -> None:
        """A ping: it is here."""
        self.send(news)


def payloads(written: bytes) -> Iterator[bytes]:
    """The payloads of the frames that were written."""
    return messages_in(written)
