"""Rubbish in any topic of a run, from whoever can write there: every command that reads it goes on."""

import asyncio
from collections.abc import Sequence
from typing import Final

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from eventlog.clock import Manual, Wall
from eventlog.port import Entry
from eventlog.run import Run, RunTopics
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from sandik.wiring import open_log
from tests.gateway.nights import START, Written, election
from tests.sandik.conftest import Sandik

NIGHT: Final = ("--speed", "0", "--seed", "7", "--boxes-per-district", "5", "--district", "tr/34/adalar")
CELL: Final = ("--contest", "metropolitan_mayor", "--unit", "tr/34/adalar")
TOPICS: Final = ("control", "tallies", "totals", "ledger", "comparisons", "quarantine")

QUARANTINED: Final = {
    "v": 1,
    "reason": "malformed",
    "detail": "",
    "topic": "sandik.night.tallies",
    "partition": 0,
    "offset": 0,
    "key_base64": "a",
}

VALUES: Final = (
    b"",
    b"\x00\xff\xfe",
    b"{",
    b"null",
    b"7",
    b"[]",
    b"{}",
    b"NaN",
    b'{"votes": NaN}',
    b'"\\ud800"',
    b'{"type": "\\ud800", "source": "\\udfff"}',
    b"[" * 5_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"9" * 5_000,
    b'{"version": ' + b"9" * 400 + b"}",
    b'{"version": 1e999, "type": 1e999}',
    b'{"type": "held", "type": {}, "type": []}',
    b'{"type": "epoch_begun", "epoch": []}',
    b'{"type": "assessment", "position": []}',
    b'{"contest": [], "source": {}, "district": null, "version": -1}',
    orjson.dumps({"v": 1, "contest": "mayor", "source": "aa", "district": "x", "version": 2**63 - 1, "votes": {}}),
    *(orjson.dumps(QUARANTINED | {"value_base64": text}) for text in ("a", "~", "é", "=", "e30=")),
)
KEYS: Final = (b"", b"k", b"\xff\x00", b"gate:", b"override:x", b"mark:", b"late:", b"assessment:", b"@", b"gate:@@")

COMMANDS: Final[tuple[tuple[str, ...], ...]] = (
    ("aggregate", "--until-end"),
    ("aggregate", "--until-end"),
    ("totals",),
    ("totals", "--tell", "log"),
    ("totals", "--hash"),
    ("export", "--source", "aa", "--format", "json", "--out", "totals.json"),
    ("trace", "tr/34/adalar", "metropolitan_mayor", "imamoglu"),
    ("compare", "aa", "anka", *CELL),
    ("control", "log"),
    ("control", "quarantine"),
    ("archive", "--out", "archive", "--no-follow"),
)


def rubbish() -> list[Entry]:
    return [Entry(key, value, 0) for key in KEYS for value in VALUES]


async def write(url: str, run: str, entries: Sequence[Entry]) -> None:
    async with open_log(url, Wall()) as log:
        for topic in TOPICS:
            await log.append(getattr(RunTopics(run), topic).name, entries)


async def write_tombstones(servers: str, run: str) -> None:
    """Records without a value, and without a key, as other producers of Kafka write them."""
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        for topic in TOPICS:
            name = getattr(RunTopics(run), topic).name
            is_keyed = getattr(RunTopics(run), topic).compacted  # Kafka itself takes no record without a key there
            for key, value in ((b"tr/34/adalar", None), (b"gate:", None), *(() if is_keyed else [(None, b"{}")])):
                await producer.send_and_wait(name, value, key, 0)


def check_every_reader(sandik: Sandik, url: str, run: str) -> None:
    where = ("--run", run, "--log", url)
    for command in (*COMMANDS, ("at", Wall().now().isoformat())):
        words = 2 if command[0] == "control" else 1
        code, _, err = sandik(*command[:words], *where, *command[words:])
        assert (command, 0) == (command, code), err
        assert "Traceback" not in err
    for command in (("verify", "archive"), ("timeline", "archive", "--out", "timeline.json")):
        code, _, err = sandik(*command)
        assert (command, 0) == (command, code), err


def test_no_rubbish_in_any_topic_ends_a_gateway() -> None:
    """Everything in every order, as it reads it, and what it says of it afterwards."""
    made = Gateway("night", clock=Manual(START), settings=GatewaySettings())
    run_state = made.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    values = [None, *VALUES]
    records = [Written(at, values[at % len(values)], 0, key) for at, key in enumerate((None, *KEYS) * len(values))]
    made.fold_control(records)
    made.fold(records)
    for record in records:
        run_state.quarantine.fold(record)
        run_state.comparisons.fold(record)
    made.caught_up()
    made.turn()

    assert len(records) == run_state.view.seq == run_state.quarantine.seq
    assert () == run_state.quarantine.open.statements


def test_no_rubbish_in_any_topic_ends_who_reads_it(sandik: Sandik, log_url: str, unique: str) -> None:
    assert 0 == sandik("simulate", "--run", unique, "--log", log_url, *NIGHT)[0]
    asyncio.run(write(log_url, unique, rubbish()))
    check_every_reader(sandik, log_url, unique)


@pytest.mark.kafka
def test_no_tombstone_in_any_topic_ends_who_reads_it(sandik: Sandik, kafka: str, unique: str) -> None:
    url = f"kafka://{kafka}"
    assert 0 == sandik("simulate", "--run", unique, "--log", url, *NIGHT)[0]
    asyncio.run(write_tombstones(kafka, unique))
    check_every_reader(sandik, url, unique)
