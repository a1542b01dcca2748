"""The graphics that there are, and what each can be told. Pure.

The pages read their parameters by themselves (`gateway/pages/overlays/parameters.js`); what a tool's form is made of is
said here, without a browser. A browser test holds the two together.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["text", "whole", "choice", "flag", "list"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that a graphic can be told. `least` and `most` bound a number, `words` are all that a choice may be."""

    name: str
    title: str
    kind: Kind = "text"
    standard: str | int | bool = ""
    least: int = 0
    most: int = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Graphic:
    """A graphic: `name` is the last part of its page's address.

    `layer` is where SPX-GC puts it, 1 to 5: what may stand together on a screen has different ones. `walks` says that
    it has a next step as often as one likes, `cuts` that what it shows can be cut short.
    """

    name: str
    title: str
    description: str
    layer: int
    parameters: tuple[Parameter, ...] = ()
    walks: bool = False
    cuts: bool = False


SELECTION: Final = (
    Parameter("contest", "Contest (id; empty: the first)"),
    Parameter("unit", "Unit, such as tr/34 (empty: the home of the election)"),
    Parameter("source", "Source (id; empty: the first)"),
)
"""Which figures."""

MANNER: Final = (
    Parameter("theme", "Theme", "choice", "dark", words=("dark", "light")),
    Parameter("lang", "Language", "choice", "tr", words=("tr", "en")),
    Parameter("motion", "Motion", "flag", standard=True),
    Parameter("safe", "Show safe areas", "flag", standard=False),
    Parameter("debug", "Show faults on the picture", "flag", standard=False),
)
"""How every graphic looks. `play` is left out: a tool plays and stops by itself."""


def _rows(most: int, standard: int) -> Parameter:
    return Parameter("rows", "Rows", "whole", standard, least=1, most=most)


def _seconds(title: str) -> Parameter:
    return Parameter("seconds", title, "whole", 8, least=3, most=60)


GRAPHICS: Final = (
    Graphic(
        "lead-board",
        "Lead board",
        "The first candidates of a unit, the rest as a sum, margin, boxes opened and age.",
        4,
        (_rows(8, 5), Parameter("side", "Side", "choice", "left", words=("left", "right"))),
    ),
    Graphic(
        "duel",
        "Two-candidate duel",
        "Two candidates on one scale.",
        4,
        (Parameter("candidates", "Candidates (two ids; empty: the first two)", "list", most=2),),
    ),
    Graphic(
        "lower-third",
        "Lower third",
        "One district on a strip; each step is the next district.",
        2,
        (Parameter("units", "Units to go through (ids; empty: all by name)", "list", most=100),),
        walks=True,
    ),
    Graphic(
        "strap",
        "Milestone and leader strap",
        "Milestones and leader changes, when they happen; nothing in between.",
        1,
        (
            _seconds("Seconds that one stands"),
            Parameter("events", "Events", "choice", "all", words=("all", "leader", "milestone")),
            Parameter("of", "Of", "choice", "unit", words=("unit", "all")),
        ),
        cuts=True,
    ),
    Graphic(
        "ticker",
        "Race ticker",
        "The parts of a unit crawl by.",
        3,
        (
            Parameter("speed", "Pixels a second", "whole", 120, least=20, most=400),
            Parameter("order", "Order", "choice", "name", words=("name", "boxes", "margin")),
            _seconds("Seconds a page, where nothing may move"),
        ),
    ),
    Graphic(
        "sources",
        "Sources side by side",
        "Two or three sources on one scale, the gap written out.",
        4,
        (Parameter("sources", "Sources (ids; empty: the first three)", "list", most=3), _rows(4, 3)),
    ),
    Graphic(
        "district-map",
        "District map",
        "The districts as equal tiles, or by the boundaries that the gateway was given.",
        5,
        (Parameter("shape", "Shape", "choice", "auto", words=("auto", "tiles", "boundaries")),),
    ),
    Graphic(
        "council",
        "Council",
        "Seats by Law 2972, article 23, from the votes counted so far.",
        4,
        (
            Parameter("seats", "Seats (a number, or unit:number,…)", "list", most=100),
            Parameter("population", "Population (0: as seats says)", "whole", 0, least=0, most=99_999_999),
            Parameter("quota", "Quota seats", "whole", 0, least=0, most=20),
        ),
    ),
)
"""Every graphic, in the order of `gateway.overlays.OVERLAYS`."""
