"""Reading a run's totals from its log: what is on air, what the control room has, or what the sources say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from eventlog.port import EventLog
from eventlog.reading import read_to_end
from eventlog.run import Run
from gateway.folds.control import Control
from sandik.told import Told, ToldTotals, tell
from schemas.errors import UnderEmbargo
from schemas.trust import OperatorKey
from tabulation.embargo import Embargo
from tabulation.on_air import OnAir

TellOption = Annotated[
    Told,
    typer.Option(
        "--tell",
        envvar="SANDIK_TELL",
        help="Which figures: on_air, as the public sees them; control_room: the newest of what is held, too; "
        "log: what the sources say, with nothing held back and nothing set by hand.",
    ),
]


async def read_totals(
    log: EventLog, run: Run, told: Told, now: datetime, operators: Sequence[OperatorKey] = ()
) -> ToldTotals:
    """The run's totals as they stand in its log. `operators` are those whose orders about an embargo count.

    Raises `UnderEmbargo` where nothing is on air, and what is on air was asked for.
    """
    embargo = await read_embargo(log, run, operators)
    embargoed = embargo.is_in_force(now)
    if embargoed and told is Told.ON_AIR:
        raise UnderEmbargo(run.name, _in_zone(run, embargo))
    return tell(await read_on_air(log, run), told, embargoed=embargoed)


async def read_embargo(log: EventLog, run: Run, operators: Sequence[OperatorKey] = ()) -> Embargo:
    """The run's embargo, by its definition and by the orders that count."""
    control = Control(run, operators)
    async for record in read_to_end(log, run.topics.control.name):
        control.fold(record)
    return control.embargo


async def read_on_air(log: EventLog, run: Run) -> OnAir:
    """The fold of the totals topic, to its end as it is now."""
    fold = OnAir(run.definition)
    async for record in read_to_end(log, run.topics.totals.name):
        fold.fold(record.key, record.value)
    return fold


def _in_zone(run: Run, embargo: Embargo) -> datetime | None:
    return embargo.until and embargo.until.astimezone(ZoneInfo(run.definition.timezone))
