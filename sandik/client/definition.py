"""The election's definition, from a gateway: the one in force, or an earlier version.

`gateway/pages/client/definition.js` asks for the same in JavaScript.
"""

import asyncio
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from sandik.client.endpoint import reason_in, stream_url, token_in
from schemas.definition import Election
from schemas.errors import StreamRefused

TIMEOUT_S: Final = 20.0
"""A definition of all Türkiye is some MiB: more than this is a stuck connection."""


def definition_url(url: str, version: int | None = None) -> str:
    """The address of the definition beside any address of a gateway. Raises `UsageError` where `url` is none."""
    parts = urlsplit(stream_url(url))
    scheme = {"ws": "http", "wss": "https"}[parts.scheme]
    query = urlencode({} if version is None else {"version": version})
    return urlunsplit((scheme, parts.netloc, "/v1/definition", query, ""))


async def fetch_definition(url: str, version: int | None = None, *, token: str | None = None) -> Election:
    """The definition in force, or an earlier version of it. `url` is any address of the gateway.

    Raises:
        UsageError: `url` is no address of a gateway.
        StreamRefused: the gateway has no such version, no run yet, or does not take the token.
        OSError: there is no gateway, or it does not answer in time.
    """
    given = token if token is not None else token_in(url)
    headers = {"Authorization": f"Bearer {given}"} if given else {}
    request = Request(definition_url(url, version), headers=headers)  # noqa: S310  a gateway's address alone
    return Election.model_validate_json(await asyncio.to_thread(_answer, request))


def _answer(request: Request) -> bytes:
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310  as above
            body: bytes = answer.read()
            return body
    except HTTPError as error:
        with error:
            raise StreamRefused(error.code, reason_in(error.read())) from error
    except HTTPException as error:
        raise ConnectionError(str(error)) from error
