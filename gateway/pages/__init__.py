"""The pages that the gateway serves, as they are: no build step. `PAGES` is their folder.

`manifest` reads the list of overlays that pages, routes and packages share.
"""

from pathlib import Path
from typing import Final

PAGES: Final = Path(__file__).parent
