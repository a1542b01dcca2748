import pytest

from gateway.admission.limits import Limits
from gateway.admission.requests import RequestHead, refuse_head

HOST = (b"host", b"example.org")
STREAM = "/v1/stream"
ORDERS = "/v1/orders"


def status(
    *headers: tuple[bytes, bytes],
    version: str = "1.1",
    path: str = "/",
    url_bytes: int = 1,
    limits: Limits | None = None,
) -> int | None:
    refusal = refuse_head(RequestHead(version, path, url_bytes, headers), limits or Limits())
    return refusal.status if refusal else None


@pytest.mark.parametrize(
    "host",
    ["", "x", "example.org", "example.org:8765", "10.0.0.1:80", "[::1]", "[::1]:8765", "a_b-c", "example.org:", " x "],
)
def test_a_request_with_one_host_is_let_through(host: str) -> None:
    assert status((b"host", host.encode())) is None


@pytest.mark.parametrize("host", ["a b", "a/b", "http://a", "a@b", "a:b", "[::1", "::1", "a,b:c", "a\tb", "ş"])
def test_what_is_no_host_is_refused(host: str) -> None:
    for version in ("1.0", "1.1"):
        assert status((b"host", host.encode()), version=version) == 400


def test_http_1_1_names_its_host_once_and_http_1_0_at_most_once() -> None:
    assert status() == 400
    assert status(HOST, HOST) == 400
    assert status(HOST, (b"host", b"other.example")) == 400
    assert status(version="1.0") is None
    assert status(HOST, version="1.0") is None
    assert status(HOST, HOST, version="1.0") == 400


@pytest.mark.parametrize("version", ["0.9", "2.0", "1.2", "3.0"])
def test_other_versions_are_refused(version: str) -> None:
    assert status(HOST, version=version) == 505


def test_http_1_0_gets_no_stream_of_either_kind() -> None:
    """It knows neither chunks nor upgrades (RFC 9110 section 7.8)."""
    assert status(HOST, path=STREAM, version="1.0") == 505
    assert status(HOST, (b"upgrade", b"websocket"), path="/elsewhere", version="1.0") == 505
    assert status(HOST, (b"upgrade", b"websocket"), path=STREAM) is None


def test_only_an_order_has_a_body_and_says_how_long_it_is() -> None:
    assert status(HOST, (b"content-length", b" 0 ")) is None
    assert status(HOST, (b"content-length", b"1")) == 413
    assert status(HOST, (b"content-length", b"100"), path=ORDERS) is None
    assert status(HOST, (b"content-length", b"100000000"), path=ORDERS) == 413
    assert status(HOST, (b"transfer-encoding", b"chunked"), path=ORDERS) == 413


def test_a_head_has_a_limit_in_every_direction() -> None:
    limits = Limits(url_bytes=10, header_bytes=40, headers=2)
    assert status(HOST, url_bytes=10, limits=limits) is None
    assert status(HOST, url_bytes=11, limits=limits) == 414
    assert status(HOST, (b"a", b"b"), (b"c", b"d"), limits=limits) == 431
    assert status(HOST, (b"a", b"b" * 40), limits=limits) == 431
