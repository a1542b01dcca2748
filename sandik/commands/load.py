"""`sandik load`: load a gateway with many clients, show how it goes, and report how they fared."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.live import Live
from rich.text import Text
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from eventlog.clock import Clock, Wall
from eventlog.port import EventLog
from eventlog.run import Run, create_run, find_run
from gateway.clients.session import Catalogue
from producers.simulating.library import read_scenario
from sandik import screen
from sandik.console import terminal
from sandik.load.conductor import Show, conduct
from sandik.load.connection import bearer, reason, stream_uri
from sandik.load.feed import FeedPlan, read_prior
from sandik.load.outcome import Histogram, Outcome, encode, summarize
from sandik.load.plan import DEFAULT_MIX, Mix, Plan, Schedule, Stalling, read_mix
from sandik.load.report import render
from sandik.options import EMBEDDED_LOG, command_app
from sandik.process import run_to_completion
from sandik.quantities import decimal, grouped, parse_rate, parse_seconds, parse_share
from sandik.wiring import new_epoch, open_log
from schemas.errors import UnknownRun, UsageError

EXAMPLE = (
    "Example: sandik load ws://127.0.0.1:8765/v1/stream --clients 2000 --stalled 20% --feed 2000/s --run rehearsal "
    "--report load.html"
)

app = command_app()

SEED: Final = 1
"""The feed's order and the pauses before reconnecting: the same load twice is the same twice."""

_HELLO_TIMEOUT_S: Final = 20.0
"""Until the gateway says hello: it looks for a new run every 5 s, and then reads its log."""

_AGAIN_S: Final = 0.5
_KIB: Final = 1_024
_QUANTILES_SHOWN: Final = {"p50": 0.5, "p99": 0.99, "p99,9": 0.999, "p99,99": 0.9999}
_MEASURED: Final = {
    "behind": "From a change's due time to a client's screen",
    "newest": "From the newest change's event time to receipt",
    "none": "No latency",
}


@dataclass(frozen=True, slots=True)
class _LoadRequest:
    """The load that the command line asks for, before the run is known."""

    plan: Plan
    mix: Mix
    feed_hz: float | None
    log: str
    run: str | None


@app.command(epilog=EXAMPLE)
def load(
    url: Annotated[str, typer.Argument(metavar="URL", help="The stream: ws://HOST:PORT/v1/stream.")],
    clients: Annotated[int, typer.Option(min=1, help="How many clients connect.")] = 1000,
    ramp: Annotated[str, typer.Option(metavar="TIME", help="Over what time they connect.")] = "10s",
    duration: Annotated[str, typer.Option(metavar="TIME", help="How long to measure after that.")] = "60s",
    subscriptions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Who follows what (TOML); see examples/load-mix.toml.")
    ] = None,
    stalled: Annotated[str, typer.Option(metavar="SHARE", help="This share of the clients stops reading.")] = "0%",
    stall_cycle: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Stall for so long, read for as long, and so on; else all the time."),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Over how many processes to spread the clients.")] = 2,
    token: Annotated[
        str | None,
        typer.Option(envvar="SANDIK_LOAD_TOKEN", help="A read token, sent in the Authorization header."),
    ] = None,
    feed: Annotated[
        str | None, typer.Option(metavar="RATE", help="Feed the run as well, for example with 2000/s tallies.")
    ] = None,
    log: Annotated[
        str, typer.Option("--log", envvar="SANDIK_LOG", metavar="URL", help="With --feed: the log to feed.")
    ] = EMBEDDED_LOG,
    run: Annotated[
        str | None,
        typer.Option("--run", envvar="SANDIK_RUN", metavar="NAME", help="With --feed: the run; made if missing."),
    ] = None,
    grace: Annotated[
        str, typer.Option(metavar="TIME", help="How long everybody may take at the end to be current.")
    ] = "10s",
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report to this HTML file.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures to this JSON file.")] = None,
) -> None:
    """Load a gateway with clients, measure how late they get what, and check that none is shown anything wrong.

    Exit code 1 where any client saw a gap, a step back, a blank, or was not current at the end.
    """
    mix = read_mix(subscriptions or DEFAULT_MIX)
    cycle_s = parse_seconds(stall_cycle, "--stall-cycle") if stall_cycle else 0.0
    plan = Plan(
        url=url,
        token=token,
        clients=clients,
        processes=min(processes, clients),
        ramp_s=parse_seconds(ramp, "--ramp"),
        duration_s=parse_seconds(duration, "--duration"),
        grace_s=parse_seconds(grace, "--grace"),
        stalling=Stalling(parse_share(stalled, "--stalled"), cycle_s),
        subscriptions=tuple(each.message().model_dump(mode="json", exclude_none=True) for each in mix.subscription),
        units=(),
        allotted=tuple(mix.allot(clients)),
        schedule=None,
        wall_s=0.0,
        seed=SEED,
    )
    for path in (report, json):
        _check_folder(path)
    request = _LoadRequest(plan, mix, parse_rate(feed, "--feed") if feed else None, log, run)
    outcome, hello = run_to_completion(_load(request))
    _report(outcome, hello, report, json)
    if outcome.wrong:
        raise typer.Exit(1)


async def _load(request: _LoadRequest) -> tuple[Outcome, Mapping[str, Any]]:
    clock = Wall()
    plan, feed_plan = request.plan, None
    stream_uri(plan.url)
    if request.feed_hz is not None:
        plan, feed_plan = await _prepare_feed(request, request.feed_hz, clock)
    hello = await _wait_for_hello(plan, clock)
    if feed_plan is not None and hello.get("run") != request.run:
        served = hello.get("run")
        raise UsageError(
            f"The gateway serves run {served!r}, and --feed would feed run {request.run!r}. Name the same run."
        )
    with progress() as show:
        return await conduct(plan, feed_plan, clock, show), hello


async def _prepare_feed(request: _LoadRequest, feed_hz: float, clock: Clock) -> tuple[Plan, FeedPlan]:
    """Find or make the run, see what is in it, and lay out the schedule. Raises `UsageError`."""
    if request.run is None:
        raise UsageError("--feed needs to know which run to feed. Name it with --run.")
    async with open_log(request.log, clock) as log:
        run = await _run(log, request.run, clock)
        if run.mode == "live":
            raise UsageError(f"Run {request.run!r} is live. Feed a run of mode test, or leave --feed out.")
        prior = await read_prior(log, run)
    catalogue = Catalogue(run.definition)
    units = tuple(catalogue.subscription(each.message()).units for each in request.mix.subscription)
    schedule = Schedule.of(run.definition, feed_hz, SEED, prior.bases())
    plan = replace(request.plan, units=units, schedule=schedule)
    return plan, FeedPlan(request.log, run.topics.tallies.name, run.definition, prior)


async def _run(log: EventLog, name: str, clock: Clock) -> Run:
    try:
        return await find_run(log, name)
    except UnknownRun:
        definition = read_scenario().definition()
        return await create_run(log, name, definition, mode="test", epoch=new_epoch(), clock=clock)


async def _wait_for_hello(plan: Plan, clock: Clock) -> Mapping[str, Any]:
    """Connect until the gateway says hello, and return that message. Raises `UsageError` where none comes in time."""
    headers = {"Authorization": bearer(plan.token)} if plan.token is not None else None
    why = "it says no hello"
    deadline = clock.monotonic() + _HELLO_TIMEOUT_S
    while clock.monotonic() < deadline:
        try:
            async with (
                asyncio.timeout(_HELLO_TIMEOUT_S),
                connect(plan.url, additional_headers=headers, compression=None) as socket,
            ):
                hello: Mapping[str, Any] = orjson.loads(await socket.recv())
                return hello
        except (OSError, TimeoutError, WebSocketException, orjson.JSONDecodeError) as error:
            why = reason(error)
        await clock.sleep(_AGAIN_S)
    raise UsageError(f"There is no stream at {plan.url} ({why}). Is a gateway running there, and does it know the run?")


def _report(outcome: Outcome, hello: Mapping[str, Any], report: Path | None, json: Path | None) -> None:
    summary = summarize(outcome, at=Wall().now(), run=hello)
    if json is not None:
        json.write_bytes(encode(summary))
    if report is not None:
        report.write_text(render(summary), encoding="utf-8")
    latency, traffic = outcome.latency, summary["traffic"]
    at = ", ".join(f"{name} {milliseconds(latency, share)}" for name, share in _QUANTILES_SHOWN.items())
    screen.say(f"{_MEASURED[outcome.measure]}: {at}.")
    screen.say(
        f"{grouped(outcome.plan.clients)} clients, {grouped(round(traffic['frames_per_s']))} frames/s, "
        f"{grouped(round(traffic['bytes_per_s'] / _KIB))} KiB/s, {grouped(outcome.figures.reconnects)} reconnects."
    )
    for text in outcome.cautions:
        screen.say(f"Caution: {text}")
    for text in (*outcome.wrong, *outcome.figures.examples):
        screen.say(f"Wrong: {text}")
    if not outcome.wrong:
        screen.say("No gap, no step back, no blank; every client ended current.")


def _check_folder(path: Path | None) -> None:
    """Raise `UsageError`, before the load begins, where the report's folder does not exist."""
    if path is not None and not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be written: there is no folder {path.absolute().parent}. Make it first.")


LINE_EVERY_S: Final = 10.0
"""Between two lines where there is no terminal: a log file wants to know that it goes on, no more."""

_US_PER_MS: Final = 1000


@contextmanager
def progress() -> Iterator[Show]:
    """Show how a load goes while the block runs."""
    console = terminal()
    if console.is_terminal:
        with Live(Text("starting"), console=console, refresh_per_second=4, transient=True) as live:
            yield lambda outcome, elapsed_s: live.update(Text(line(outcome, elapsed_s)))
        return
    due = 0.0

    def say(outcome: Outcome, elapsed_s: float) -> None:
        nonlocal due
        if elapsed_s >= due:
            screen.say(line(outcome, elapsed_s))
            due = elapsed_s + LINE_EVERY_S

    yield say


def line(outcome: Outcome, elapsed_s: float) -> str:
    """How far a load is, in one line."""
    plan, last = outcome.plan, outcome.seconds[-1] if outcome.seconds else None
    parts = [
        f"{phase(outcome, elapsed_s)} {grouped(round(elapsed_s))} s of {grouped(round(plan.end_s))} s",
        f"{grouped(outcome.connected)} of {grouped(plan.clients)} connected",
        f"{grouped(last.frames if last else 0)} frames/s",
        f"{grouped((last.size_bytes if last else 0) // _KIB)} KiB/s",
        f"p50 {milliseconds(outcome.latency, 0.5)}, p99 {milliseconds(outcome.latency, 0.99)}",
        f"{grouped(outcome.figures.faults.total())} faults",
    ]
    return " · ".join(parts)


def phase(outcome: Outcome, elapsed_s: float) -> str:
    """Return the name of the phase that the load is in: connecting, measuring or catching up."""
    if elapsed_s < outcome.plan.ramp_s:
        return "connecting"
    if outcome.interrupted or elapsed_s >= outcome.plan.end_s:
        return "catching up"
    return "measuring"


def milliseconds(times: Histogram, quantile: float) -> str:
    """A quantile as people read it; a dash where nothing was timed."""
    return f"{decimal(times.at(quantile) / _US_PER_MS)} ms" if times.count else "—"
