"""A whole night, counted and served in one process: `sandik run` (a file of results) and `demo` (a simulated one).

A demo's control room is entered by a link. It has a token, and the key that orders are signed with, both made for this
demo and kept in memory. They stand behind the `#`, which a browser sends to nobody; the page takes them at an address
of this machine alone, and a demo that other machines can reach has none.
"""

import asyncio
import re
import secrets
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from consumers.aggregate import AggregateSettings, fold_run
from eventlog.clock import Clock, Wall
from eventlog.loops import forever
from eventlog.port import EventLog
from eventlog.run import Run, create_run
from eventlog.sqlite.log import SqliteLog
from gateway.admission.access import Key, SigningKey, sign
from gateway.admission.handshake import AccessSettings
from gateway.brand import STANDARD_BRAND, BrandFolder, open_brand
from gateway.recall import Moments
from gateway.server import serve
from gateway.settings import GatewaySettings
from producers.simulating.library import DEFAULT_SCENARIO, read_scenario
from producers.simulating.scenario import Scenario
from producers.simulating.simulate import stage
from producers.tables.boxes import Table, election
from producers.tables.fitting import check_mapping
from producers.tables.mapping import BoxMapping, ReportMapping, read_boxes_mapping
from sandik import screen
from sandik.commands.gateway import Host, Port, announce, base_url, within_files
from sandik.commands.publish import ScenarioName, Seed, Speed, send
from sandik.commands.tables import DryRun, Every, MappingFile, Strict, Watch, read_definition, show
from sandik.feed import Publishing, TableFeed, is_address
from sandik.options import EMBEDDED_LOG, BrandName, LogUrl, OperatorKeys, RunMode, command_app, operator_keys
from sandik.past import PastWorker
from sandik.process import in_thread, member_name, run_to_completion, run_until_stopped
from sandik.quantities import grouped
from sandik.wiring import TargetRun, new_epoch, open_log, parse_mode
from schemas.definition import Election
from schemas.errors import UnknownRun, UsageError
from schemas.trust import OrderSigner

app = command_app()

TICK_MS = 50
"""How often totals and clients are told what is new: both wait for nobody else, and a hundredth of it is work."""


async def _count_and_serve(
    log: EventLog,
    run: Run,
    clock: Clock,
    host: str,
    port: int,
    publishing: Coroutine[Any, Any, None],
    settings: GatewaySettings,
    moments: Moments | None = None,
    started: Callable[[int], None] | None = None,
) -> None:
    """Count a run and serve its board until cancelled, while `publishing` publishes to it.

    `settings` are the gateway's; whose orders count there counts for the aggregator, too. `started` is told the port;
    without it the port is printed.

    What ends `publishing` with an error, or the count, or the board, ends all of it. Raises their error.
    """
    with member_name(run.name) as member:
        counting = AggregateSettings(tick_ms=TICK_MS, member=member, operators=settings.operators)
        board = serve(
            log,
            run.name,
            host=host,
            port=port,
            clock=clock,
            moments=moments,
            settings=within_files(settings),
            started=started or (lambda actual: announce(host, actual)),
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(forever(board, "The gateway"))
            group.create_task(forever(fold_run(log, run, clock, counting), "The aggregator"))
            await publishing


RUN_EXAMPLE = (
    "Example: sandik run examples/villages/tps.csv --mapping examples/villages/mapping.toml "
    "--definition examples/villages/definition.json"
)


@app.command(epilog=RUN_EXAMPLE)
def run(
    file: Annotated[
        str,
        typer.Argument(help="The results: a file of any kind that docs/mapping.md lists, a folder or ZIP, an address."),
    ],
    mapping: MappingFile,
    definition: Annotated[
        Path | None,
        typer.Option(
            "--definition",
            "--from-definition",
            metavar="FILE",
            help="The election definition (JSON). Without it the run's, or with [election] in the mapping the table's.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--run", envvar="SANDIK_RUN", metavar="NAME", help="The run. Without it the election's id."),
    ] = None,
    log: LogUrl = EMBEDDED_LOG,
    mode: RunMode = "test",
    host: Host = "127.0.0.1",
    port: Port = 8765,
    brand: BrandName = STANDARD_BRAND,
    strict: Strict = False,
    dry_run: DryRun = False,
    watch: Watch = False,
    every: Every = None,
    operator_key: OperatorKeys = None,
) -> None:
    """Publish a file of results, count it and serve the board, all in this one process. Ctrl-C ends it.

    Started again with the same --run, it goes on: only what the log does not have yet is published. Lines that cannot
    be used are named and left out.
    """
    plan = read_boxes_mapping(mapping)
    given = read_definition(definition) if definition is not None else None
    if isinstance(plan, BoxMapping) and plan.election.assumed:
        screen.say(f"{mapping}: {plan.election.assumed}")
    into = TargetRun(
        log, name or _election_id(plan, given), given, parse_mode(mode), operators=operator_keys(operator_key)
    )
    feed = TableFeed(file, plan, strict=strict, every=every)
    if not watch and not is_address(file) and not Path(file).exists():
        raise UsageError(f"There is no file {file}. Give the path of the results; with --watch it is waited for.")
    if isinstance(plan, ReportMapping) and given is not None:
        check_mapping(plan, given)
    if dry_run:
        run_to_completion(show(into, feed))
    else:
        settings = GatewaySettings(operators=into.operators, brand=open_brand(brand))
        run_until_stopped(_run(into, feed, host, port, settings, operator_key or (), watch=watch))


def _election_id(plan: BoxMapping | ReportMapping, given: Election | None) -> str:
    if given is not None:
        return given.id
    if isinstance(plan, BoxMapping):
        return plan.election.id
    raise UsageError(
        "What is the election? Give its definition with --definition FILE (docs/definition.md says how one is made), "
        "or with --run the name of a run that has one."
    )


async def _run(
    into: TargetRun,
    feed: TableFeed,
    host: str,
    port: int,
    settings: GatewaySettings,
    operator_key: Sequence[Path],
    *,
    watch: bool,
) -> None:
    clock = Wall()
    past = PastWorker(into.url, into.name, operator_key)
    async with open_log(into.url, clock) as log, Moments(past) as moments:
        found, table = await _found(into, feed, log, clock, watch=watch)
        screen.say(
            f"Run {found.name!r} ({found.mode}) of {found.definition.name}: {grouped(len(found.definition.districts))} "
            f"counting units. Its log is {into.url}. Ctrl-C ends it; the same command goes on."
        )
        with feed.into(log, found, clock, table) as publishing:
            work = publishing.follow() if watch else _once(publishing, feed)
            await _count_and_serve(log, found, clock, host, port, work, settings, moments)


async def _found(
    into: TargetRun, feed: TableFeed, log: EventLog, clock: Clock, *, watch: bool
) -> tuple[Run, Table | None]:
    """Return the run: the one that is there, or one with the definition that is given or that the table makes.

    The table, too, where it was read for that: once is enough, and the board is there while it is published.
    """
    plan = feed.plan
    if isinstance(plan, ReportMapping) or into.definition is not None:
        return await into.found(log, clock), None
    try:
        return await into.found(log, clock), None
    except UnknownRun:
        screen.say(f"Making the election's definition of {feed.file}.")
        table = await in_thread(lambda: feed.own_table(plan))
        own = await in_thread(lambda: election(table, plan))
    found = await replace(into, definition=own).found(log, clock)
    if watch:
        screen.say(
            f"The election is made of what {feed.file} has now: boxes that come later are not in it. Give those of the "
            "whole night with --definition FILE."
        )
    return found, None if watch or plan.table.exports else table


async def _once(publishing: Publishing, feed: TableFeed) -> None:
    published = await publishing.once()
    known = f", and {grouped(published.known)} were in the log already" if published.known else ""
    refused = f" {grouped(published.refused)} lines could not be used: see above." if published.refused else ""
    screen.say(f"Published {grouped(published.new)} {feed.kind} of {feed.source!r}{known}.{refused}")


DEMO_EXAMPLE = "Example: sandik demo --speed 600"

DEMO_RUN: Final = "demo"
DEMO_SPEED: Final = 240.0
"""İstanbul's night in five minutes or so."""

OPERATOR: Final = "Demo"
TOKEN_HOLDS: Final = timedelta(days=7)
"""Longer than anybody leaves a demo running."""

LET_GO_S: Final = 1
"""How long the demo's end takes at most: there is no other gateway to which its clients would come all at once."""


@app.command(epilog=DEMO_EXAMPLE)
def demo(
    scenario: ScenarioName = DEFAULT_SCENARIO,
    seed: Seed = None,
    speed: Speed = DEMO_SPEED,
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
        token = sign(key, subject=OPERATOR, scope="operator", runs=[DEMO_RUN], now=now, expires=now + TOKEN_HOLDS)
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
        access=room.access() if room is not None else AccessSettings(),
        operators=operators,
        brand=brand,
        drain_s=LET_GO_S,
    )
    with tempfile.TemporaryDirectory(prefix="sandik-demo-") as folder:
        async with SqliteLog(Path(folder) / "demo.db", clock) as log:
            run = await create_run(log, DEMO_RUN, scenario.definition(), mode="test", epoch=new_epoch(), clock=clock)
            await _count_and_serve(
                log,
                run,
                clock,
                host,
                port,
                _publish_simulated(log, run, clock, scenario, seed, speed),
                settings,
                started=lambda actual: announce_all(host, actual, room, clock),
            )


async def _publish_simulated(
    log: EventLog, run: Run, clock: Clock, scenario: Scenario, seed: int | None, speed: float
) -> None:
    staged = await in_thread(lambda: stage(scenario, seed))
    published = await send(log, run, staged, speed, clock)
    screen.say(f"The night is over: {grouped(published.records)} tallies. The board stays until Ctrl-C.")
