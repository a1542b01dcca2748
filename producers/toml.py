"""Text of TOML as a tree, whatever is in it. Pure."""

import tomllib
from typing import Any


def parse_toml(text: str) -> dict[str, Any]:
    """Parse it. Raises `ValueError` that says what is wrong, also where Python's parser only gives up."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("values in it lie in one another too deeply") from None
