"""How commands write figures: for programs, or for people."""

from enum import StrEnum
from typing import Final

PIPED_COLUMNS: Final = 160
"""How wide a table is where there is no terminal to fit it to."""


class Format(StrEnum):
    """How figures are written."""

    JSON = "json"
    TABLE = "table"
