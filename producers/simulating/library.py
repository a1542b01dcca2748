"""The library: find a scenario of those that sandik brings along, or a file of the same kind, and read it.

Shorthands of scenario files are written out before a scenario is validated:

- `base` names a scenario that the file differs from. Tables merge key by key. Lists of tables with an `id` (sources,
  contests, districts, provinces, parties) merge by id: a table with a known id changes that one, any other is new, and
  `like` lets a new one begin as a copy. Anything else replaces what the base has.
- `[spread]` makes a country of a few figures for each province: its number of districts, a weight, and its parties'
  shares. What is inside a province is drawn, the same every time: districts of very different size and character.
"""

from collections.abc import Callable
from importlib import resources
from math import exp
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, TypeGuard

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from producers.apportion import apportion
from producers.chance import Chance, seeded
from producers.input_files import FileSection, Tree, all_faults, did_you_mean, indented, parse_toml
from producers.simulating.scenario import Scenario
from schemas.definition import Name
from schemas.errors import ScenarioError
from schemas.fields import Id, Total, UnitId

_NOT_INHERITED: Final = ("story",)

_SIZE_FALLS: Final = 0.8
"""The n-th district of a province has n to the power of minus this of the first one's voters (Zipf's law, softened)."""

_CHARACTER: Final = 0.3
_TURNOUT_NOISE: Final = 0.05
"""Standard deviations (log) between a province's districts: of a party's share, and of turnout."""

_MOST_TURNOUT: Final = 0.97

InnerShare = Annotated[float, Field(gt=0, lt=1)]


class SpreadProvince(FileSection):
    """One province: `weight` is its part of the voters, `shares` its parties' parts of the votes (of any sum)."""

    id: UnitId
    name: Name
    districts: Annotated[int, Field(ge=1, le=100)]
    weight: Annotated[float, Field(gt=0)]
    polls_close: AwareDatetime | None = None
    shares: Annotated[dict[Id, Annotated[float, Field(ge=0)]], Field(min_length=1)]


class Spread(FileSection):
    """`[spread]`: the country's figures, and its provinces."""

    boxes: Total
    registered: Total
    turnout: InnerShare
    invalid: InnerShare
    contests: Annotated[tuple[Id, ...], Field(min_length=1, strict=False)]
    provinces: Annotated[tuple[SpreadProvince, ...], Field(min_length=1, strict=False)]


def resolve_bases(name: str, text: str, read: Callable[[str], str]) -> Tree:
    """Return the scenario that a file's text stands for, with its bases merged in.

    `name` is what messages call the file; `read` returns the text of a base by its name, and raises `FileNotFoundError`
    with a hint where there is none. Raises `ScenarioError` for text that is not TOML, and for bases that are unknown or
    go round in a circle.
    """
    return _resolve(name, text, read, ())


def _resolve(name: str, text: str, read: Callable[[str], str], below: tuple[str, ...]) -> Tree:
    try:
        tree = parse_toml(text)
    except ValueError as error:
        raise ScenarioError(f"{name} is not readable as TOML: {error}.") from error
    base = tree.pop("base", None)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise ScenarioError(f'{name}: base must be the name of a scenario, such as base = "istanbul-2024".')
    chain = (*below, name)
    if base in chain:
        circle = " → ".join((*chain[chain.index(base) :], base))
        raise ScenarioError(f"{name} builds on itself: {circle}. Give one of them another base, or none.")
    try:
        under = _resolve(base, read(base), read, chain)
    except FileNotFoundError as error:
        raise ScenarioError(f"{name} builds on {base!r}, and there is no such scenario.{error}") from error
    return _merge({key: value for key, value in under.items() if key not in _NOT_INHERITED}, tree, name)


def _merge(under: Tree, over: Tree, where: str) -> Tree:
    merged = dict(under)
    for key, value in over.items():
        known = under.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            merged[key] = _merge(known, value, f"{where}: {key}")
        elif _has_ids(value) and _has_ids(known):
            merged[key] = _merge_by_id(known, value, f"{where}: {key}")
        else:
            merged[key] = value
    return merged


def _has_ids(value: object) -> TypeGuard[list[Tree]]:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and "id" in item for item in value)


def _merge_by_id(under: list[Tree], over: list[Tree], where: str) -> list[Tree]:
    merged = {item["id"]: item for item in under}
    for item in over:
        own = dict(item)
        like = own.pop("like", None)
        if like is not None and like not in merged:
            raise ScenarioError(
                f"{where}: {own['id']} is like {like!r}, which is not there.{did_you_mean(like, merged)}"
            )
        known = merged.get(own["id"])
        if known is None and like is None and not {"name"} <= own.keys():
            raise ScenarioError(
                f"{where}: the base has no {own['id']!r}.{did_you_mean(own['id'], merged)} A new one needs all its "
                f'keys, or like = "…" to begin as a copy.'
            )
        merged[own["id"]] = _merge(known or merged.get(like, {}), own, where)
    return list(merged.values())


def expand_spread(spread: Spread, tree: Tree) -> Tree:
    """Return the scenario file with the provinces and districts that its `[spread]` stands for."""
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


DEFAULT_SCENARIO: Final = "istanbul-2024"
"""The night that is staged where none is named."""

_FOLDER: Final = resources.files("producers") / "scenarios"


class LibraryEntry(NamedTuple):
    """A scenario of the library: its name, and its story in a sentence or two."""

    name: str
    story: str


def read_scenario(name: str = DEFAULT_SCENARIO) -> Scenario:
    """Read a scenario of the library by its name, or a file whose name ends in `.toml`. Raises `ScenarioError`."""
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ScenarioError(
                f"{name} cannot be read: {error}. Give a TOML file, or a name of the library."
            ) from error
    else:
        try:
            text = _text(name)
        except FileNotFoundError as error:
            raise ScenarioError(f"There is no scenario {name!r}.{error}") from error
    return parse_scenario(text, name)


def library() -> list[LibraryEntry]:
    """Return every scenario of the library, sorted by name."""
    return [LibraryEntry(name, str(resolve_bases(name, _text(name), _text)["story"])) for name in _names()]


def parse_scenario(text: str, name: str = "the scenario") -> Scenario:
    """Parse the text of a scenario file; `base` is looked up in the library.

    Raises `ScenarioError`, which says where it is wrong and, for a typo, what was probably meant.
    """
    tree = resolve_bases(name, text, _text)
    model: type[BaseModel] = Spread
    try:
        if "spread" in tree:
            tree = expand_spread(Spread.model_validate(tree.pop("spread")), tree)
        model = Scenario
        return Scenario.model_validate(tree).with_outcome()
    except ValidationError as error:
        raise ScenarioError(f"{name} cannot be staged:\n{indented(all_faults(error, model, tree))}") from error


def _names() -> list[str]:
    return sorted(file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml"))


def _text(name: str) -> str:
    try:
        return _FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8")
    except OSError as error:
        known = _names()
        raise FileNotFoundError(f"{did_you_mean(name, known)} There is: {', '.join(known)}.") from error
