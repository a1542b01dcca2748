"""The state hash of a run's totals, as they are in the log now."""

from pydantic import ValidationError

from eventlog.port import EventLog
from eventlog.reading import read_to_end
from eventlog.run import Run
from sandik.read_totals import check_version
from schemas.record import Record
from schemas.statehash import state_of
from schemas.totals import Cell, Totals, parse_totals


async def state_hash(log: EventLog, run: Run) -> str:
    """The hash of the newest totals of every contest, source and district; in hexadecimal.

    Raises `OtherVersion` where another release wrote some of them: a hash without them would be wrong.
    """
    newest: dict[Cell, Totals] = {}
    async for record in read_to_end(log, run.topics.totals.name):
        totals = _parse(record)
        if totals is None:
            check_version(record)
            continue
        known = newest.get(totals.cell)
        if known is None or totals.version > known.version:
            newest[totals.cell] = totals
    return state_of(newest.values()).hex()


def _parse(record: Record) -> Totals | None:
    """The totals in a record; `None` for what else is in the topic, as gates are."""
    try:
        return parse_totals(record.value or b"")
    except ValidationError:
        return None
