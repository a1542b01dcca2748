"""Where the real ballot-box tables are, if they are."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAPPING = ROOT / "examples" / "turkiye-2014.toml"


def real_table(name: str) -> Path:
    """The path of a real table; skips the test where there is none."""
    path = Path(os.environ.get("SANDIK_TEST_DATA", ROOT.parent / "shared" / "data")) / name
    if not path.exists():
        pytest.skip(f"no real data at {path}; set SANDIK_TEST_DATA to the folder that has {name}")
    return path
