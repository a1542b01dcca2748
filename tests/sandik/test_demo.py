"""What the demo says of its control room."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from eventlog.clock import Wall
from gateway.admission.access import Grant
from gateway.admission.handshake import Credentials, Handshake
from sandik.commands.demo import RUN, ControlRoom, announce_all, is_loopback
from schemas.trust import OrderSigner


def test_the_link_brings_a_token_that_is_let_in_and_the_key_whose_orders_count() -> None:
    room = ControlRoom.new()
    link = urlsplit(room.link("http://localhost:8765", Wall()))
    brought = {name: values[0] for name, values in parse_qs(link.fragment).items()}

    grant = Handshake(room.access(), RUN).admit(
        Credentials(f"token={brought['token']}", [], "127.0.0.1"), datetime.now(UTC)
    )
    assert isinstance(grant, Grant)
    assert "operator" == grant.scope
    pem = f"-----BEGIN PRIVATE KEY-----\n{brought['key']}\n-----END PRIVATE KEY-----\n"
    assert room.signer.public.fingerprint == OrderSigner.from_pem(pem.encode()).public.fingerprint
    assert ("/control", "", "Demo") == (link.path, link.query, brought["name"])


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("10.0.0.7", False), ("tv", False)],  # noqa: S104
)
def test_a_room_is_for_this_machine_alone(host: str, expected: bool) -> None:
    assert expected == is_loopback(host)


def test_a_demo_that_others_can_reach_tells_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    announce_all("0.0.0.0", 8765, None, Wall())  # noqa: S104
    told = capsys.readouterr().err

    assert ("#token=" in told, "No control room" in told) == (False, True)
