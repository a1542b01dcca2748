"""What an order comes upon, read from a run's log before the order is written, and whether it would count."""

from collections.abc import Sequence
from datetime import datetime

from eventlog.port import EventLog
from eventlog.reading import read_to_end
from eventlog.run import Run
from schemas.control import Called, FigureOverridden, Order, OverrideWithdrawn, unknown_in
from schemas.errors import UsageError
from schemas.moments import epoch_ms
from schemas.trust import OperatorKey
from tabulation.derived.in_force import in_force_for
from tabulation.orders.by_hand import impossible
from tabulation.orders.confirmations import InForce
from tabulation.orders.control import Control
from tabulation.view.program import Program


async def considered(
    log: EventLog, run: Run, order: Order, keys: Sequence[OperatorKey], now: datetime
) -> tuple[Control, InForce]:
    """What the run's operators have ordered, and what an order comes upon at this moment.

    Verified are the orders of those who have these keys. A restriction of somebody else stands all the same
    (`tabulation.orders.restrictions`), so what is asked here is never less than what has to be. The figures are read
    for an order about figures or a winner alone: their topic takes seconds.
    """
    control, program = Control(run, keys), Program(run.definition)
    async for record in read_to_end(log, run.topics.control.name):
        control.fold(record)
    if isinstance(order, FigureOverridden | OverrideWithdrawn | Called):
        async for record in read_to_end(log, run.topics.totals.name):
            program.fold(record)
    return control, in_force_for(order, program, control, now)


def refuse(control: Control, value: bytes, order: Order, now: datetime) -> None:
    """Raise `UsageError` for an order that could not be obeyed, as the bytes that would be written."""
    sentence = unknown_in(order, control.definition)
    if sentence is None and isinstance(order, FigureOverridden):
        sentence = impossible(order)
    if sentence is not None:
        raise UsageError(sentence)
    verdict = control.consider(value, epoch_ms(now))
    if verdict is not None and verdict.refusal is not None:
        raise UsageError(f"The order would have no effect: {verdict.refusal}.")
