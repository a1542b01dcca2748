"""Scenario files that build on others: `base` names one, and the file says only what differs. Pure.

Tables merge key by key. Lists of tables with an `id` (sources, contests, districts, provinces, parties) merge by id: a
table with a known id changes that one, any other is new, and `like` lets a new one begin as a copy. Anything else
replaces what the base says.
"""

from collections.abc import Callable
from typing import Any, Final, TypeGuard

from producers.nearest import did_you_mean
from producers.toml import parse_toml
from schemas.errors import ScenarioError

Tree = dict[str, Any]
"""A scenario file as TOML has it."""

_OWN: Final = ("story",)
"""Keys that a file does not take over from its base."""


def resolve(name: str, text: str, read: Callable[[str], str]) -> Tree:
    """The whole scenario that a file's text stands for. `read` gives the text of a base by its name.

    Raises `ScenarioError` for text that is not TOML, and for bases that are unknown or go round in a circle.
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
    return _merge({key: value for key, value in under.items() if key not in _OWN}, tree, name)


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
