"""What a wheel holds: pages and scenarios come along. The build backend is asked; nothing is built."""

from pathlib import Path
from typing import Final

from hatchling.builders.wheel import WheelBuilder

ROOT: Final = Path(__file__).parent.parent
DATA: Final = ("gateway/pages", "producers/scenarios")
"""Folders whose files are no modules of Python, and are read at run time."""


def distributed() -> set[str]:
    """The paths in the wheel, those of its metadata apart."""
    builder = WheelBuilder(str(ROOT))
    return {included.distribution_path for included in builder.recurse_included_files()}


def test_every_file_of_the_pages_and_the_scenarios_is_in_the_wheel() -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for folder in DATA
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {".html", ".css", ".js", ".woff2", ".ts", ".toml"} <= {Path(name).suffix for name in files}
    assert set() == files - distributed()


def test_neither_tests_nor_benchmarks_are_in_it() -> None:
    tops = {name.split("/")[0] for name in distributed()}
    assert {"schemas", "tabulation", "eventlog", "producers", "consumers", "gateway", "sandik"} == tops
