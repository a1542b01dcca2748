"""`sandik aggregate`: fold tallies into totals."""

from dataclasses import replace
from typing import Annotated

import typer

from consumers.aggregate import AggregateSettings, Aggregator, Progress, fold_run
from eventlog.clock import Wall
from eventlog.run import open_run
from sandik import screen
from sandik.options import (
    EMBEDDED_LOG,
    LogUrl,
    MetricsHost,
    MetricsPort,
    OperatorKeys,
    RunName,
    command_app,
    operator_keys,
)
from sandik.process import member_name, run_to_completion, run_until_stopped
from sandik.quantities import grouped
from sandik.telemetry import AggregatorMetrics, metrics_served
from sandik.wiring import open_log, wait_for_run

EXAMPLE = "Example: sandik aggregate --log kafka://localhost:9092 --run 2024-yerel"

app = command_app()


@app.command(epilog=EXAMPLE)
def aggregate(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="Fold what the log holds now, publish, checkpoint, and exit.")
    ] = False,
    tick_ms: Annotated[
        int,
        typer.Option(min=1, envvar="SANDIK_TICK_MS", help="Publish a district at most once in so many milliseconds."),
    ] = 100,
    checkpoint_s: Annotated[
        float, typer.Option(min=0.1, envvar="SANDIK_CHECKPOINT_S", help="Begin a checkpoint every so many seconds.")
    ] = 10.0,
    compare_s: Annotated[
        float,
        typer.Option(min=0.1, envvar="SANDIK_COMPARE_S", help="Say at most so often, in seconds, why sources differ."),
    ] = 5.0,
    member: Annotated[
        str | None,
        typer.Option(
            envvar="SANDIK_MEMBER",
            metavar="NAME",
            help="This process's name among the run's aggregators: started again under it, it goes on at once. No two"
            " may have the same. By default the host's name with a number.",
        ),
    ] = None,
    operator_key: OperatorKeys = None,
    metrics_host: MetricsHost = "127.0.0.1",
    metrics_port: MetricsPort = None,
) -> None:
    """Fold a run's tallies into running totals. Start it as often as you like: they share the districts."""
    settings = AggregateSettings(
        tick_ms=tick_ms,
        checkpoint_ms=round(checkpoint_s * 1000),
        compare_ms=round(compare_s * 1000),
        operators=operator_keys(operator_key),
    )
    if until_end:
        _say_what_was_done(run_to_completion(_until_end(log, run, settings)))
    else:
        with member_name(run, member) as name:
            settings = replace(settings, member=name)
            run_until_stopped(_for_ever(log, run, settings, metrics_host, metrics_port))


async def _until_end(url: str, name: str, settings: AggregateSettings) -> Progress:
    clock = Wall()
    async with open_log(url, clock) as log:
        with screen.bar("folding tallies") as bar:
            run = await open_run(log, name, settings.operators)
            aggregator = Aggregator(log, run, clock, settings, lambda progress: bar.reached(progress.folded))
            return await aggregator.run_until_end(bar.expect)


async def _for_ever(url: str, name: str, settings: AggregateSettings, host: str, metrics_port: int | None) -> None:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await wait_for_run(log, name, clock, settings.operators)
        screen.say(f"Folding run {name!r} ({run.mode}), {grouped(len(run.definition.districts))} districts.")
        progress = Progress()
        with metrics_served(host, metrics_port, AggregatorMetrics(progress, clock)):
            await fold_run(log, run, clock, settings, progress)


def _say_what_was_done(progress: Progress) -> None:
    outcomes = ", ".join(f"{grouped(count)} {outcome}" for outcome, count in sorted(progress.outcomes.items()))
    flags = ", ".join(f"{grouped(count)} {flag}" for flag, count in sorted(progress.flags.items()) if count)
    screen.say(f"Folded {grouped(progress.folded)} tallies: {outcomes or 'none'}.")
    if progress.unverified:
        screen.say(
            f"{grouped(progress.unverified)} restrictions cannot be verified, and are kept: see sandik control log. "
            "Give the keys of all operators with --operator-key FILE, or FILE@UNTIL of those who have left."
        )
    screen.say(f"Flagged boxes now open: {flags or 'none'}. Published {grouped(progress.published)} totals.")
