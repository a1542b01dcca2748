"""`sandik demo`: a whole night in one process, with a control room that one enters by a link.

The link has a token, and the key that orders are signed with, both made for this demo and kept in memory. They stand
behind the `#`, which a browser sends to nobody; the page takes them at an address of this machine alone, and a demo
that other machines can reach has none.
"""

import re
import secrets
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from eventlog.clock import Clock, Wall
from eventlog.port import EventLog
from eventlog.run import Run, create_run
from eventlog.sqlite.log import SqliteLog
from gateway.admission.access import Key, SigningKey, sign
from gateway.admission.handshake import AccessSettings
from gateway.brand import STANDARD_BRAND, BrandFolder, open_brand
from gateway.settings import GatewaySettings
from producers.scenarios.library import DEFAULT_SCENARIO, read_scenario
from producers.scenarios.scenario import Scenario
from producers.simulating.simulate import stage
from sandik import screen
from sandik.commands.gateway import Host, Port, announce, base_url
from sandik.commands.simulate import ScenarioName, Seed, Speed, send
from sandik.one_process import count_and_serve
from sandik.options import BrandName, command_app
from sandik.process import in_thread, run_until_stopped
from sandik.quantities import grouped
from sandik.wiring import new_epoch
from schemas.trust import OrderSigner

EXAMPLE = "Example: sandik demo --speed 600"

app = command_app()

RUN = "demo"


DEFAULT_SPEED = 240.0
"""İstanbul's night in five minutes or so."""

OPERATOR: Final = "Demo"
TOKEN_HOLDS: Final = timedelta(days=7)
"""Longer than anybody leaves a demo running."""

LET_GO_S: Final = 1
"""How long the demo's end takes at most: there is no other gateway to which its clients would come all at once."""


@app.command(epilog=EXAMPLE)
def demo(
    scenario: ScenarioName = DEFAULT_SCENARIO,
    seed: Seed = None,
    speed: Speed = DEFAULT_SPEED,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    brand: BrandName = STANDARD_BRAND,
) -> None:
    """Run a simulated night end to end: simulator, embedded log, aggregator, gateway, board. Ctrl-C ends it.

    The log is a temporary file that goes when the demo ends. A link enters the control room, on this machine alone.
    """
    chosen = read_scenario(scenario)
    screen.say(f"{chosen.story} Simulated. Ctrl-C ends it.")
    run_until_stopped(_demo(chosen, seed, chosen.speed if speed is None else speed, host, port, open_brand(brand)))


@dataclass(frozen=True, slots=True)
class ControlRoom:
    """What the demo's control room is entered with. Never shown but in its link."""

    secret: bytes
    key: Ed25519PrivateKey

    @classmethod
    def new(cls) -> "ControlRoom":
        """Make a token's secret and a key that nobody else has."""
        return cls(secrets.token_hex(32).encode(), Ed25519PrivateKey.generate())

    @property
    def signer(self) -> OrderSigner:
        """Whose orders count."""
        return OrderSigner(self.key)

    def access(self) -> AccessSettings:
        """By which the gateway checks its token."""
        return AccessSettings(keys=(Key("HS256", self.secret),))

    def link(self, base: str, clock: Clock) -> str:
        """Return the address that enters the room."""
        now = clock.now()
        key = SigningKey("HS256", self.secret)
        token = sign(key, subject=OPERATOR, scope="operator", runs=[RUN], now=now, expires=now + TOKEN_HOLDS)
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        body = re.sub(r"-----[A-Z ]+-----|\s", "", pem)
        return f"{base}/control#{urlencode({'token': token, 'key': body, 'name': OPERATOR})}"


def is_loopback(host: str) -> bool:
    """Whether an address to listen at can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def announce_all(host: str, port: int, room: ControlRoom | None, clock: Clock) -> None:
    """Say where everything is."""
    base = base_url(host, port)
    announce(host, port)
    screen.say(f"The overlays for OBS, vMix and CasparCG are at {base}/overlays")
    if room is None:
        screen.say(
            "No control room: every machine that can reach this demo could give orders. Leave --host out to have one."
        )
        return
    screen.say("The control room, with a demo's token and key, for this machine alone (open the whole link):")
    screen.say(f"  {room.link(base, clock)}")


async def _demo(scenario: Scenario, seed: int | None, speed: float, host: str, port: int, brand: BrandFolder) -> None:
    clock = Wall()
    room = ControlRoom.new() if is_loopback(host) else None
    operators = (room.signer.public,) if room is not None else ()
    settings = GatewaySettings(
        access=room.access() if room is not None else AccessSettings(), operators=operators, drain_s=LET_GO_S
    )
    with tempfile.TemporaryDirectory(prefix="sandik-demo-") as folder:
        async with SqliteLog(Path(folder) / "demo.db", clock) as log:
            run = await create_run(log, RUN, scenario.definition(), mode="test", epoch=new_epoch(), clock=clock)
            await count_and_serve(
                log,
                run,
                clock,
                host,
                port,
                _publish(log, run, clock, scenario, seed, speed),
                brand=brand,
                settings=settings,
                started=lambda actual: announce_all(host, actual, room, clock),
            )


async def _publish(log: EventLog, run: Run, clock: Clock, scenario: Scenario, seed: int | None, speed: float) -> None:
    staged = await in_thread(lambda: stage(scenario, seed))
    published = await send(log, run, staged, speed, clock)
    screen.say(f"The night is over: {grouped(published.records)} tallies. The board stays until Ctrl-C.")
