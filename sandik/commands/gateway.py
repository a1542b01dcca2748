"""`sandik gateway`: serve a run to screens, with the options that say who is let in."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from eventlog.clock import Wall
from gateway.admission.handshake import AccessSettings, Limits, origins, proxies
from gateway.admission.keys import TlsFiles, read_key
from gateway.brand import STANDARD_BRAND, open_brand
from gateway.recall import Moments
from gateway.routes.boundaries import Boundaries, read_boundaries
from gateway.server import serve
from gateway.settings import GatewaySettings
from sandik import screen
from sandik.options import EMBEDDED_LOG, BrandName, LogUrl, OperatorKeys, RunName, command_app, operator_keys
from sandik.past import PastWorker
from sandik.process import (
    SPARE_FILES,
    WORKER_FOLDER,
    WORKER_NUMBER,
    WORKER_PORT,
    allow_files,
    end_with_parent,
    reserved,
    run_until_stopped,
    supervise,
)
from sandik.wiring import open_log
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


EXAMPLE = "Example: sandik gateway --log kafka://localhost:9092 --run 2024-yerel --port 8765"

app = command_app()

Host = Annotated[str, typer.Option(envvar="SANDIK_HOST", help="The address to listen at; 0.0.0.0 for every network.")]
BoundariesFile = Annotated[
    Path | None,
    typer.Option(
        "--boundaries",
        envvar="SANDIK_BOUNDARIES_FILE",
        metavar="FILE",
        help="The districts' outlines as GeoJSON, for the map overlay; each feature's property slug ends a unit's id.",
    ),
]
Port = Annotated[int, typer.Option(min=0, max=65535, envvar="SANDIK_PORT", help="The port; 0 takes a free one.")]


@app.command(epilog=EXAMPLE)
def gateway(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    tick_ms: Annotated[
        float,
        typer.Option(
            min=1, envvar="SANDIK_GATEWAY_TICK_MS", help="Send a client at most one delta in so many milliseconds."
        ),
    ] = 50.0,
    token_key: TokenKeys = None,
    public: PublicAccess = Public.OPEN,
    origin: Origins = None,
    trusted_proxy: TrustedProxies = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    operator_key: OperatorKeys = None,
    boundaries: BoundariesFile = None,
    brand: BrandName = STANDARD_BRAND,
    max_connections: MaxConnections = LIMITS.connections,
    max_connections_per_address: MaxConnectionsPerAddress = LIMITS.connections_per_address,
    workers: Annotated[
        int,
        typer.Option(min=1, max=64, envvar="SANDIK_WORKERS", help="Processes that share the port: one for each core."),
    ] = 1,
    worker_port: Annotated[int | None, typer.Option(hidden=True, envvar=WORKER_PORT)] = None,
    worker_number: Annotated[int, typer.Option(hidden=True, envvar=WORKER_NUMBER)] = 1,
    worker_folder: Annotated[Path | None, typer.Option(hidden=True, envvar=WORKER_FOLDER)] = None,
) -> None:
    """Serve the run's board, its WebSocket stream and its HTTP endpoints on one port, until stopped."""
    settings = GatewaySettings(
        tick_ms=tick_ms,
        access=access_settings(token_key, public, origin, trusted_proxy),
        limits=replace(LIMITS, connections=max_connections, connections_per_address=max_connections_per_address),
        tls=tls_files(tls_cert, tls_key),
        operators=operator_keys(operator_key),
        brand=open_brand(brand),
    )
    outlines = _boundaries(boundaries)
    if worker_port is not None:
        end_with_parent()
        shared_port = replace(
            settings, share_port=True, worker=worker_number, workers=workers, worker_folder=worker_folder
        )
        run_until_stopped(_serve(log, run, host, worker_port, shared_port, operator_key or (), outlines))
    elif workers > 1:
        with reserved(host, port) as shared:
            run_until_stopped(supervise(workers, host, shared, Wall()))
    else:
        run_until_stopped(_serve(log, run, host, port, settings, operator_key or (), outlines))


def _boundaries(path: Path | None) -> Boundaries | None:
    if path is None:
        return None
    try:
        return read_boundaries(path.read_bytes(), path.name)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Give --boundaries a GeoJSON file.") from error


def within_files(settings: GatewaySettings) -> GatewaySettings:
    """The settings, with no more connections than this process may have files open; says so where those are fewer.

    Who comes over the limit is told so; for want of a descriptor they would be cut off without a word.
    """
    wanted = settings.limits.connections
    files = allow_files(wanted + SPARE_FILES)
    connections = max(files - SPARE_FILES, files // 2)
    if connections >= wanted:
        return settings
    screen.say(
        f"This machine lets a process open {files} files: the gateway takes {connections} connections, not {wanted}."
        " Raise the limit (ulimit -Hn), or give as many as there may be with --max-connections."
    )
    return replace(settings, limits=replace(settings.limits, connections=connections))


async def _serve(
    url: str,
    name: str,
    host: str,
    port: int,
    settings: GatewaySettings,
    operator_keys: Sequence[Path],
    boundaries: Boundaries | None,
) -> None:
    clock = Wall()
    past = PastWorker(url, name, operator_keys)
    async with open_log(url, clock) as log, Moments(past) as moments:
        await serve(
            log,
            name,
            host=host,
            port=port,
            clock=clock,
            settings=within_files(settings),
            moments=moments,
            night_so_far=past,
            boundaries=boundaries,
            started=lambda actual: (
                None if settings.share_port else announce(host, actual, secure=settings.tls is not None)
            ),
        )


def base_url(host: str, port: int, *, secure: bool = False) -> str:
    """Return the address of a gateway as a browser on this machine takes it."""
    scheme = "https" if secure else "http"
    return f"{scheme}://{'localhost' if host == '127.0.0.1' else f'[{host}]' if ':' in host else host}:{port}"


def announce(host: str, port: int, *, secure: bool = False) -> None:
    """Say where the board is."""
    screen.say(f"The board is at {base_url(host, port, secure=secure)}")
