"""Options about who is let in, and the settings that they make."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.admission.handshake import AccessSettings, origins, proxies
from gateway.admission.keys import TlsFiles, read_key
from gateway.admission.limits import Limits
from schemas.errors import UsageError


class Public(StrEnum):
    """Whether the public needs a token."""

    OPEN = "open"
    TOKEN = "token"  # noqa: S105  a word


TokenKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--token-key",
        envvar="SANDIK_TOKEN_KEY_FILE",
        metavar="FILE",
        help="Check read tokens with this key (see sandik token); may be repeated while one takes over from another.",
    ),
]
PublicAccess = Annotated[
    Public,
    typer.Option(
        "--public", envvar="SANDIK_PUBLIC", help="Whether everybody may watch (open), or only who has a token (token)."
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        envvar="SANDIK_ORIGINS",
        metavar="ORIGIN",
        help="Whose pages may connect beside our own: https://tv.example, null (from files, as in OBS), * for all.",
    ),
]
TrustedProxies = Annotated[
    list[str] | None,
    typer.Option(
        "--trusted-proxy",
        envvar="SANDIK_TRUSTED_PROXIES",
        metavar="ADDRESS",
        help="The address or network of a proxy in front, whose X-Forwarded-For is believed.",
    ),
]
TlsCert = Annotated[
    Path | None,
    typer.Option("--tls-cert", envvar="SANDIK_TLS_CERT_FILE", metavar="FILE", help="Speak TLS: certificate and chain."),
]
TlsKey = Annotated[
    Path | None,
    typer.Option("--tls-key", envvar="SANDIK_TLS_KEY_FILE", metavar="FILE", help="The certificate's private key."),
]
MaxConnections = Annotated[
    int,
    typer.Option("--max-connections", min=1, envvar="SANDIK_MAX_CONNECTIONS", help="Connections a process takes."),
]
MaxConnectionsPerAddress = Annotated[
    int,
    typer.Option(
        "--max-connections-per-address",
        min=1,
        envvar="SANDIK_MAX_CONNECTIONS_PER_ADDRESS",
        help="Connections taken from one address (one /64 in IPv6); this machine's own are not counted.",
    ),
]

LIMITS = Limits()
"""What holds where nobody says otherwise."""


def access_settings(
    keys: Sequence[Path] | None, public: Public, allowed: Sequence[str] | None, trusted: Sequence[str] | None
) -> AccessSettings:
    """Who is let in. Raises `UsageError`."""
    if public is Public.TOKEN and not keys:
        raise UsageError("With --public token nobody could come in: there is no --token-key to check tokens with.")
    return AccessSettings(
        keys=tuple(map(read_key, keys or ())),
        public="token" if public is Public.TOKEN else "open",
        origins=origins(allowed or ()),
        trusted_proxies=proxies(trusted or ()),
    )


def tls_files(certificate: Path | None, key: Path | None) -> TlsFiles | None:
    """The files for TLS, if there are any. Raises `UsageError` where one is missing."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UsageError("TLS takes both: --tls-cert FILE and --tls-key FILE.")
    return TlsFiles(certificate, key)
