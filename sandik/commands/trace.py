"""`sandik trace`: what is behind a number."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.table import Table

from eventlog.clock import Wall
from eventlog.port import EventLog, partition_of, read_to_end, read_until
from eventlog.run import Run
from sandik import screen
from sandik.console import Format, FormatOption, for_people, print_sentences, write_json
from sandik.options import EMBEDDED_LOG, LogUrl, OperatorKeys, RunName, command_app, operator_keys
from sandik.process import run_to_completion
from sandik.quantities import grouped
from sandik.read_run import embargo_warning, read_control, read_on_air
from sandik.wiring import known_run, open_log
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.quarantine import Quarantined, is_assessment
from schemas.totals import Cell, Told, Totals
from schemas.trust import OperatorKey
from tabulation.counting.trace import Asked, Behind, Step, Trace, history_of
from tabulation.on_air import OnAir

EXAMPLE = "Example: sandik trace tr/34/uskudar metropolitan_mayor imamoglu --run 2024-yerel --source aa"

app = command_app()

_PARTS = 3
_SET_BY_HAND = "set by hand: see sandik control log. The boxes explain the source's own number."


@app.command(epilog=EXAMPLE)
def trace(
    number: Annotated[
        list[str],
        typer.Argument(
            metavar="DISTRICT CONTEST CANDIDATE", help="Which number; or in one, DISTRICT/CONTEST/CANDIDATE."
        ),
    ],
    run: RunName,
    source: Annotated[str | None, typer.Option(help="Only what this source says.")] = None,
    log: LogUrl = EMBEDDED_LOG,
    operator_key: OperatorKeys = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the boxes, revisions and offsets behind a candidate's votes in a district, and what changed them last.

    Boxes explain what the source itself says. Told beside it is what is on air: the same, or a figure that is held or
    was set by hand, or nothing during an embargo.
    """
    found = run_to_completion(_found(log, run, number, source, operator_keys(operator_key)))
    if form is Format.JSON:
        write_json(found.as_json())
        return
    console = for_people()
    for behind in found.behind:
        print_sentences(console, found.in_words(behind))
        if behind.standing:
            console.print(found.boxes(behind))
    if not found.behind:
        console.print("Nothing has been reported of it yet.")
    if found.quarantined:
        console.print(_set_aside(found.quarantined))


class _Found:
    """What was found behind a number, what is on air of it, and what the control room has."""

    def __init__(self, run: Run, asked: Asked, trace: Trace, fold: OnAir, *, embargoed: bool) -> None:
        self.asked = asked
        self.quarantined = trace.quarantined()
        self._fold = fold
        self._embargoed = embargoed
        self._zone = ZoneInfo(run.definition.timezone)
        reported = {behind.source: behind for behind in trace.behind()}
        ordered = {source for source in run.definition.source_ids if asked.source in {None, source}} - reported.keys()
        silent = {source: _nothing_of(source) for source in ordered if fold.truth(self._cell(source)) is not None}
        self.behind = [behind for _, behind in sorted((reported | silent).items())]

    def as_json(self) -> dict[str, Any]:
        """For programs. `number` and all that is behind it are the source's own; `told` says so."""
        return {
            **asdict(self.asked),
            "told": Told.LOG.value,
            "embargoed": self._embargoed,
            "held": self._fold.is_held(self.asked.contest, self.asked.district),
            "sources": [
                {
                    **asdict(one),
                    "adds_up": one.adds_up,
                    "on_air": None if self._embargoed else self._shown(self._fold.shown(self._cell(one.source))),
                    "control_room": self._shown(self._fold.truth(self._cell(one.source))),
                }
                for one in self.behind
            ],
            "quarantined": [
                {"reason": one.reason, "detail": one.detail, "partition": one.partition, "offset": one.offset}
                for one in self.quarantined
            ],
        }

    def in_words(self, behind: Behind) -> Iterator[str]:
        """The number, whether it adds up, what is on air, and what changed it last."""
        yield self._number_in_words(behind)
        yield from self._air_in_words(behind)
        yield from self._last_in_words(behind)

    def _number_in_words(self, behind: Behind) -> str:
        if not behind.steps:
            return f"{behind.source}: nothing has been reported of it."
        sums = "adds up to it" if behind.adds_up else "does NOT add up to it; please report this"
        number, boxes = grouped(behind.number), grouped(behind.boxes_opened)
        return f"{behind.source}: {self.asked.candidate} has {number} votes. {boxes} boxes open; what stands {sums}."

    def _last_in_words(self, behind: Behind) -> Iterator[str]:
        if behind.last is not None:
            yield (
                f"Changed last at {self._clock(behind.last.appended)} by {_named(behind.last)}: "
                f"{grouped(behind.last.before)} → {grouped(behind.last.after)}, {_place(behind.last)}."
            )

    def boxes(self, behind: Behind) -> Table:
        """What stands of each box, with all that was said of it before and after."""
        table = Table(box=None, header_style="bold")
        table.add_column("box", no_wrap=True)
        for name in ("votes", "revision"):
            table.add_column(name, no_wrap=True, justify="right")
        for name in ("type", "counted at", "in the log at", "partition/offset", "all that was said"):
            table.add_column(name, no_wrap=name != "all that was said")
        for step in behind.standing:
            table.add_row(
                str(step.box or "all"),
                grouped(step.votes),
                _revision(step),
                step.type,
                self._clock(step.at),
                self._clock(step.appended),
                _place(step),
                ", ".join(f"{_step_in_words(one)}" for one in history_of(behind, step.box)),
            )
        return table

    def _shown(self, totals: Totals | None) -> dict[str, Any] | None:
        """A number somebody sees, for programs; `overridden`: it was set by hand."""
        if totals is None:
            return None
        votes = totals.votes.get(self.asked.candidate, 0)
        return {"votes": votes, "version": totals.version, "overridden": self._is_set_by_hand(totals)}

    def _air_in_words(self, behind: Behind) -> Iterator[str]:
        """What the public sees of the number, and why, if it is another; then what the control room has of its own."""
        shown, truth = self._fold.shown(self._cell(behind.source)), self._fold.truth(self._cell(behind.source))
        is_held = self._fold.is_held(self.asked.contest, self.asked.district)
        if self._embargoed:
            yield "There is an embargo: nothing of it is on air."
        elif shown is None:
            yield "Nothing of it is on air: it is on hold." if is_held else "Nothing of it is on air yet."
        elif self._is_set_by_hand(shown):
            yield f"On air are {self._votes(shown)}, {_SET_BY_HAND}"
            if is_held:
                yield "It is on hold."
        elif shown.votes.get(self.asked.candidate, 0) == behind.number:
            yield "The same is on air, and it is on hold." if is_held else "The same is on air."
        else:
            reason = "it is on hold" if is_held else "the aggregator is behind"
            yield f"On air are {self._votes(shown)}: {reason}."
        if truth is not None and self._is_set_by_hand(truth) and (self._embargoed or shown != truth):
            yield f"The control room has {self._votes(truth)}, {_SET_BY_HAND}"

    def _votes(self, totals: Totals) -> str:
        return grouped(totals.votes.get(self.asked.candidate, 0))

    def _is_set_by_hand(self, shown: Totals) -> bool:
        return f"votes.{self.asked.candidate}" in shown.overridden

    def _cell(self, source: str) -> Cell:
        return Cell(self.asked.contest, source, self.asked.district)

    def _clock(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).isoformat(sep=" ", timespec="seconds")


async def _found(
    url: str, name: str, number: list[str], source: str | None, operators: tuple[OperatorKey, ...]
) -> _Found:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await known_run(log, name, operators)
        asked = _asked(run.definition, number, source)
        topics = run.topics
        by_key = partial(partition_of, partitions=topics.partitions)
        trace = Trace(run.base, topics.tallies.name, by_key, asked, run.ordered)
        await _fold_district(log, run, asked.district, trace)
        async for record in read_to_end(log, topics.quarantine.name):
            if not is_assessment(record.key):
                with suppress(ValidationError):  # what cannot be read says nothing
                    trace.set_aside(Quarantined.model_validate_json(record.value or b""))
        control = await read_control(log, run, operators)
        embargoed = control.embargo.is_in_force(clock.now())
        screen.warn(embargo_warning(control, clock.now()))
        return _Found(run, asked, trace, await read_on_air(log, run), embargoed=embargoed)


async def _fold_district(log: EventLog, run: Run, district: str, trace: Trace) -> None:
    """Read the district's partition from the beginning to the end as it is now."""
    topic = run.topics.tallies.name
    partition = log.partition_of(district.encode(), run.topics.partitions)
    end = (await log.end_offsets(topic))[partition]
    with screen.bar("reading tallies") as bar:
        bar.expect(end)
        async with log.reader(topic, {partition: 0}) as reader:
            async for batch in read_until(reader, {partition: end}):
                trace.fold(batch.partition, batch.records)
                bar.reached(reader.positions[partition])


def _asked(definition: Election, number: list[str], source: str | None) -> Asked:
    """What the arguments name: of the ids, only a district's has slashes. Raises `UsageError`."""
    parts = number[0].rsplit("/", _PARTS - 1) if len(number) == 1 else number
    if len(parts) != _PARTS:
        raise UsageError(f"Give a district, a contest and a candidate. {EXAMPLE}")
    district, contest, candidate = parts
    if district not in definition.every_cell:
        raise UsageError(f"There is no district {district!r}. A number is traced in a district such as tr/34/uskudar.")
    if contest not in definition.contest_by_id:
        raise UsageError(f"There is no contest {contest!r}. There are: {', '.join(definition.contest_by_id)}.")
    ballot = definition.ballot_order(contest, district)
    if candidate not in ballot and candidate not in definition.names_in(contest, district):
        raise UsageError(f"There is no candidate {candidate!r} on that ballot. There are: {', '.join(ballot)}.")
    if source is not None and source not in definition.source_ids:
        raise UsageError(f"There is no source {source!r}. There are: {', '.join(sorted(definition.source_ids))}.")
    return Asked(contest, district, candidate, source)


def _nothing_of(source: str) -> Behind:
    """What is behind the number of a source that has reported nothing."""
    return Behind(source, number=0, version=-1, boxes_opened=0, standing=(), last=None, steps=())


def _named(step: Step) -> str:
    what = "the whole district" if step.box is None else f"box {step.box}"
    let_out = ", let out of quarantine" if step.released else ""
    return f"revision {step.revision} of {what} ({step.type}{let_out})"


def _revision(step: Step) -> str:
    """The revision such as `3`; the second statement that was let out of quarantine at it is `3+2`."""
    return f"{step.revision}" + (f"+{step.released}" if step.released else "")


def _place(step: Step) -> str:
    return f"{step.partition}/{step.offset}"


def _step_in_words(step: Step) -> str:
    counts = "taken back" if step.type in {"withdrawn", "annulled"} else grouped(step.votes)
    return f"r{_revision(step)} {counts}" + ("" if step.outcome == "counted" else f" ({step.outcome})")


def _set_aside(quarantined: list[Quarantined]) -> Table:
    table = Table(box=None, header_style="bold", title="Set aside, and so in no number", title_justify="left")
    for name in ("partition/offset", "reason", "detail"):
        table.add_column(name, no_wrap=name != "detail")
    for one in quarantined:
        table.add_row(f"{one.partition}/{one.offset}", one.reason, one.detail)
    return table
