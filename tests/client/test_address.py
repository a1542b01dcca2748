"""Any address of a gateway leads to its stream."""

import pytest

from sandik.client.address import stream_url, token_in
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
