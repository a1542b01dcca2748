"""The library: find a scenario of those that sandik brings along, or a file of the same kind, and read it."""

from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ValidationError

from producers.input_files import all_faults, did_you_mean, indented
from producers.scenarios.scenario import Scenario
from producers.scenarios.shorthand import Spread, expand_spread, resolve_bases
from schemas.errors import ScenarioError

DEFAULT_SCENARIO: Final = "istanbul-2024"
"""The night that is staged where none is named."""

_FOLDER: Final = resources.files("producers.scenarios")


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
