"""TLS from files, for pages and stream on the same port."""

import ssl
from pathlib import Path
from typing import NamedTuple

from schemas.errors import UsageError


class TlsFiles(NamedTuple):
    """Where the certificate (with its chain) and its private key are, as PEM."""

    certificate: Path
    key: Path


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """A server's context. Raises `UsageError` for files that cannot be read or do not belong together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except ssl.SSLError as error:
        raise UsageError(
            f"{files.certificate} and {files.key} are no certificate and its key in PEM ({error.reason}). Check both."
        ) from error
    except OSError as error:
        raise UsageError(f"{files.certificate} or {files.key} cannot be read: {error.strerror}.") from error
    return context


def _no_password() -> bytes:
    """Nobody is there to type one; without this, the library would ask at the terminal."""
    return b""
