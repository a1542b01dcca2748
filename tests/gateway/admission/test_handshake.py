from dataclasses import replace
from ipaddress import ip_network
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.access import PUBLIC, Grant
from gateway.admission.handshake import (
    STREAM_PATH,
    AccessSettings,
    Code,
    ConnectionCounts,
    Credentials,
    Handshake,
    Limits,
    Meter,
    Refusal,
    RequestHead,
    counted_address,
    origins,
    over_limit,
    peer_of,
    proxies,
    refuse_head,
)
from schemas.errors import UsageError
from tests.gateway.tokens import HS256, NOW, claims, forged, token

OPEN = Handshake(AccessSettings(keys=(HS256,)), "night")
CLOSED = Handshake(AccessSettings(keys=(HS256,), public="token"), "night")
GOOD = token(now=NOW)


def credentials(query: str = "", peer: str | None = "203.0.113.7", **headers: str) -> Credentials:
    return Credentials(query, [(name.replace("_", "-"), value) for name, value in headers.items()], peer)


def refused(decision: Grant | Refusal) -> tuple[int, str]:
    assert isinstance(decision, Refusal)
    assert orjson.loads(decision.body) == {"error": decision.message, "code": decision.code}
    return decision.status, decision.code


@pytest.mark.parametrize(
    "brought",
    [
        credentials(f"token={GOOD}"),
        credentials(authorization=f"Bearer {GOOD}"),
        credentials(authorization=f"bearer  {GOOD} "),
    ],
)
def test_a_token_comes_in_the_header_or_in_the_url(brought: Credentials) -> None:
    for handshake in (OPEN, CLOSED):
        decision = handshake.admit(brought, NOW)
        assert isinstance(decision, Grant)
        assert decision.scope == "control_room"


def test_whoever_brings_no_token_is_the_public_where_the_public_may_come() -> None:
    assert OPEN.admit(credentials(), NOW) == PUBLIC
    assert OPEN.admit(credentials(authorization="Basic Zm9vOmJhcg=="), NOW) == PUBLIC
    assert refused(CLOSED.admit(credentials(), NOW)) == (401, "missing_token")


@pytest.mark.parametrize(
    ("brought", "status", "code"),
    [
        (credentials("token="), 401, "malformed"),
        (credentials(f"token={GOOD}&token={GOOD}"), 400, "two_tokens"),
        (credentials(f"token={GOOD}", authorization=f"Bearer {GOOD}"), 400, "two_tokens"),
        (credentials("x=1&" * 1_000), 400, "bad_request"),
        (credentials(f"token={forged(claims(run='other'))}"), 403, "wrong_run"),
        (credentials(f"token={forged(claims(aud='other'))}"), 403, "wrong_audience"),
        (credentials(f"token={forged(claims(exp=1))}"), 401, "expired"),
        (credentials(f"token={forged(claims(), secret=b'x' * 32)}"), 401, "bad_signature"),
        (credentials(authorization="Bearer"), 401, "malformed"),
    ],
)
def test_a_bad_token_is_refused_even_where_the_public_may_come(brought: Credentials, status: int, code: str) -> None:
    """Else a screen whose token has run out would go on as the public, and nobody would know."""
    decision = OPEN.admit(brought, NOW)
    assert refused(decision) == (status, code)
    assert (status == 401) == any(name == "www-authenticate" for name, _ in decision.headers)  # type: ignore[union-attr]


def test_without_a_key_a_token_is_refused_and_the_public_comes_in() -> None:
    keyless = Handshake(AccessSettings(), "night")
    assert keyless.admit(credentials(), NOW) == PUBLIC
    assert refused(keyless.admit(credentials(f"token={GOOD}"), NOW)) == (401, "no_keys")


@pytest.mark.parametrize(
    ("allowed", "origin", "host", "may"),
    [
        ("", "http://results.example", "results.example", True),
        ("", "https://results.example", "results.example", True),
        ("", "https://results.example", "results.example:443", True),
        ("", "https://Results.Example:443", "RESULTS.example", True),
        ("", "http://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("", "http://[::1]:8765", "[::1]:8765", True),
        ("", "http://127.0.0.1:8765", "127.0.0.1:8766", False),
        ("", "https://results.example:444", "results.example", False),
        ("", "https://evil.example", "results.example", False),
        ("", "https://results.example.evil.example", "results.example", False),
        ("", "https://results.example@evil.example", "results.example", False),
        ("", "file://results.example", "results.example", False),
        ("", "null", "results.example", False),
        ("", "null", "null", False),
        ("", "", "results.example", False),
        ("", "http://[", "results.example", False),
        ("null", "null", "results.example", True),
        ("null", "https://evil.example", "results.example", False),
        ("https://tv.example", "https://tv.example", "results.example", True),
        ("https://tv.example/", "https://tv.example:443", "results.example", True),
        ("https://tv.example", "http://tv.example", "results.example", False),
        ("https://tv.example", "https://www.tv.example", "results.example", False),
        ("https://tv.example", "https://tv.example/path", "results.example", False),
        ("*", "https://evil.example", "results.example", True),
        ("*", "not an origin", "results.example", False),
    ],
)
def test_pages_connect_from_home_or_by_leave(allowed: str, origin: str, host: str, may: bool) -> None:
    handshake = Handshake(AccessSettings(origins=origins([allowed] if allowed else [])), "night")
    brought = credentials(origin=origin, host=host)
    assert handshake.allowed_origin(brought) == (origin if may else None)
    refusal = handshake.refuse_origin(brought)
    assert (refusal is None) == may
    assert refusal is None or refused(refusal) == (403, "wrong_origin")


def test_whoever_names_no_origin_is_no_page() -> None:
    assert OPEN.refuse_origin(credentials(host="results.example")) is None


def test_two_origins_are_none() -> None:
    brought = Credentials("", [("origin", "http://a"), ("origin", "http://a"), ("host", "a")], None)
    assert OPEN.refuse_origin(brought) is not None


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::/64"),
        ("10.0.0.1", "", None),
        ("10.0.0.1", " , ", None),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, _hidden", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::/64"),
        ("10.0.0.1", "[2001:db8::1]", "2001:db8::/64"),
        ("10.0.0.1", "198.51.100.1:4711, 10.0.0.2:80", "198.51.100.1"),
        ("10.0.0.1", "[198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", None),
    ],
)
def test_a_forwarded_address_is_believed_from_our_own_proxy_only(
    peer: str, forwarded: str, counted: str | None
) -> None:
    handshake = Handshake(AccessSettings(trusted_proxies=proxies(["10.0.0.0/24"])), "night")
    assert handshake.counted_address(credentials(peer=peer, x_forwarded_for=forwarded)) == counted


def test_without_a_proxy_of_ours_nobody_is_believed() -> None:
    assert OPEN.counted_address(credentials(peer="10.0.0.1", x_forwarded_for="198.51.100.1")) == "10.0.0.1"
    assert not OPEN.is_proxy("10.0.0.1")
    assert not OPEN.is_proxy(None)


def test_a_peer_that_is_no_address_is_no_proxy() -> None:
    handshake = Handshake(AccessSettings(trusted_proxies=proxies(["10.0.0.0/24"])), "night")
    assert not handshake.is_proxy("/run/gateway.sock")


def test_the_stream_has_one_address() -> None:
    assert PUBLIC == OPEN.admit_to_stream(STREAM_PATH, credentials(), NOW)
    assert (404, "unknown_path") == refused(OPEN.admit_to_stream("/v2/stream", credentials(), NOW))
    assert (401, "missing_token") == refused(CLOSED.admit_to_stream(STREAM_PATH, credentials(), NOW))
    assert (403, "wrong_origin") == refused(
        OPEN.admit_to_stream(STREAM_PATH, credentials(origin="https://a.example"), NOW)
    )


@pytest.mark.parametrize(
    ("query", "program"), [(f"token={GOOD}", False), (f"token={GOOD}&view=program", True), ("view=program", False)]
)
def test_the_control_room_may_ask_for_what_everyone_sees(query: str, program: bool) -> None:
    for decision in (OPEN.admit_to_stream(STREAM_PATH, credentials(query), NOW), OPEN.admit(credentials(query), NOW)):
        assert isinstance(decision, Grant)
        assert program is decision.program


@pytest.mark.parametrize("view", ["programme", "", "program&view=all"])
def test_another_view_is_refused_and_is_not_everything(view: str) -> None:
    decision = OPEN.admit(credentials(f"token={GOOD}&view={view}"), NOW)
    assert (400, "bad_request") == refused(decision)


def test_where_there_are_too_many_connections_whoever_comes_is_told_when_to_come_back() -> None:
    counts = ConnectionCounts(Limits(connections=2, connections_per_address=1))
    first, second, other = over_limit(counts, "a"), over_limit(counts, "a"), over_limit(counts, "b")

    assert (None, None) == (first, other)
    for refusal, told in ((second, (429, "too_many")), (over_limit(counts, "c"), (503, "full"))):
        assert refusal is not None
        assert told == refused(refusal)
        assert ["retry-after"] == [name for name, _ in refusal.headers]


@pytest.mark.parametrize(
    ("peername", "address"),
    [(("10.0.0.1", 80), "10.0.0.1"), (("::1", 80, 0, 0), "::1"), ((), None), ("", None), (None, None)],
)
def test_a_peer_is_the_address_in_what_a_transport_calls_it(peername: object, address: str | None) -> None:
    assert address == peer_of(peername)


def test_what_an_operator_writes_is_read_or_refused() -> None:
    assert origins(["HTTPS://TV.example:443", "null", "*"]) == {"https://tv.example", "null", "*"}
    assert proxies(["10.0.0.1", " ::1 "]) == (ip_network("10.0.0.1"), ip_network("::1"))
    for wrong in ("tv.example", "https://tv.example/page", "https://", "https://tv.example:port"):
        with pytest.raises(UsageError, match="is no origin"):
            origins([wrong])
    with pytest.raises(UsageError, match="such as 10"):
        proxies(["proxy.example"])


@given(
    st.text(max_size=50),
    st.lists(
        st.tuples(st.sampled_from(["origin", "host", "authorization", "x-forwarded-for"]), st.text(max_size=50)),
        max_size=4,
    ),
    st.text(max_size=20) | st.none(),
)
def test_whatever_is_brought_there_is_a_decision(query: str, headers: list[tuple[str, str]], peer: Any) -> None:
    brought = Credentials(query, headers, peer)
    decision = CLOSED.admit(brought, NOW)
    assert isinstance(decision, Refusal)
    assert decision.code in {code for part in get_args(Code) for code in get_args(part)}
    CLOSED.refuse_origin(brought)
    CLOSED.counted_address(brought)


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


LIMITS = Limits(messages_per_s=10, message_burst=20, bytes_per_s=1_000, byte_burst=5_000)


def test_a_burst_is_taken_and_no_more() -> None:
    meter = Meter(LIMITS)
    assert [meter.takes_message(now=7.0) for _ in range(21)] == [True] * 20 + [False]
    assert [meter.takes_bytes(1_000, now=7.0) for _ in range(6)] == [True] * 5 + [False]


def test_whoever_keeps_to_the_rate_is_never_refused() -> None:
    meter = Meter(LIMITS)
    assert all(meter.takes_message(now=number / 10) for number in range(1_000))


def test_whoever_waits_may_burst_again() -> None:
    meter = Meter(LIMITS)
    for start in (0.0, 2.0, 1_000.0):
        assert all(meter.takes_message(now=start) for _ in range(20))


@given(st.lists(st.floats(min_value=0, max_value=0.3), max_size=200))
def test_in_any_stretch_no_more_passes_than_burst_and_rate(pauses: list[float]) -> None:
    meter, now, passed = Meter(LIMITS), 0.0, 0
    for pause in pauses:
        now += pause
        if not meter.takes_message(now):
            break
        passed += 1
    assert passed <= LIMITS.message_burst + LIMITS.messages_per_s * now + 1


def test_connections_are_counted_by_address_and_together() -> None:
    counts = ConnectionCounts(replace(LIMITS, connections=3, connections_per_address=2))
    assert [counts.enter("a"), counts.enter("a"), counts.enter("a")] == [None, None, "too_many"]
    assert [counts.enter(None), counts.enter("b")] == [None, "full"]
    counts.leave("a")
    assert [counts.enter("a"), counts.total] == [None, 3]


def test_whoever_is_not_limited_is_counted_in_the_total_only() -> None:
    counts = ConnectionCounts(replace(LIMITS, connections=100, connections_per_address=1))
    assert [counts.enter(None) for _ in range(101)] == [None] * 100 + ["full"]


def test_addresses_of_those_who_left_are_forgotten() -> None:
    counts = ConnectionCounts(LIMITS)
    for number in range(1_000):
        assert counts.enter(str(number)) is None
        counts.leave(str(number))
    assert (counts.total, len(counts._by_address)) == (0, 0)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", None),
        ("127.8.9.1", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("", None),
        (None, None),
        ("unix:", None),
    ],
)
def test_what_an_address_is_counted_as(address: str | None, counted: str | None) -> None:
    assert counted_address(address) == counted


def test_whoever_is_not_limited_leaves_the_total_only() -> None:
    counts = ConnectionCounts(replace(LIMITS, connections=2, connections_per_address=1))
    counts.enter("a")
    counts.enter(None)
    counts.leave(None)

    assert ["too_many", None, "full"] == [counts.enter("a"), counts.enter(None), counts.enter("b")]
