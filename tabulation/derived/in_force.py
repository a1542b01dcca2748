"""What an order comes upon, from the folds of a run: the same over HTTP and by the command line. Pure."""

from datetime import datetime

from schemas.control import Called, Order
from tabulation.derived.facts import beyond_in
from tabulation.orders.confirmations import InForce
from tabulation.orders.control import Control
from tabulation.view.program import Program


def in_force_for(order: Order, program: Program, control: Control, now: datetime) -> InForce:
    """What is held, set by hand, called and under embargo at this moment, as far as the order is about it."""
    beyond = _beyond(order, program) if isinstance(order, Called) else {}
    return InForce(now, control.embargo, program.on_air, control.calls, beyond)


def _beyond(order: Called, program: Program) -> dict[str, str]:
    """Who cannot be overtaken where the call is made, by source."""
    view, definition = program.live, program.live.definition
    found = {}
    for source in definition.sources:
        figures = view.figures(order.contest, source.id, order.unit)
        candidate = beyond_in(definition, order.contest, figures) if figures is not None else None
        if candidate is not None:
            found[source.id] = candidate
    return found
