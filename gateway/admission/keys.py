"""Keys and certificates, from files and into files.

A shared secret (HS256) is a file with one line of text, 32 bytes or longer. A pair (EdDSA) is two PEM files: the
private one makes tokens and stays with whoever makes them; the public one is all that a gateway needs. The certificate
for TLS is for pages and stream on the same port.
"""

import os
import secrets
import ssl
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gateway.admission.access import MAX_SECRET_BYTES, MIN_SECRET_BYTES, Algorithm, Key, SigningKey
from schemas.errors import UsageError

_OWNER_ONLY: Final = 0o600
_PEM: Final = b"-----BEGIN "
_PUBLIC_SUFFIX: Final = ".pub"
_HINT: Final = "Make one with sandik token --new-key FILE."


def read_key(path: Path) -> Key:
    """The key of a file, to check tokens with. Raises `UsageError`."""
    content = _read(path)
    if not content.startswith(_PEM):
        return Key("HS256", _secret(path, content))
    if b"PRIVATE KEY" in content:
        raise UsageError(f"{path} is a private key. A gateway needs the public one only: give it {path}.pub.")
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} holds no public Ed25519 key. {_HINT[:-1]} --algorithm EdDSA, and give FILE.pub.")
    return Key("EdDSA", content)


def read_signing_key(path: Path) -> SigningKey:
    """The key of a file, to make tokens with. Raises `UsageError`."""
    content = _read(path)
    if not content.startswith(_PEM):
        return SigningKey("HS256", _secret(path, content))
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"{path} holds no private Ed25519 key without a password; tokens are made with the private one."
        )
    return SigningKey("EdDSA", content)


def write_new_key(path: Path, algorithm: Algorithm) -> list[Path]:
    """Make a key and write it where nothing is yet, for the owner's eyes only. Returns the files, secret one first."""
    if algorithm == "HS256":
        _write(path, f"{secrets.token_hex(MIN_SECRET_BYTES)}\n".encode())
        return [path]
    private = Ed25519PrivateKey.generate()
    public = path.with_name(path.name + _PUBLIC_SUFFIX)
    _write(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(public, private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return [path, public]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise UsageError(f"The key file {path} cannot be read: {error.strerror}. {_HINT}") from error


def _secret(path: Path, content: bytes) -> bytes:
    secret = content.rstrip(b"\r\n")
    if not secret.isascii() or not secret.decode("ascii").isprintable():
        raise UsageError(f"{path} is no key: a shared secret is one line of printable ASCII. {_HINT}")
    if secret.startswith((b"ssh-", b"ecdsa-")):
        raise UsageError(f"{path} is a public SSH key, which everybody may know; it cannot be a secret. {_HINT}")
    if not MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES:
        raise UsageError(
            f"The secret in {path} has {len(secret)} bytes; it takes {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES}. {_HINT}"
        )
    return secret


def _write(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except OSError as error:
        raise UsageError(
            f"Cannot make {path}: {error.strerror}. Choose a new file in a folder that is there."
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


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
