"""`sandik topics`, as it is typed."""

import asyncio
from pathlib import Path

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.sandik.conftest import Sandik

NIGHT = ("--speed", "0", "--seed", "7", "--boxes-per-district", "5", "--district", "tr/34/adalar")


async def alter(kafka: str, topic: str, settings: dict[str, str]) -> None:
    """Give a topic these settings and no others of its own."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])
    finally:
        await admin.close()


@pytest.mark.kafka
def test_a_run_is_told_right_once_it_is_there(sandik: Sandik, kafka: str, unique: str) -> None:
    where = ("--run", unique, "--log", f"kafka://{kafka}")
    code, out, _ = sandik("topics", *where, "--partitions", "3")
    assert (1, 6) == (code, out.count("kafka-topics.sh --bootstrap-server"))
    assert f"--create --topic sandik.{unique}.tallies --partitions 3 --replication-factor 1" in out

    assert 0 == sandik("simulate", *where, *NIGHT, "--mode", "live")[0]
    code, out, _ = sandik("topics", *where)
    assert (0, True) == (code, "All topics are what they must be." in out)
    assert "kafka-acls.sh" not in out


@pytest.mark.kafka
def test_acls_are_for_the_users_that_are_named(sandik: Sandik, kafka: str, unique: str) -> None:
    where = ("--run", unique, "--log", f"kafka://{kafka}")
    _, out, _ = sandik("topics", *where, "--acls", "--user", "producer=feeds")
    assert "--add --allow-principal User:feeds --operation Write --topic" in out
    assert "User:sandik-gateway" in out
    acls = orjson.loads(sandik("topics", *where, "--acls", "--format", "json")[1])["acls"]
    assert {"producer", "aggregator", "gateway", "archiver", "operator"} == set(acls)


def test_a_file_that_is_not_there_is_no_log_and_is_not_made(sandik: Sandik, tmp_path: Path) -> None:
    code, out, err = sandik("topics", "--run", "night", "--log", "sqlite:typo.db")
    assert (2, "") == (code, out)
    assert "There is no log in typo.db yet: the first producer creates it" in err
    assert [] == list(tmp_path.iterdir())


def test_the_embedded_log_has_nothing_to_prepare(sandik: Sandik) -> None:
    assert 0 == sandik("simulate", "--run", "another", *NIGHT)[0]
    code, out, _ = sandik("topics", "--run", "night")
    assert (1, True) == (code, "The first producer creates what is missing." in out)
    assert 0 == sandik("simulate", "--run", "night", *NIGHT)[0]
    code, out, _ = sandik("topics", "--run", "night")
    assert (0, True) == (code, "there is nothing else to prepare" in out)
    code, out, _ = sandik("topics", "--run", "night", "--format", "json")
    assert ("test", "right") == (orjson.loads(out)["mode"], orjson.loads(out)["verdict"])


@pytest.mark.parametrize("user", ["janitor=x", "producer=", "producer=a b", "producer"])
def test_what_names_no_user_of_a_role_is_refused(sandik: Sandik, user: str) -> None:
    code, _, err = sandik("topics", "--run", "night", "--log", "kafka://127.0.0.1:1", "--user", user)
    assert (2, True) == (code, "names no user of a role" in err)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a.b", "ığdır", "a;touch x", "x" * 101])
def test_commands_are_written_for_no_name_that_a_run_cannot_have(sandik: Sandik, tmp_path: Path, name: str) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "sandik.db").touch()
    code, out, err = sandik("topics", f"--run={name}")
    assert (2, "", True) == (code, out, "cannot be a run's name" in err)


def test_the_embedded_log_has_no_acls(sandik: Sandik) -> None:
    code, _, err = sandik("topics", "--run", "night", "--acls")
    assert (2, True) == (code, "knows no users" in err)


@pytest.mark.kafka
def test_a_live_run_on_a_topic_that_would_forget_it_is_refused_in_one_line(
    sandik: Sandik, kafka: str, unique: str
) -> None:
    where = ("--run", unique, "--log", f"kafka://{kafka}")
    assert 0 == sandik("simulate", *where, *NIGHT, "--mode", "live", "--partitions", "2")[0]
    asyncio.run(alter(kafka, f"sandik.{unique}.tallies", {"retention.ms": "604800000"}))
    for command in (("aggregate", "--until-end"), ("archive", "--out", "archive"), ("gateway", "--port", "0")):
        code, out, err = sandik(*command, *where)
        assert (2, "", 1) == (code, out, len([line for line in err.splitlines() if line.startswith("sandik:")])), err
        assert "retention.ms is 604800000 and must be -1. 1 more is wrong. Mend it: kafka-configs.sh" in err
    assert 0 == sandik("archive", *where, "--out", "archive", "--no-follow")[0]  # what is there can be saved
