"""Files that people write: TOML as a tree, and messages that tell their authors what is wrong. Pure."""

import tomllib
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

Tree = dict[str, Any]
"""A TOML file as Python has it: tables are dictionaries."""

Share = Annotated[float, Field(ge=0, le=1)]


class FileSection(BaseModel):
    """A part of such a file. A key that it does not have is refused, so that a typo is reported."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def parse_toml(text: str) -> Tree:
    """Parse the text of a TOML file. Raises `ValueError` that says what is wrong, for whatever text."""
    try:
        return tomllib.loads(text)
    except RecursionError:  # the one fault of a text for which tomllib has no error of its own
        raise ValueError("values in it lie in one another too deeply") from None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` with the nearest known word, or an empty string where none is near."""
    near = get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def some_of(names: Collection[str], most: int) -> str:
    """Return the first `most` names with commas between them, and how many more there are: `a, b and 3 more`."""
    shown = ", ".join(list(names)[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def all_faults(error: ValidationError, model: type[BaseModel] = BaseModel, tree: object = None) -> list[str]:
    """Return a sentence for every fault: its path in the file, what is wrong and, for a typo, what was probably meant.

    Args:
        error: What pydantic found.
        model: The model that the file was checked against; it knows the keys that a typo may have meant.
        tree: What is in the file. With it, paths have ids in place of positions in lists: `districts.tr/34/sile.boxes`.

    """
    faults = error.errors(include_url=False, include_input=False)
    return [_path(fault["loc"], tree) + fault["msg"] + _suggestion(fault, model) for fault in faults]


def indented(faults: Iterable[str]) -> str:
    """Return a line for each fault, indented by two blanks, to stand below the line that introduces them."""
    return "\n".join(f"  {fault}" for fault in faults)


def _path(path: tuple[int | str, ...], tree: object) -> str:
    """Return a path as `a.b.c: `, or an empty string where the fault is one of the whole file."""
    steps = []
    for step in path:
        if isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
            steps.append(str(tree["id"] if isinstance(tree, dict) and "id" in tree else step))
        else:
            # pydantic puts the tag of a union into the path, and the file has no level for that: stay where we are
            tree = tree.get(step, tree) if isinstance(tree, dict) else tree
            steps.append(str(step))
    return f"{'.'.join(steps)}: " if steps else ""


def _suggestion(fault: ErrorDetails, model: type[BaseModel]) -> str:
    if fault["type"] == "extra_forbidden":
        *path, key = fault["loc"]
        return "." + did_you_mean(str(key), _keys_at(model, path))
    if fault["type"] == "union_tag_invalid":
        return "." + did_you_mean(fault["ctx"]["tag"], fault["ctx"]["expected_tags"].strip("'").split("', '"))
    return ""


def _keys_at(model: type[BaseModel], path: list[int | str]) -> set[str]:
    """Return the keys that a table at this path of the file may have."""
    models = {model}
    for step in path:
        fields = [one.model_fields[str(step)] for one in models if step in one.model_fields]
        # a step that is no field may be the tag of a union: go on with the models that have it as a literal
        tagged = {
            one for one in models if any(step in get_args(field.annotation) for field in one.model_fields.values())
        }
        if fields:
            models = {found for field in fields for found in _models_in(field.annotation)}
        elif tagged:
            models = tagged
    return {key for one in models for key in one.model_fields}


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models in a type such as `tuple[Annotated[A | B, …], …]`."""
    if get_args(annotation):
        for part in get_args(annotation):
            yield from _models_in(part)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
