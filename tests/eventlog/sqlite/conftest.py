"""What tests of touches and of who sleeps until one share."""

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to touch."""
    made = tmp_path / "log.db"
    made.touch()
    return made
