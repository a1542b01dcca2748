"""What the head of a request must be like, before anybody looks at what it asks for. Pure: a head in, a refusal out.

One rule for all that comes over HTTP, pages, figures and streams alike (RFC 9112, sections 2.3, 3.2 and 6):

- HTTP/1.1 with one proper Host, or HTTP/1.0 with one at most; nothing older, nothing newer.
- Streams of either kind are for HTTP/1.1 alone: HTTP/1.0 knows neither chunks nor upgrades.
- Not too long, and without a body, unless it is an order.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.admission.handshake import ORDERS_PATH, STREAM_PATH, Refusal
from gateway.admission.limits import Limits
from schemas.trust import MAX_ORDER_BYTES

_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
"""RFC 9110 section 7.2: `uri-host [ ":" port ]`, which may be empty."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """One request as far as its empty line. Header names are in lower case, `path` is decoded and has no query."""

    version: str
    """Such as `1.1`."""

    path: str
    url_bytes: int
    headers: Sequence[tuple[bytes, bytes]]

    def all(self, name: bytes) -> list[bytes]:
        """Every value of a header, without the blanks around it."""
        return [value.strip() for known, value in self.headers if known == name]


def refuse_head(head: RequestHead, limits: Limits) -> Refusal | None:
    """Why a request is not answered; `None` where it may be."""
    return _refuse_size(head, limits) or _refuse_version(head) or _refuse_host(head) or _refuse_body(head)


def too_large(what: str, status: int, limits: Limits) -> Refusal:
    """The refusal of a head with too much of something."""
    message = (
        f"The {what} of this request are over the limit: {limits.url_bytes} bytes of URL, "
        f"{limits.header_bytes} bytes in {limits.headers} headers. Send less."
    )
    return Refusal(status, "too_large", message)


def _refuse_size(head: RequestHead, limits: Limits) -> Refusal | None:
    if head.url_bytes > limits.url_bytes:
        return too_large("URL", 414, limits)
    size_bytes = sum(len(name) + len(value) for name, value in head.headers)
    if size_bytes > limits.header_bytes or len(head.headers) > limits.headers:
        return too_large("headers", 431, limits)
    return None


def _refuse_version(head: RequestHead) -> Refusal | None:
    if head.version == "1.1":
        return None
    if head.version != "1.0":
        return Refusal(505, "http_version", f"HTTP/{head.version} is not spoken here. Use HTTP/1.1.")
    if head.path == STREAM_PATH or head.all(b"upgrade"):
        message = "A stream needs HTTP/1.1. Where a proxy asks for you, set it to that (nginx: proxy_http_version 1.1)."
        return Refusal(505, "http_version", message)
    return None


def _refuse_host(head: RequestHead) -> Refusal | None:
    hosts = head.all(b"host")
    if len(hosts) > 1 or (not hosts and head.version == "1.1"):
        return Refusal(400, "bad_request", "A request over HTTP/1.1 names its host once. Send one Host header.")
    if hosts and not _HOST.fullmatch(hosts[0]):
        return Refusal(
            400, "bad_request", "The Host header is no host with an optional port, such as example.org:8765."
        )
    return None


def _refuse_body(head: RequestHead) -> Refusal | None:
    """Only an order has a body, and it says how long it is."""
    sizes = head.all(b"content-length")
    if head.all(b"transfer-encoding") or (head.path != ORDERS_PATH and any(size != b"0" for size in sizes)):
        return Refusal(413, "too_large", "Nothing here takes a body. Send the request without one.")
    if any(int(size) > MAX_ORDER_BYTES for size in sizes):  # the parser has seen to it that they are numbers
        return Refusal(413, "too_large", f"An order has at most {MAX_ORDER_BYTES} bytes. Give a shorter reason.")
    return None
