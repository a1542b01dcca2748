"""How long a benchmark waits for what must come."""

from typing import Final

LIMIT_S: Final = 120
"""Only who waits in vain waits so long; where a machine is busy, a second's work may take thirty, and a command two."""
