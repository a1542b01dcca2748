"""The pages that the gateway serves, as they are: no build step. `PAGES` is their folder."""

from pathlib import Path
from typing import Final

PAGES: Final = Path(__file__).parent
