"""`sandik compare`: how far two sources are apart, and why."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table

from eventlog.clock import Wall
from eventlog.port import read_to_end
from eventlog.run import Run
from gateway.clients.session import Catalogue
from sandik import screen
from sandik.console import Format, FormatOption, for_people, print_sentences, write_json
from sandik.options import EMBEDDED_LOG, LogUrl, OperatorKeys, RunName, command_app, operator_keys
from sandik.process import run_to_completion
from sandik.quantities import NOTHING, decimal, grouped, percent
from sandik.read_run import embargo_warning, quarantine_of, read_control
from sandik.run_totals import Names, meaning
from sandik.wiring import known_run, open_log
from schemas.comparison import BoxFigures, Explanation, Figures, Gap, SourceFigures, Why
from schemas.errors import UsageError
from schemas.quarantine import SetAsideHere
from schemas.totals import Told
from schemas.trust import OperatorKey
from tabulation.counting.comparisons import Comparisons
from tabulation.derived.explain import GapQuestion, explain, set_aside
from tabulation.program import Program

EXAMPLE = "Example: sandik compare aa anka --run 2024-yerel --contest metropolitan_mayor --unit tr/34"

app = command_app()

_CANDIDATES = 8
"""Candidates that people are shown, most votes first: as many as on the board."""


@app.command(epilog=EXAMPLE)
def compare(
    a: Annotated[str, typer.Argument(help="A source.")],
    b: Annotated[str, typer.Argument(help="Another source.")],
    run: RunName,
    contest: Annotated[str, typer.Option(help="The contest.")],
    unit: Annotated[str, typer.Option(help="The unit: a district, a province or the country, such as tr/34/uskudar.")],
    log: LogUrl = EMBEDDED_LOG,
    operator_key: OperatorKeys = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say how far two sources are apart, and why: boxes that one has and the other not, or other counts.

    Compared is what the sources say themselves; where the gap cannot be split, what the control room has. The answer
    says which, and whether it is on hold or under an embargo on air.
    """
    question = GapQuestion(contest, unit, a, b)
    in_run, found, embargoed = run_to_completion(_explanation(log, run, question, operator_keys(operator_key)))
    if form is Format.JSON:
        write_json(found.model_dump(mode="json") | {"embargoed": embargoed})
        return
    _print(found, Names(in_run.definition), embargoed=embargoed)


def _print(found: Explanation, names: Names, *, embargoed: bool) -> None:
    """Write the answer for people."""
    console = for_people()
    sources = f"{names.source(found.a.source)} and {names.source(found.b.source)}"
    where = f"{names.contest(found.contest)} in {names.unit(found.unit)}"
    print_sentences(console, (f"{where}: {sources}.", *meaning(found.told, embargoed=embargoed)))
    console.print(_sources(found, names))
    if found.candidates:
        console.print(_gaps(found, names))
    print_sentences(console, _remarks(found))
    if found.why is None:
        print_sentences(console, [found.reason or ""])
    else:
        print_sentences(console, [_in_words(found, found.why)])
        if found.why.explaining:
            console.print(_boxes(found, found.why))


async def _explanation(
    url: str, name: str, question: GapQuestion, operators: tuple[OperatorKey, ...]
) -> tuple[Run, Explanation, bool]:
    """The run, the answer, and whether there is an embargo."""
    clock = Wall()
    contest, unit, a, b = question
    async with open_log(url, clock) as log:
        run = await known_run(log, name, operators)
        catalogue = Catalogue(run.definition)
        for named, check in ((contest, catalogue.contest), (a, catalogue.source), (b, catalogue.source)):
            check(named)
        if catalogue.units([unit]) != {unit} or a == b:
            raise UsageError("Give one unit and two sources, as in: " + EXAMPLE.removeprefix("Example: "))
        program, comparisons = Program(run.definition), Comparisons(run.definition)
        async for record in read_to_end(log, run.topics.totals.name):
            program.fold(record)
        if await log.exists(run.topics.comparisons.name):
            async for record in read_to_end(log, run.topics.comparisons.name):
                comparisons.fold(record)
        held = program.is_held(contest, unit)
        control = await read_control(log, run, operators)
        screen.warn(embargo_warning(control, clock.now()))
        aside = set_aside((await quarantine_of(log, run, operators)).open, question, is_public=False)
        rolled = comparisons.roll_up(*question, program.live.version)
        about = run, run.epoch, program.live, rolled, question
        found = explain(*about, told=Told.CONTROL_ROOM, held=held, set_aside=aside)
        return run, found, control.embargo.is_in_force(clock.now())


def _table(*names: str, words: int = 1) -> Table:
    """A table whose first columns hold words, and the others numbers."""
    table = Table(box=None, header_style="bold")
    for index, name in enumerate(names):
        table.add_column(name, no_wrap=True, justify="left" if index < words else "right")
    return table


def _sources(found: Explanation, names: Names) -> Table:
    leaders = (names.candidate(found.contest, found.unit, leader) for leader in found.leaders)
    table = _table("", "boxes opened", "valid", *leaders)
    of = grouped(found.boxes_total)
    for figures in (found.a, found.b):
        table.add_row(
            figures.source, f"{grouped(figures.boxes_opened)} / {of}", _number(figures.valid), *_shares(found, figures)
        )
    like, what = (found.why.like_for_like, "boxes") if found.why else (found.shared, "districts")
    for both, source in ((like.a, found.a.source), (like.b, found.b.source)) if like else ():
        boxes = f"{grouped(both.boxes_opened)} / {of}"
        table.add_row(f"{source}, {what} both have", boxes, _number(both.valid), *_shares(found, both))
    return table


def _shares(found: Explanation, figures: Figures) -> list[str]:
    """Each leader's votes and their share of the valid ones; of all votes where they are more, which is flagged.

    Of all votes too where the source does not give the valid ones.
    """
    whole = max(figures.valid or 0, sum(figures.votes.values()) + figures.unattributed)
    votes = [figures.votes.get(name, 0) for name in found.leaders]
    has_shares = whole > 0 if figures.valid is None else figures.valid > 0
    return [f"{grouped(count)} ({percent(count, whole)})" if has_shares else NOTHING for count in votes]


def _number(count: int | None) -> str:
    return grouped(count) if count is not None else NOTHING


def _gaps(found: Explanation, names: Names) -> Table:
    def named(candidate: str) -> str:
        return names.candidate(found.contest, found.unit, candidate)

    table = _table(
        f"{found.a.source} less {found.b.source}",
        *("votes", "coverage", "disagreement"),
        *("points", "coverage", "disagreement"),
    )
    if found.lead is not None:
        table.add_row(f"{named(found.leaders[0])} over {named(found.leaders[1])}", *_cells(found.lead))
    for gap in found.candidates[:_CANDIDATES]:
        table.add_row(named(gap.candidate), *_cells(gap))
    if len(found.candidates) > _CANDIDATES:
        table.add_row(f"and {len(found.candidates) - _CANDIDATES} more (--format json)")
    return table


def _cells(gap: Gap) -> list[str]:
    votes = (gap.votes.gap, gap.votes.coverage, gap.votes.disagreement)
    points = (gap.points.gap, gap.points.coverage, gap.points.disagreement) if gap.points else (None, None, None)
    return [
        *(NOTHING if one is None else _signed(grouped(one), one) for one in votes),
        *(NOTHING if one is None else _signed(decimal(one, 4), one) for one in points),
    ]


def _signed(text: str, number: float) -> str:
    return f"+{text}" if number > 0 else text


def _in_words(found: Explanation, why: Why) -> str:
    words = (
        f"Only {found.a.source} has {grouped(why.only_a)} boxes, only {found.b.source} {grouped(why.only_b)}; "
        f"both have {grouped(why.both)}, and count {grouped(why.differing)} of them differently."
    )
    if why.behind:
        words += f" In {grouped(why.behind)} districts the totals are newer than this comparison."
    return words


def _set_by_hand(figures: SourceFigures, *, split: bool) -> str:
    names = ", ".join(figures.overridden)
    told = "compared is what the source itself says, not these" if split else "these are compared in their place"
    return f"Of {figures.source} figures were set by hand ({names}): {told}."


def _remarks(found: Explanation) -> Iterator[str]:
    """Yield what a reader must know beside the gaps, one sentence each."""
    for figures in (found.a, found.b):
        if figures.overridden:
            yield _set_by_hand(figures, split=found.why is not None)
        if len({found.a.districts, found.b.districts, found.districts_shared}) > 1 and (
            0 < figures.districts < found.districts_total
        ):
            reported = f"{grouped(figures.districts)} of {grouped(found.districts_total)} districts"
            yield f"{figures.source} has reported {reported}."
        if figures.set_aside is not None:
            yield _set_aside(figures.source, figures.set_aside, found.leaders)
    if found.held:
        yield "A part of it is on hold: what is on air may differ from these figures."


def _set_aside(source: str, here: SetAsideHere, leaders: tuple[str, ...]) -> str:
    words = (
        f"{source} has said something else as well: {grouped(here.count)} of its statements are set aside, and not in "
        f"its figures. The newest ({here.reason})"
    )
    newest = here.newest
    if newest is None:
        return words
    where = newest.district if newest.box is None else f"{newest.district}, box {newest.box}"
    words += f", of {where}"
    if newest.revision is not None:
        words += f", revision {newest.revision}"
    if newest.at is not None:
        words += f", {newest.at.isoformat()}"
    figures = newest.figures
    if figures is None:
        return f"{words}: its figures cannot be read. See sandik control quarantine."
    names = [*leaders, *sorted(set(figures.votes) - set(leaders), key=lambda name: -figures.votes[name])][:_CANDIDATES]
    votes = "".join(f", {name} {grouped(figures.votes.get(name, 0))}" for name in names)
    counts = f"boxes opened {grouped(figures.boxes_opened)}, valid {_number(figures.valid)}{votes}"
    return f"{words}: {counts}. See sandik control quarantine."


def _boxes(found: Explanation, why: Why) -> Table:
    table = _table("district", "box", "votes apart", "of the lead", found.a.source, found.b.source)
    for box in why.explaining:
        lead = NOTHING if box.lead is None else _signed(grouped(box.lead), box.lead)
        sources = (_box(found, one) for one in (box.a, box.b))
        table.add_row(box.district, str(box.box), grouped(box.votes_apart), lead, *sources)
    return table


def _box(found: Explanation, statement: BoxFigures | None) -> str:
    if statement is None:
        return "has not opened it"
    return ", ".join(f"{name} {grouped(statement.votes.get(name, 0))}" for name in found.leaders)
