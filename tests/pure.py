"""The tests of the pure modules, and nothing else: what `make coverage` runs.

As a plugin of pytest (`-p tests.pure`) this keeps the tests that a pure module may have: they need no event loop, no
other program and no disk. As a program it names their files. Import-linter's contract says which are pure.
"""

import inspect
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

ROOT: Final = Path(__file__).parents[1]
CONTRACT: Final = "The pure modules know no event loop, no clock and no client library"
IMPURE: Final = {"asyncio", "subprocess", "sandik", "tmp_path", "tmp_path_factory"}
"""Modules and fixtures that a test of a pure module does not use: an event loop, other programs, the disk."""

settings.register_profile(
    "steady", derandomize=True, max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
"""The same few examples in each run: whether a branch is covered is not left to luck."""


def modules() -> tuple[str, ...]:
    """The names of the pure modules, and of packages in which all are."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    return tuple(next(one["source_modules"] for one in contracts if one["name"] == CONTRACT))


def files() -> list[str]:
    """Their files, as patterns of paths from the project's root."""
    paths = [Path(*name.split(".")) for name in modules()]
    return [f"{path}/*" if (ROOT / path).is_dir() else f"{path}.py" for path in paths]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that a pure module may have."""
    kept = [item for item in items if isinstance(item, pytest.Function) and _is_pure(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _is_pure(test: pytest.Function) -> bool:
    given = getattr(test.function, "hypothesis", None)
    written = test.function if given is None else given.inner_test
    used = {*written.__code__.co_names, *test.fixturenames}
    return not inspect.iscoroutinefunction(written) and not IMPURE & used


if __name__ == "__main__":
    sys.stdout.write(",".join(files()))
