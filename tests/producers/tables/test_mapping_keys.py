"""The page of all keys has each key that a mapping may have, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from producers.tables.mapping import BoxMapping, ReportMapping

PAGE = Path(__file__).parents[3] / "docs" / "mapping-keys.md"


def keys_of(model: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield from keys_in(field.annotation, f"{path}{name}")


def keys_in(annotation: Any, path: str) -> Iterator[str]:
    """The keys below this one; itself, unless it is nothing but a table of keys."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from keys_of(annotation, f"{path}.")
    elif origin is Annotated:
        yield from keys_in(arguments[0], path)
    elif origin in {Union, UnionType}:
        for each in arguments:
            if each is not type(None):
                yield from keys_in(each, path)
    elif origin is dict:
        below = set(keys_in(arguments[1], f"{path}.*"))
        yield from below - {f"{path}.*"}
        if below & {f"{path}.*"}:
            yield path
    else:
        yield path


def test_the_page_of_keys_has_them_all_and_says_for_which_kind_of_mapping() -> None:
    listed = dict(re.findall(r"^\| `([^`]+)` \| ([DE ]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    kinds = {"D": set(keys_of(ReportMapping)), "E": set(keys_of(BoxMapping))}
    kinds["E"].add("votes")  # it is a table of tables there, and a key of its own in the other kind
    kinds |= {kind: keys | {"report.at"} for kind, keys in kinds.items()}
    expected = {key: " ".join(kind for kind in "DE" if key in kinds[kind]) for key in sorted(kinds["D"] | kinds["E"])}

    assert expected == {key: kind.strip() for key, kind in sorted(listed.items())}
