"""Any address of a gateway leads to its stream.

MERGED: When to come back.
"""

import pytest

from sandik.client.definition import definition_url
from sandik.client.endpoint import Retry, field_in, may_reconnect, reason_in, stream_url, token_in
from schemas.errors import UsageError


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host:8765", "ws://host:8765/v1/stream"),
        ("https://host/?contest=x&token=t", "wss://host/v1/stream"),
        ("ws://host:1/v1/stream?token=t", "ws://host:1/v1/stream"),
        ("wss://host", "wss://host/v1/stream"),
    ],
)
def test_every_address_leads_to_the_stream(url: str, expected: str) -> None:
    assert expected == stream_url(url)


@pytest.mark.parametrize("url", ["host:8765", "ftp://host", "", "/v1/stream"])
def test_what_is_no_address_is_refused_with_a_good_one(url: str) -> None:
    with pytest.raises(UsageError, match="ws://localhost:8765/v1/stream"):
        stream_url(url)


def test_an_address_may_bring_a_token() -> None:
    assert "t" == token_in("http://host/?token=t")
    assert token_in("http://host/") is None


def test_pauses_double_to_a_limit_and_are_jittered_from_nothing() -> None:
    retry = Retry(first_s=2, longest_s=8)
    assert [2, 4, 8, 8, 8] == [retry.delay_s(failures, lambda: 1) for failures in (0, 1, 2, 3, 10_000)]
    assert 0 == retry.delay_s(5, lambda: 0)


@pytest.mark.parametrize(("code", "expected"), [(1000, True), (1006, True), (4499, True), (4500, False), (4999, False)])
def test_close_codes_say_whether_to_come_back(code: int, expected: bool) -> None:
    assert expected == may_reconnect(code)


def test_the_definition_is_beside_any_address_of_a_gateway() -> None:
    """A token does not go into it: it goes into a header."""
    assert "http://localhost:8765/v1/definition" == definition_url("ws://localhost:8765/v1/stream?token=t")
    assert "https://desk/v1/definition?version=2" == definition_url("https://desk/board", 2)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error": "There is no such unit."}', "There is no such unit."),
        (b'{"detail": 1}', '{"detail": 1}'),
        (b"[1]", "[1]"),
        (b"<h1>Bad gateway</h1>", "<h1>Bad gateway</h1>"),
    ],
)
def test_a_refusal_is_said_in_the_gateways_words_or_in_a_proxys(body: bytes, reason: str) -> None:
    assert reason == reason_in(body)


def test_a_field_of_an_answer_is_there_or_nothing() -> None:
    assert [2, None, None] == [field_in("version", body) for body in (b'{"version": 2}', b"{}", b"not json")]
