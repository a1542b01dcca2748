"""What the JSON Schema of a later contract takes away from an earlier one's."""

import re
import sys
from collections.abc import Iterator
from typing import Any, Final

Schema = dict[str, Any]

_ALTERNATIVES: Final = ("anyOf", "oneOf")
_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


class Comparison:
    """An earlier schema beside a later one. `taken` says whether sandik takes such documents in, or hands them out.

    What it takes in may not get narrower, and what it hands out may not lose a field.
    """

    def __init__(self, earlier: Schema, later: Schema, *, taken: bool) -> None:
        self._roots = (earlier, later)
        self._taken = taken

    def losses(self) -> list[str]:
        """What is gone, a line each."""
        return list(self._losses(*self._roots, "$"))

    def _losses(self, before: Schema, after: Schema, path: str) -> Iterator[str]:
        before, after = _resolved(before, self._roots[0]), _resolved(after, self._roots[1])
        choices = _alternatives(before)
        if len(choices) > 1:
            for number, choice in enumerate(choices):
                found = [list(self._losses(choice, other, f"{path}|{number}")) for other in _alternatives(after)]
                yield from min(found, key=len)
            return
        if len(_alternatives(after)) > 1:
            yield from min((list(self._losses(before, other, path)) for other in _alternatives(after)), key=len)
            return
        if before.get("type") != after.get("type"):
            yield f"{path}: was {before.get('type')}, is {after.get('type')}"
            return
        yield from self._values(before, after, path)
        yield from self._fields(before, after, path)
        for name in ("items", "additionalProperties"):
            if isinstance(before.get(name), dict) and isinstance(after.get(name), dict):
                yield from self._losses(before[name], after[name], f"{path}.{name}")

    def _fields(self, before: Schema, after: Schema, path: str) -> Iterator[str]:
        kept = after.get("properties", {})
        for name, schema in before.get("properties", {}).items():
            if name in kept:
                yield from self._losses(schema, kept[name], f"{path}.{name}")
            else:
                yield f"{path}: the field {name} is gone"
        required, still = set(before.get("required", ())), set(after.get("required", ()))
        for name in sorted(still - required if self._taken else required - still):
            yield f"{path}: {name} {'has to be there now' if self._taken else 'need not be there any more'}"

    def _values(self, before: Schema, after: Schema, path: str) -> Iterator[str]:
        if "enum" in after or "const" in after:
            for value in set(before.get("enum", [before.get("const")])) - set(after.get("enum", [after.get("const")])):
                yield f"{path}: {value} is not among the values any more"
        if not self._taken or _holds_all(after, before.get("enum", [])):
            return
        for name in _LEAST:
            if name in after and after[name] > before.get(name, float("-inf")):
                yield f"{path}: {name} is {after[name]}, was {before.get(name)}"
        for name in _MOST:
            if name in after and after[name] < before.get(name, float("inf")):
                yield f"{path}: {name} is {after[name]}, was {before.get(name)}"


def _holds_all(schema: Schema, words: list[Any]) -> bool:
    """Whether a text was one of these words, and may still be each of them: then its limits are no narrower."""
    least, most, pattern = schema.get("minLength", 0), schema.get("maxLength", sys.maxsize), schema.get("pattern", "")
    return bool(words) and all(
        isinstance(word, str) and least <= len(word) <= most and re.search(pattern, word) for word in words
    )


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _alternatives(schema: Schema) -> list[Schema]:
    return next((schema[name] for name in _ALTERNATIVES if name in schema), [schema])
