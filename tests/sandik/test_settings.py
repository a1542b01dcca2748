from pathlib import Path

import pytest

from eventlog.kafka_security import Security
from sandik.settings import kafka_security
from schemas.errors import UsageError

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
