"""The peers that messages are published to over HTTP: nchan in nginx, and Centrifugo.

A round is published message by message on one kept connection, or in one request where the server takes several.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import orjson

from benchmarks.commands import free_port
from benchmarks.gateway.feed import Feed, Form, units
from benchmarks.gateway.handshake import masked, request
from benchmarks.gateway.plan import Dialect, Resume
from benchmarks.gateway.process import family, running, wait_until_listening
from benchmarks.gateway.servers import PEERS, Fed, Missing, Server
from benchmarks.patience import LIMIT_S
from eventlog.run import RunTopics

_NCHAN_MODULES: Final = ("/usr/lib/nginx/modules/ngx_nchan_module.so", "/usr/share/nginx/modules/ngx_nchan_module.so")
_CENTRIFUGO: Final = "github.com/centrifugal/centrifugo/v6@v6.9.1"
_CHANNEL: Final = "bench"
_PUSHED: Final = (b'{"push":{', b'"subscribe":{')
"""How Centrifugo's messages begin that are waited for: a publication, and the answer to `subscribe`."""


class _Publication(NamedTuple):
    path: str
    body: bytes


class Published:
    """A server that is published to."""

    def __init__(
        self, process: subprocess.Popen[bytes], port: int, dialect: Dialect, publications: list[_Publication]
    ) -> None:
        self.port = port
        wait_until_listening(port, process)
        self.pids = family(process.pid)
        self.dialect = dialect
        self._publications = publications
        self._publisher = HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)

    def round(self) -> None:
        for publication in self._publications:
            self.post(publication)

    def post(self, publication: _Publication) -> bytes:
        """Return the answer. Raises `RuntimeError` where it is a refusal."""
        self._publisher.request("POST", publication.path, body=publication.body)
        answer = self._publisher.getresponse()
        body = answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST or b'"error"' in body:
            raise RuntimeError(f"{publication.path} answered {answer.status}: {body[:500].decode(errors='replace')}")
        return body

    def close(self) -> None:
        self._publisher.close()


class Centrifugo(Published):
    """Centrifugo, whose clients come back with epoch and offset."""

    def resume(self) -> Resume:
        stream = orjson.loads(self.post(_Publication("/api/history", orjson.dumps({"channel": _CHANNEL}))))["result"]
        return partial(_come_back, stream["epoch"])


@dataclass
class _Consuming:
    """Centrifugo that reads Kafka itself."""

    port: int
    pids: list[int]
    dialect: Dialect
    feed: Feed

    def round(self) -> None:
        self.feed.round()


@contextmanager
def nchan(texts: list[str]) -> Iterator[Server]:
    """Nchan in nginx, from the distribution. Raises `Missing` where it is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    module = next(filter(os.path.exists, _NCHAN_MODULES), None)
    if program is None or module is None:
        raise Missing("no nginx with nchan; on Debian: apt-get install nginx libnginx-mod-nchan")
    port = free_port()
    with TemporaryDirectory(prefix="sandik-bench-") as folder:
        os.chmod(folder, 0o755)  # the worker is another user  # noqa: PTH101, S103
        config = Path(folder) / "nginx.conf"
        text = (PEERS / "nchan.conf").read_text()
        for name, value in {"FOLDER": folder, "MODULE": module, "PORT": str(port)}.items():
            text = text.replace(f"@{name}@", value)
        config.write_text(text)
        with running([program, "-p", folder, "-c", str(config), "-e", "stderr"]) as process:
            publications = [_Publication("/pub", text.encode()) for text in texts]
            server = Published(process, port, Dialect(request()), publications)
            try:
                yield server
            finally:
                server.close()


@contextmanager
def centrifugo(texts: list[str]) -> Iterator[Centrifugo]:
    """Centrifugo on one core, with recovery. Raises `Missing` where it is not installed."""
    port = free_port()
    with _centrifugo(port) as process:
        server = Centrifugo(process, port, _dialect([_CHANNEL]), [_published_together(texts)])
        try:
            yield server
        finally:
            server.close()


@contextmanager
def consuming_centrifugo(*, districts: int, url: str, run: str) -> Iterator[Fed]:
    """The same, fed by its own Kafka consumer; each client follows one of the districts, a channel each."""
    kafka = {
        "brokers": url.removeprefix("kafka://").split(","),
        "topics": [RunTopics(run).totals.name],
        "consumer_group": run,
    }
    consumers = orjson.dumps([{"name": "totals", "enabled": True, "type": "kafka", "kafka": kafka}]).decode()
    port = free_port()
    with Feed(url, run, districts, Form.COMMANDS) as feed, _centrifugo(port, CENTRIFUGO_CONSUMERS=consumers) as process:
        wait_until_listening(port, process)
        yield _Consuming(port, family(process.pid), _dialect(units(districts)), feed)


@contextmanager
def _centrifugo(port: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    program = _installed()
    environment: Mapping[str, str] = {"GOMAXPROCS": "1", "CENTRIFUGO_HTTP_SERVER_PORT": str(port), **settings}
    with running([program, "--config", str(PEERS / "centrifugo.json")], environment) as process:
        yield process


def _installed() -> str:
    """The program's path: on `PATH`, or where `go install` puts it."""
    program, go = shutil.which("centrifugo"), shutil.which("go")
    if program is None and go is not None:
        asked = subprocess.run([go, "env", "GOPATH"], check=True, capture_output=True, text=True, timeout=LIMIT_S)
        program = shutil.which("centrifugo", path=Path(asked.stdout.strip()) / "bin")
    if program is None:
        raise Missing(f"no centrifugo; go install {_CENTRIFUGO}")
    return program


def _dialect(channels: list[str]) -> Dialect:
    says = tuple(_subscribe({"channel": channel}) for channel in channels)
    return Dialect(request(), says, _PUSHED, shares_frames=True, position=b'"offset":')


def _come_back(epoch: str, offset: int) -> bytes:
    return _subscribe({"channel": _CHANNEL, "recover": True, "epoch": epoch, "offset": offset})


def _subscribe(stream: dict[str, object]) -> bytes:
    """Both commands in one frame, a line each, as Centrifugo's own clients may send them."""
    commands = ({"id": 1, "connect": {}}, {"id": 2, "subscribe": stream})
    return masked(b"\n".join(map(orjson.dumps, commands)))


def _published_together(texts: list[str]) -> _Publication:
    publish = [{"publish": {"channel": _CHANNEL, "data": orjson.Fragment(text)}} for text in texts]
    if len(publish) == 1:
        return _Publication("/api/publish", orjson.dumps(publish[0]["publish"]))
    return _Publication("/api/batch", orjson.dumps({"commands": publish}))
