from pathlib import Path

import pytest

from eventlog.clock import Wall
from eventlog.kafka.administration import Security
from eventlog.kafka.log import KafkaLog
from eventlog.port import Entry, Topic
from eventlog.sqlite.log import SqliteLog
from sandik.wiring import kafka_security, open_log
from schemas.errors import LogFull, UsageError


async def test_a_sqlite_url_names_a_file(tmp_path: Path) -> None:
    log = open_log(f"sqlite:{tmp_path}/new/night.db", Wall())
    assert isinstance(log, SqliteLog)
    async with log:
        pass
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["night.db"]


async def test_a_sqlite_url_may_limit_the_file(tmp_path: Path) -> None:
    async with open_log(f"sqlite:{tmp_path}/night.db?max_mb=1", Wall()) as log:
        await log.create([Topic("t")])
        with pytest.raises(LogFull):
            await log.append("t", [Entry(b"k", bytes(600_000))] * 2)


@pytest.mark.parametrize(
    "url", ["kafka://localhost:9092", "kafka://10.0.0.1:9092,kafka-2.example:9093", "kafka://[::1]:9092"]
)
def test_a_kafka_url_names_brokers(url: str) -> None:
    assert isinstance(open_log(url, Wall()), KafkaLog)


@pytest.mark.parametrize(
    "url",
    [
        *("", "night.db", "sqlite:", "sqlite:?max_mb=1", "sqlite:night.db?size=1", "postgres://localhost/night"),
        *("kafka:", "kafka://", "kafka://localhost", "kafka:localhost:9092", "kafka://localhost:9092/topic"),
    ],
)
def test_a_url_that_names_no_log_is_refused_with_the_forms_there_are(url: str) -> None:
    with pytest.raises(UsageError, match="sqlite:PATH"):
        open_log(url, Wall())


@pytest.mark.parametrize("size", ["", "0", "-1", "1.5", "many"])
def test_a_limit_that_is_no_size_is_refused(size: str) -> None:
    with pytest.raises(UsageError, match="whole mebibytes"):
        open_log(f"sqlite:night.db?max_mb={size}", Wall())


def test_security_settings_are_checked_when_the_log_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDIK_KAFKA_SECURITY_PROTOCOL", "TLS")
    with pytest.raises(UsageError, match="SECURITY_PROTOCOL"):
        open_log("kafka://localhost:9092", Wall())


SECRET = "şifre "  # noqa: S105  nobody's
SASL = {
    "SANDIK_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "SANDIK_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "SANDIK_KAFKA_SASL_USERNAME": "sandik",
}


def test_nothing_set_means_plaintext() -> None:
    assert kafka_security({"PATH": "/bin"}) == Security()


def test_sasl_over_tls_takes_its_password_and_files() -> None:
    security = kafka_security({**SASL, "SANDIK_KAFKA_SASL_PASSWORD": SECRET, "SANDIK_KAFKA_SSL_CAFILE": "/etc/ca.pem"})
    assert security.protocol == "SASL_SSL"
    assert (security.mechanism, security.username, security.password) == ("SCRAM-SHA-512", "sandik", SECRET)
    assert security.ca_file == Path("/etc/ca.pem")
    assert SECRET not in repr(security)


def test_a_password_file_is_read_without_its_last_newline(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n", encoding="utf-8")
    assert kafka_security({**SASL, "SANDIK_KAFKA_SASL_PASSWORD_FILE": str(file)}).password == SECRET


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SANDIK_KAFKA_PASSWORD": "x"}, "no setting SANDIK_KAFKA_PASSWORD"),
        ({"SANDIK_KAFKA_SECURITY_PROTOCOL": "TLS"}, "is 'TLS'. Give one of PLAINTEXT, SSL"),
        ({**SASL, "SANDIK_KAFKA_SASL_MECHANISM": "GSSAPI", "SANDIK_KAFKA_SASL_PASSWORD": "x"}, "is 'GSSAPI'. Give one"),
        ({**SASL}, "set either"),
        ({**SASL, "SANDIK_KAFKA_SASL_PASSWORD": "x", "SANDIK_KAFKA_SASL_PASSWORD_FILE": "y"}, "set either"),
        ({**SASL, "SANDIK_KAFKA_SASL_PASSWORD_FILE": "/nowhere/at/all"}, "cannot be read"),
        ({**SASL, "SANDIK_KAFKA_SASL_USERNAME": "", "SANDIK_KAFKA_SASL_PASSWORD": "x"}, "SASL needs a user"),
        ({"SANDIK_KAFKA_SASL_USERNAME": "sandik"}, "has no meaning with SANDIK_KAFKA_SECURITY_PROTOCOL=PLAINTEXT"),
        ({"SANDIK_KAFKA_SSL_CAFILE": "/etc/ca.pem"}, "has no meaning with SANDIK_KAFKA_SECURITY_PROTOCOL=PLAINTEXT"),
        ({"SANDIK_KAFKA_SECURITY_PROTOCOL": "SSL", "SANDIK_KAFKA_SSL_KEYFILE": "k"}, "give SANDIK_KAFKA_SSL_CERTFILE"),
    ],
)
def test_what_is_unknown_missing_or_contradicting_is_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        kafka_security(environment)
