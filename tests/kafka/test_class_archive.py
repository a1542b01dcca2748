"""The JVM's archives of loaded classes: written by whoever ends by itself, used whole or not at all."""

from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.class_archive import ClassArchive
from tests.kafka.jars import fetch_jars

WRITE = "-XX:ArchiveClassesAtExit="
USE = "-XX:SharedArchiveFile="


@pytest.fixture
def archive(tmp_path: Path) -> ClassArchive:
    return ClassArchive(tmp_path / "lib", "kafka.Program")


def draft(archive: ClassArchive) -> Path:
    """Where a program is to write."""
    return Path(archive.options[0].removeprefix(WRITE))


def test_what_one_program_has_written_the_next_one_uses(archive: ClassArchive, tmp_path: Path) -> None:
    with archive.during():
        draft(archive).write_bytes(b"\xf0\x0b\xab\xa8 and more")

    used = Path(ClassArchive(tmp_path / "lib", "kafka.Program").options[0].removeprefix(USE))
    assert b"\xf0\x0b\xab\xa8 and more" == used.read_bytes()
    assert [used] == list(tmp_path.iterdir())


@pytest.mark.parametrize("written", [b"", b"\0\0\0\0 and no header yet"])
def test_what_was_ended_in_the_middle_of_writing_is_not_kept(
    archive: ClassArchive, tmp_path: Path, written: bytes
) -> None:
    with archive.during():
        draft(archive).write_bytes(written)

    assert archive.options[0].startswith(WRITE)
    assert [] == list(tmp_path.iterdir())


def test_who_writes_nothing_leaves_nothing(archive: ClassArchive, tmp_path: Path) -> None:
    with archive.during():
        pass

    assert [] == list(tmp_path.iterdir())


@pytest.mark.kafka
def test_kafkas_own_programs_write_and_use_theirs(kafka_broker: Broker) -> None:
    """The fixture has formatted the broker's storage, by a program that ends by itself; a broker is stopped."""
    kafka_broker.write_class_archive()

    assert ClassArchive(fetch_jars(), "kafka.tools.StorageTool").is_written
    assert ClassArchive(fetch_jars(), "kafka.Kafka").is_written
