"""Graphics that operators put on air: what a graphic is, and the orders of the rundown.

The rundown is the list of graphics of a night, in the order of their `place`. A channel is one output of a gateway's
program page: on each at most one graphic is on air, and at most one item of the list is cued to be next. An order that
takes a graphic says all of it, so what was taken does not change when the list does.

Which overlays there are, and what each may be told, is not judged here: those are the gateway's own, and a later
release has more. So the gateway refuses what it does not know before it is written, and a page shows nothing for it.
"""

from collections.abc import Container
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from schemas.definition import Election
from schemas.fields import Frozen, Id, SignedOrder

MAX_PARAMETERS: Final = 24
"""An overlay has eight of its own at most; selection and manner are eight more."""

MAX_PARAMETER_CHARS: Final = 3_000
"""What all parameters of a graphic may have: a hundred units to go through are some 2,000. In the rarest letters, of
four bytes each, an order with so many is within its limit (`schemas.trust.MAX_ORDER_BYTES`)."""

MAX_GRAPHIC_STEPS: Final = 10_000
"""Steps of a graphic that walks: ten times the districts of a country."""

MAX_PLACE: Final = 2**53 - 1
"""What a JavaScript number holds exactly. Places are far apart, so that an item can be put between two others."""


def _within_chars(parameters: dict[str, str]) -> dict[str, str]:
    if sum(len(name) + len(text) for name, text in parameters.items()) > MAX_PARAMETER_CHARS:
        raise ValueError(f"the parameters of a graphic have {MAX_PARAMETER_CHARS} characters at most")
    return parameters


Parameters = Annotated[dict[Id, str], Field(max_length=MAX_PARAMETERS), AfterValidator(_within_chars)]
"""What an overlay is told, as its address would say it: texts by name."""


class Graphic(Frozen):
    """An overlay with what it is told. `step` is how often it has gone on, where it goes through units."""

    overlay: Id
    parameters: Parameters = Field(default_factory=dict)
    step: Annotated[int, Field(ge=0, le=MAX_GRAPHIC_STEPS)] = 0


class GraphicListed(SignedOrder):
    """Put a graphic into the rundown, or in the place of what `item` was."""

    type: Literal["graphic_listed"] = "graphic_listed"
    item: Id
    place: Annotated[int, Field(ge=0, le=MAX_PLACE)]
    overlay: Id
    parameters: Parameters = Field(default_factory=dict)

    @property
    def graphic(self) -> Graphic:
        """What is listed."""
        return Graphic(overlay=self.overlay, parameters=self.parameters)


class GraphicUnlisted(SignedOrder):
    """Take an item out of the rundown. What is on air stays."""

    type: Literal["graphic_unlisted"] = "graphic_unlisted"
    item: Id


class GraphicCued(SignedOrder):
    """Make an item of the rundown the next one on a channel. Nobody but the control room sees that."""

    type: Literal["graphic_cued"] = "graphic_cued"
    channel: Id
    item: Id


class GraphicTaken(SignedOrder):
    """Put a graphic on air on a channel, in the place of the one that is there.

    `item` is the one of the rundown that it is, if it is one: then the one after it is cued.
    """

    type: Literal["graphic_taken"] = "graphic_taken"
    channel: Id
    item: Id | None = None
    overlay: Id
    parameters: Parameters = Field(default_factory=dict)
    step: Annotated[int, Field(ge=0, le=MAX_GRAPHIC_STEPS)] = 0

    @property
    def graphic(self) -> Graphic:
        """What is taken."""
        return Graphic(overlay=self.overlay, parameters=self.parameters, step=self.step)


class GraphicCleared(SignedOrder):
    """Show no graphic on a channel."""

    type: Literal["graphic_cleared"] = "graphic_cleared"
    channel: Id


RundownOrder = GraphicListed | GraphicUnlisted | GraphicCued | GraphicTaken | GraphicCleared
"""The orders about graphics. None of them changes a figure, or who sees one."""


def unknown_in_graphic(order: RundownOrder, definition: Election) -> str | None:
    """Return a sentence about what a graphic selects and the definition does not have; `None` where all is there."""
    if not isinstance(order, GraphicListed | GraphicTaken):
        return None
    there: dict[str, Container[str]] = {
        "contest": definition.contest_by_id,
        "unit": definition.unit_by_id,
        "source": definition.source_ids,
    }
    for name, known in there.items():
        given = order.parameters.get(name)
        if given and given not in known:
            return f"There is no {name} {given!r} in the election's definition."
    return None
