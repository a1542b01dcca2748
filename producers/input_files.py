"""Files that people write: TOML as a tree, and what their authors are told of what is wrong in them. Pure."""

import tomllib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


def parse_toml(text: str) -> dict[str, Any]:
    """Parse it. Raises `ValueError` that says what is wrong, also where Python's parser only gives up."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("values in it lie in one another too deeply") from None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the nearest known word, or nothing where none is near."""
    near = get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def listed(error: ValidationError, model: type[BaseModel] = BaseModel, tree: object = None) -> str:
    """Every fault on a line of its own: where it is and, for a typo, what was probably meant.

    `model` is what the file should have been, `tree` what is in it: with that, ids stand for places in lists.
    """
    faults = error.errors(include_url=False, include_input=False)
    return "\n".join(f"  {_where(fault['loc'], tree)}: {fault['msg']}{_suggestion(fault, model)}" for fault in faults)


def _where(path: tuple[int | str, ...], tree: object) -> str:
    steps = []
    for step in path:
        if isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
            steps.append(str(tree["id"] if isinstance(tree, dict) and "id" in tree else step))
        else:
            tree = tree.get(step, tree) if isinstance(tree, dict) else tree  # a tag is in the path, not in the file
            steps.append(str(step))
    return ".".join(steps)


def _suggestion(fault: ErrorDetails, model: type[BaseModel]) -> str:
    if fault["type"] == "extra_forbidden":
        *path, key = fault["loc"]
        return "." + did_you_mean(str(key), _keys_at(model, path))
    if fault["type"] == "union_tag_invalid":
        return "." + did_you_mean(fault["ctx"]["tag"], fault["ctx"]["expected_tags"].strip("'").split("', '"))
    return ""


def _keys_at(model: type[BaseModel], path: list[int | str]) -> set[str]:
    """The keys that a table at this path of the file may have."""
    models = {model}
    for step in path:
        fields = [one.model_fields[str(step)] for one in models if step in one.model_fields]
        tagged = {
            one for one in models if any(step in get_args(field.annotation) for field in one.model_fields.values())
        }
        if fields:
            models = {found for field in fields for found in _models_in(field.annotation)}
        elif tagged:
            models = tagged
    return {key for one in models for key in one.model_fields}


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """The models in a type such as `tuple[Annotated[A | B, …], …]`."""
    if get_args(annotation):
        for part in get_args(annotation):
            yield from _models_in(part)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
