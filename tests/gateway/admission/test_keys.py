import ssl
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from gateway.admission.access import MAX_SECRET_BYTES, Algorithm, TokenCheck
from gateway.admission.keys import TlsFiles, read_key, read_signing_key, tls_context, write_new_key
from schemas.errors import UsageError
from tests.gateway.gateways import FAST, Viewer, connect, night, publish, running
from tests.gateway.nights import totals
from tests.gateway.tokens import NOW, token
from tests.patience import LIMIT_S


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
def test_a_new_key_makes_tokens_that_its_gateway_takes(tmp_path: Path, algorithm: Algorithm) -> None:
    secret, *others = write_new_key(tmp_path / "key", algorithm)
    text = token(key=read_signing_key(secret), now=NOW)
    assert TokenCheck([read_key([secret, *others][-1])], "night").grant(text, NOW).scope == "control_room"


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
def test_a_key_is_for_its_owners_eyes(tmp_path: Path, algorithm: Algorithm) -> None:
    for file in write_new_key(tmp_path / "key", algorithm):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_key_is_written_over_another(tmp_path: Path) -> None:
    (secret,) = write_new_key(tmp_path / "key", "HS256")
    before = secret.read_bytes()
    with pytest.raises(UsageError, match="Choose a new file"):
        write_new_key(secret, "EdDSA")
    assert secret.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "has 0 bytes"),
        (b"short", "has 5 bytes"),
        (b"x" * 31 + b"\n", "has 31 bytes"),
        (b"x" * (MAX_SECRET_BYTES + 1), "bytes; it takes 32 to 4096"),
        (b"\xff" * 40, "one line of printable ASCII"),
        (b"x" * 40 + b"\n" + b"x" * 40, "one line of printable ASCII"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIxxxxxxxxxxxxxxxxxxxxxxxx me", "everybody may know"),
        (b"-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n", "no public Ed25519 key"),
        (b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", "no public Ed25519 key"),
    ],
)
def test_a_file_that_is_no_key_is_refused_without_showing_it(tmp_path: Path, content: bytes, complaint: str) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=complaint) as caught:
        read_key(file)
    assert "nonsense" not in str(caught.value)
    assert "xxxx" not in str(caught.value)
    with pytest.raises(UsageError):
        read_signing_key(file)


def test_a_gateway_takes_no_private_key_and_nobody_signs_with_a_public_one(tmp_path: Path) -> None:
    private, public = write_new_key(tmp_path / "key", "EdDSA")
    with pytest.raises(UsageError, match=r"key\.pub"):
        read_key(private)
    with pytest.raises(UsageError, match="no private Ed25519 key"):
        read_signing_key(public)


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    for read in (read_key, read_signing_key):
        with pytest.raises(UsageError, match="missing cannot be read"):
            read(tmp_path / "missing")
    with pytest.raises(UsageError, match="a folder that is there"):
        write_new_key(tmp_path / "no" / "key", "HS256")


def certificate(folder: Path, encryption: KeySerializationEncryption | None = None) -> TlsFiles:
    """A certificate for 127.0.0.1, signed by itself."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, None)
    )
    files = TlsFiles(folder / "cert.pem", folder / "key.pem")
    files.certificate.write_bytes(made.public_bytes(Encoding.PEM))
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))
    return files


async def test_pages_and_stream_speak_tls_on_one_port(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=files.certificate)
    async with night(tmp_path) as log, running(log, settings=replace(FAST, tls=files)) as gateway:
        await publish(log, totals(votes={"imamoglu": 5}))
        where = f"127.0.0.1:{gateway.port}"
        async with connect(f"wss://{where}/v1/stream", ssl=trusting, compression=None) as socket:
            viewer = Viewer(socket)
            await viewer.subscribe("tr")
            await viewer.until(lambda: viewer.seq == 1)
        async with httpx.AsyncClient(verify=trusting, timeout=LIMIT_S) as client:
            answer = await client.get(f"https://{where}/v1/totals?unit=tr")
            assert answer.json()["totals"][0]["votes"]["imamoglu"] == 5
            with pytest.raises(httpx.HTTPError):
                await client.get(f"http://{where}/v1/totals")


async def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    assert tls_context(certificate(tmp_path)).minimum_version is ssl.TLSVersion.TLSv1_2


def test_files_that_are_no_certificate_and_key_are_named(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    with pytest.raises(UsageError, match=r"no certificate and its key"):
        tls_context(TlsFiles(files.key, files.certificate))
    with pytest.raises(UsageError, match=r"missing.pem .*cannot be read"):
        tls_context(TlsFiles(files.certificate, tmp_path / "missing.pem"))
    locked = certificate(tmp_path, BestAvailableEncryption(b"secret"))
    with pytest.raises(UsageError, match="no certificate and its key"):
        tls_context(locked)
