"""Fixtures for every test: event logs to test on, and the broker behind them.

One Apache Kafka serves the whole run: the one that SANDIK_TEST_KAFKA points at, or one that is started here, before the
first test (with pytest-xdist in the controller, for all workers). Where there can be none, tests that need it skip;
with CI=true they fail.
"""

import gc
import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Final, NoReturn

import pytest
from hypothesis import HealthCheck, settings

from eventlog.clock import Wall
from eventlog.port import EventLog
from sandik.wiring import open_log
from tests.kafka.broker import RESTART_SESSION_MS, Broker
from tests.kafka.jars import NoKafka
from tests.kinds import pytest_terminal_summary as pytest_terminal_summary  # noqa: PLC0414  # a hook of pytest's
from tests.order import pytest_collection_modifyitems as pytest_collection_modifyitems  # noqa: PLC0414  # another
from tests.process_state import pytest_runtest_protocol as pytest_runtest_protocol  # noqa: PLC0414  # another

settings.register_profile("noisy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("noisy")
"""How long an example takes says something about the machine, and nothing about the code."""

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Tests start hundreds of processes. Each compiled all of our modules anew, a third of its time, where that is set."""

sys.dont_write_bytecode = False
"""Nor does pytest then keep test modules with their assertions rewritten: as much work as all else in collecting."""

_MEMORY: Final = Path("/dev/shm")  # noqa: S108  pytest makes a folder in it that only its user may enter
_MEMORY_BYTES: Final = 4 * 2**30
if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _MEMORY_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
"""Tests' files lie in memory where there is room: each append to an embedded log waited for the disk."""

_SERVERS: Final = "SANDIK_TEST_KAFKA"
_MISSING: Final = "SANDIK_TEST_KAFKA_MISSING"  # why there is none; set here, read by workers
_broker = pytest.StashKey[Broker]()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """With pytest-xdist: start the broker before the workers, who inherit its address."""
    config = session.config
    controls_workers = config.pluginmanager.hasplugin("dsession") and not hasattr(config, "workerinput")
    if controls_workers and "not kafka" not in config.option.markexpr and not config.option.collectonly:
        _start_broker(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage in what importing makes: hundreds of thousands of objects, which stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Without pytest-xdist: start the broker if a selected test needs it, outside of any test's time limit."""
    config = session.config
    alone = not config.pluginmanager.hasplugin("dsession") and not hasattr(config, "workerinput")
    if alone and not config.option.collectonly and any(item.get_closest_marker("kafka") for item in session.items):
        _start_broker(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the broker; where pytest is killed before this, the broker's watchdog does it."""
    gc.unfreeze()  # libraries in C look for what is still there at the end, and complain of it
    broker = config.stash.get(_broker, None)
    if broker is not None:
        broker.close()
        os.environ.pop(_SERVERS, None)


def _start_broker(config: pytest.Config) -> None:
    if _SERVERS in os.environ:
        return
    try:
        broker = Broker.fresh()
    except NoKafka as missing:
        os.environ[_MISSING] = str(missing)
        return
    config.stash[_broker] = broker
    broker.write_class_archive()
    broker.start()
    os.environ[_SERVERS] = broker.servers


def go_without_kafka(reason: str) -> NoReturn:
    """Skip the test; in CI, fail it."""
    message = f"no Kafka to test on: {reason}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def kafka() -> str:
    """The broker's `host:port`. It is shared: give runs and topics names of their own."""
    if _SERVERS not in os.environ:
        go_without_kafka(os.environ.get(_MISSING, "mark the test with kafka"))
    return os.environ[_SERVERS]


@pytest.fixture
def kafka_broker() -> Iterator[Broker]:
    """A broker for one test alone, which may kill it; not started. It leaves nothing behind, started or not."""
    try:
        broker = Broker.fresh(RESTART_SESSION_MS)
    except NoKafka as missing:
        go_without_kafka(str(missing))
    yield broker
    broker.close()


@pytest.fixture(scope="module")
def kafka_guarded_broker() -> Iterator[Broker]:
    """A broker for a module's tests, started, with a listener that asks for a password."""
    try:
        broker = Broker.fresh(guarded=True)
    except NoKafka as missing:
        go_without_kafka(str(missing))
    with broker:
        yield broker


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an event log: an embedded one that is empty, then Kafka, which is shared."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'log.db'}"
    return f"kafka://{request.getfixturevalue('kafka')}"


@pytest.fixture
async def log(log_url: str) -> AsyncIterator[EventLog]:
    """An open event log of either kind."""
    async with open_log(log_url, Wall()) as opened:
        yield opened


@pytest.fixture
def unique() -> str:
    """A name that nobody else uses, for a run or a topic."""
    return f"test-{uuid.uuid4().hex}"
