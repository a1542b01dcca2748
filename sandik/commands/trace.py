"""`sandik trace`: what is behind a number."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from consumers.trace import Asked, Behind, Step, Trace, history_of
from eventlog.clock import Wall
from eventlog.port import EventLog
from eventlog.reading import read_to_end, read_until
from eventlog.run import Run, find_run
from gateway.folds.program import Program
from sandik import screen
from sandik.formats import Format, FormatOption, for_people, write_json
from sandik.numbers import grouped
from sandik.options import EMBEDDED_LOG, LogUrl, RunName
from sandik.process import run_to_completion
from sandik.wiring import open_log
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.quarantine import Quarantined
from schemas.totals import Cell, Totals

EXAMPLE = "Example: sandik trace tr/34/uskudar metropolitan_mayor imamoglu --run 2024-yerel --source aa"

_PARTS = 3


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
    form: FormatOption = Format.TABLE,
) -> None:
    """List the boxes, revisions and offsets behind a candidate's votes in a district, and what changed them last."""
    found = run_to_completion(_found(log, run, number, source))
    if form is Format.JSON:
        write_json(found.as_json())
        return
    console = for_people()
    for behind in found.behind:
        console.print(found.in_words(behind))
        console.print(found.boxes(behind))
    if not found.behind:
        console.print("Nothing has been reported of it yet.")
    if found.quarantined:
        console.print(_set_aside(found.quarantined))


class _Found:
    """What was found behind a number, and what is on air of it."""

    def __init__(self, run: Run, asked: Asked, trace: Trace, program: Program) -> None:
        self.asked = asked
        self.behind = trace.behind()
        self.quarantined = trace.quarantined()
        self._zone = ZoneInfo(run.definition.timezone)
        self._shown = {behind.source: program.view.totals(self._cell(behind)) for behind in self.behind}

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            **asdict(self.asked),
            "sources": [{**asdict(one), "adds_up": one.adds_up, "on_air": self._on_air(one)} for one in self.behind],
            "quarantined": [
                {"reason": one.reason, "detail": one.detail, "partition": one.partition, "offset": one.offset}
                for one in self.quarantined
            ],
        }

    def in_words(self, behind: Behind) -> str:
        """The number, whether it adds up, what is on air, and what changed it last."""
        sums = "adds up to it" if behind.adds_up else "does NOT add up to it; please report this"
        number, boxes = grouped(behind.number), grouped(behind.boxes_opened)
        lines = [
            f"{behind.source}: {self.asked.candidate} has {number} votes. {boxes} boxes open; what stands {sums}.",
            self._air_in_words(behind),
        ]
        if behind.last is not None:
            lines.append(
                f"Changed last at {self._clock(behind.last.appended)} by {_named(behind.last)}: "
                f"{grouped(behind.last.before)} → {grouped(behind.last.after)}, {_place(behind.last)}."
            )
        return "\n".join(lines)

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
                str(step.revision),
                step.type,
                self._clock(step.at),
                self._clock(step.appended),
                _place(step),
                ", ".join(f"{_said(one)}" for one in history_of(behind, step.box)),
            )
        return table

    def _on_air(self, behind: Behind) -> dict[str, Any] | None:
        shown = self._shown[behind.source]
        if shown is None:
            return None
        votes = shown.votes.get(self.asked.candidate, 0)
        return {"votes": votes, "version": shown.version, "overridden": self._is_set_by_hand(shown)}

    def _air_in_words(self, behind: Behind) -> str:
        shown = self._shown[behind.source]
        if shown is None:
            return "Nothing of it is on air yet."
        votes = shown.votes.get(self.asked.candidate, 0)
        if self._is_set_by_hand(shown):
            return f"On air are {grouped(votes)}, set by hand: see sandik control log."
        if votes == behind.number:
            return "The same is on air."
        return f"On air are {grouped(votes)}: it is on hold, or the aggregator is behind."

    def _is_set_by_hand(self, shown: Totals) -> bool:
        return f"votes.{self.asked.candidate}" in shown.overridden

    def _cell(self, behind: Behind) -> Cell:
        return Cell(self.asked.contest, behind.source, self.asked.district)

    def _clock(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).isoformat(sep=" ", timespec="seconds")


async def _found(url: str, name: str, number: list[str], source: str | None) -> _Found:
    async with open_log(url, Wall()) as log:
        run = await find_run(log, name)
        asked = _asked(run.definition, number, source)
        topics = run.topics
        trace = Trace(run.definition, topics.tallies.name, lambda key: log.partition_of(key, topics.partitions), asked)
        await _fold_district(log, run, asked.district, trace)
        async for record in read_to_end(log, topics.quarantine.name):
            trace.set_aside(Quarantined.model_validate_json(record.value or b""))
        program = Program(run.definition)
        async for record in read_to_end(log, topics.totals.name):
            program.fold(record)
        return _Found(run, asked, trace, program)


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
    unit = definition.unit_by_id.get(district)
    if unit is None or unit.level != "district":
        raise UsageError(f"There is no district {district!r}. A number is traced in a district such as tr/34/uskudar.")
    if contest not in definition.contest_by_id:
        raise UsageError(f"There is no contest {contest!r}. There are: {', '.join(definition.contest_by_id)}.")
    ballot = [one.id for one in definition.contest_by_id[contest].ballot(district)]
    if candidate not in ballot:
        raise UsageError(f"There is no candidate {candidate!r} on that ballot. There are: {', '.join(ballot)}.")
    if source is not None and source not in definition.source_ids:
        raise UsageError(f"There is no source {source!r}. There are: {', '.join(sorted(definition.source_ids))}.")
    return Asked(contest, district, candidate, source)


def _named(step: Step) -> str:
    what = "the whole district" if step.box is None else f"box {step.box}"
    return f"revision {step.revision} of {what} ({step.type})"


def _place(step: Step) -> str:
    return f"{step.partition}/{step.offset}"


def _said(step: Step) -> str:
    said = "taken back" if step.type in {"withdrawn", "annulled"} else grouped(step.votes)
    return f"r{step.revision} {said}" + ("" if step.outcome == "counted" else f" ({step.outcome})")


def _set_aside(quarantined: list[Quarantined]) -> Table:
    table = Table(box=None, header_style="bold", title="Set aside, and so in no number", title_justify="left")
    for name in ("partition/offset", "reason", "detail"):
        table.add_column(name, no_wrap=name != "detail")
    for one in quarantined:
        table.add_row(f"{one.partition}/{one.offset}", one.reason, one.detail)
    return table
