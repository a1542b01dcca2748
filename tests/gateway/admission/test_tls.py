import ssl
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

from gateway.admission.tls import TlsFiles, tls_context
from schemas.errors import UsageError
from tests.gateway.gateways import FAST, Viewer, connect, night, publish, running
from tests.gateway.nights import totals
from tests.patience import LIMIT_S


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
