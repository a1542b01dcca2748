"""A whole country from a few figures a province: `[spread]` in a scenario file makes the districts. Pure.

Provinces come with their number of districts, a weight and their parties' shares; what is inside a province is drawn,
the same every time: districts of very different size, each with a character of its own.
"""

from math import exp
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from producers.apportion import apportion
from producers.chance import Chance, seeded
from producers.scenarios.inherit import Tree
from schemas.definition import Name
from schemas.fields import Id, Total, UnitId

Share = Annotated[float, Field(gt=0, lt=1)]

_SIZE_FALLS: Final = 0.8
"""The n-th district of a province has n to the power of minus this of the first one's voters (Zipf's law, softened)."""

_CHARACTER: Final = 0.3
_TURNOUT_NOISE: Final = 0.05
"""Standard deviations (log) between a province's districts: of a party's share, and of turnout."""

_MOST_TURNOUT: Final = 0.97


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class SpreadProvince(_Part):
    """One province: `weight` is its part of the voters, `shares` its parties' parts of the votes (of any sum)."""

    id: UnitId
    name: Name
    districts: Annotated[int, Field(ge=1, le=100)]
    weight: Annotated[float, Field(gt=0)]
    polls_close: AwareDatetime | None = None
    shares: Annotated[dict[Id, Annotated[float, Field(ge=0)]], Field(min_length=1)]


class Spread(_Part):
    """`[spread]`: the country's figures, and its provinces."""

    boxes: Total
    registered: Total
    turnout: Share
    invalid: Share
    contests: Annotated[tuple[Id, ...], Field(min_length=1, strict=False)]
    provinces: Annotated[tuple[SpreadProvince, ...], Field(min_length=1, strict=False)]


def spread_out(spread: Spread, tree: Tree) -> Tree:
    """The scenario file with the provinces and districts that its spread stands for."""
    sizes = [
        (province, number, province.weight * part)
        for province in spread.provinces
        for number, part in enumerate(_parts(province.districts), start=1)
    ]
    weights = [weight for *_, weight in sizes]
    registered = apportion(spread.registered, weights, [spread.registered] * len(sizes))
    spare = apportion(spread.boxes - len(sizes), weights, [spread.boxes] * len(sizes))
    districts = [
        _district(spread, province, number, voters, boxes + 1)
        for (province, number, _), voters, boxes in zip(sizes, registered, spare, strict=True)
    ]
    provinces = [province.model_dump(include={"id", "name", "polls_close"}) for province in spread.provinces]
    return tree | {"provinces": provinces, "districts": districts}


def _parts(districts: int) -> list[float]:
    sizes = [(place + 1) ** -_SIZE_FALLS for place in range(districts)]
    return [size / sum(sizes) for size in sizes]


def _district(spread: Spread, province: SpreadProvince, number: int, registered: int, boxes: int) -> dict[str, Any]:
    unit = f"{province.id}/ilce-{number}"
    chance = seeded("spread", unit)
    turnout = min(_MOST_TURNOUT, spread.turnout * exp(chance.gauss(0, _TURNOUT_NOISE)))
    cast = int(registered * turnout)
    valid = cast - int(cast * spread.invalid)
    character = {name: share * exp(chance.gauss(0, _CHARACTER)) for name, share in province.shares.items()}
    return {
        "id": unit,
        "name": f"{province.name} {number}",
        "boxes": boxes,
        "registered": registered,
        "results": {
            contest: {"cast": cast, "valid": valid, "votes": _votes(valid, character, chance)}
            for contest in spread.contests
        },
    }


def _votes(valid: int, character: dict[str, float], chance: Chance) -> dict[str, int]:
    weights = [share * exp(chance.gauss(0, _CHARACTER / 4)) for share in character.values()]
    return dict(zip(character, apportion(valid, weights, [valid] * len(weights)), strict=True))
