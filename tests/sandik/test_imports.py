"""What a command does not import: every module that it does costs time and memory, in each process.

The interpreter itself lists what it imports (`-X importtime`), so nothing here is measured.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from sandik.cli import COMMANDS
from tests.sandik.conftest import Sandik

KAFKA: Final = frozenset({"aiokafka", "cramjam"})
SERVER: Final = frozenset({"starlette", "uvicorn", "httptools", "websockets", "anyio"})
PARQUET: Final = frozenset({"pyarrow"})
SCREEN: Final = frozenset({"rich"})
LOOP: Final = frozenset({"asyncio", "uvloop"})
MODELS: Final = frozenset({"pydantic", "msgspec"})
KEYS: Final = frozenset({"cryptography", "jwt"})

WITHOUT: Final = {
    "demo": KAFKA | SCREEN | PARQUET,
    "run": KAFKA | SCREEN | PARQUET,
    "boxes": KAFKA | SCREEN | SERVER | KEYS | PARQUET,
    "reports": KAFKA | SCREEN | SERVER | KEYS | PARQUET,
    "mapping": KAFKA | SCREEN | SERVER | KEYS | PARQUET | LOOP,
    "publish": KAFKA | SCREEN | SERVER | KEYS | PARQUET,
    "definition": KAFKA | SCREEN | SERVER | PARQUET,
    "simulate": KAFKA | SCREEN | SERVER | KEYS | PARQUET,
    "scenarios": KAFKA | SCREEN | SERVER | KEYS | PARQUET | LOOP,
    "replay": KAFKA | SCREEN | SERVER,
    "aggregate": KAFKA | SCREEN | SERVER | PARQUET,
    "gateway": KAFKA | SCREEN | PARQUET | {"producers", "consumers"},
    "graphics": KAFKA | SCREEN | SERVER | KEYS | PARQUET | LOOP,
    "topics": KAFKA | SERVER | KEYS | PARQUET,
    "totals": KAFKA | SERVER | PARQUET,
    "export": KAFKA | SERVER | PARQUET,
    "compare": KAFKA | SERVER | PARQUET,
    "at": KAFKA | SERVER | PARQUET,
    "trace": KAFKA | SERVER | PARQUET,
    "archive": KAFKA | SCREEN | SERVER | KEYS,
    "verify": KAFKA | SCREEN | SERVER | KEYS,
    "restore": KAFKA | SCREEN | SERVER | KEYS,
    "timeline": KAFKA | SCREEN | SERVER,
    "schema": KAFKA | SCREEN | SERVER | KEYS | PARQUET | LOOP,
    "load": KAFKA | KEYS | PARQUET,
    "token": KAFKA | SCREEN | SERVER | PARQUET,
    "control": KAFKA | SERVER | PARQUET,
}
"""What each command must not have imported once it has read its arguments; the log is opened after that.

Without Parquet is without the extra of that name: those that have it not are installed by `pip install sandik` alone.
"""


def listed(lines: Iterable[str]) -> set[str]:
    """The modules that the interpreter says it imported."""
    return {line.rsplit("|", 1)[1].strip() for line in lines if line.startswith("import time:")}


def imported(*arguments: str) -> set[str]:
    """What the command line imports on its way to this help."""
    asked = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sandik", *arguments, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    return listed(asked.stderr.splitlines())


def test_the_list_of_commands_imports_none_of_them() -> None:
    found = imported()

    assert set() == found & (KAFKA | SERVER | PARQUET | SCREEN | LOOP | MODELS | KEYS | {"orjson", "sqlite3"})
    assert set() == {name for name in found if name.startswith("sandik.commands.")}


def test_every_command_has_a_list_of_what_it_does_without() -> None:
    assert {command.name for command in COMMANDS} == set(WITHOUT)


@pytest.mark.parametrize("command", sorted(WITHOUT))
def test_a_command_imports_nothing_that_it_does_not_run(command: str) -> None:
    assert set() == imported(command) & WITHOUT[command]


@pytest.mark.parametrize("command", sorted(name for name, without in WITHOUT.items() if not without >= PARQUET))
def test_where_parquet_is_not_installed_the_command_says_what_to_install(command: str) -> None:
    plain = "import sys; sys.modules['pyarrow'] = None; from sandik.cli import main; main()"
    asked = subprocess.run(
        [sys.executable, "-c", plain, command, "--help"], check=False, capture_output=True, text=True
    )

    assert 2 == asked.returncode
    assert f'sandik {command} needs pyarrow, which is not installed: pip install "sandik[parquet]".' in asked.stderr


def test_a_gateway_that_listens_on_the_embedded_log_knows_nothing_of_kafka(sandik: Sandik, tmp_path: Path) -> None:
    sandik("simulate", "--run", "n", "--speed", "0", "--district", "tr/34/adalar")
    lines = []
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "sandik", "gateway", "--run", "n", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"SANDIK_LOG": "sqlite:var/sandik.db"},
    ) as gateway:
        assert gateway.stderr is not None
        for line in gateway.stderr:
            lines.append(line)
            if "The board is at" in line:
                gateway.send_signal(signal.SIGTERM)
    found = listed(lines)

    assert 0 == gateway.returncode
    assert "uvicorn" in found
    assert set() == found & WITHOUT["gateway"]
