"""A file at an address, fetched again and again: only what has changed is sent (ETag, If-Modified-Since)."""

import os
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from schemas.errors import UsageError

TIMEOUT_S: Final = 30
"""How long a server may be silent; what it sends is given more time."""

MAX_FETCHED_BYTES: Final = 512 * 1024 * 1024
"""The largest file that is fetched: a country's boxes with all their contests, several times over."""

_CHUNK_BYTES: Final = 1024 * 1024
_NOT_MODIFIED: Final = 304


class NotFetched(UsageError):
    """The file at an address could not be fetched; it may be another time."""

    retriable = True


def is_address(text: str) -> bool:
    """Return whether a text is an address on the web and no path."""
    return text.startswith(("http://", "https://"))


class Address:
    """A file at an address, kept as a file in a folder under its own name."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        name = PurePosixPath(unquote(urlsplit(url).path)).name
        self.file = folder / (name if name not in {"", "."} else "table")
        self._known: dict[str, str] = {}

    def fetch(self) -> bool:
        """Fetch the file if it has changed, and return whether it has. It blocks.

        The file gets the time at which its server says that it was changed. Raises `NotFetched`.
        """
        request = Request(self.url, headers={"User-Agent": "sandik", **self._known})  # noqa: S310  http alone: is_address
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                part = self.file.with_name(f"{self.file.name}.part")
                size = 0
                with part.open("wb") as kept:
                    while chunk := answer.read(_CHUNK_BYTES):
                        size += kept.write(chunk)
                        if size > MAX_FETCHED_BYTES:
                            raise NotFetched(f"{self.url} is over {MAX_FETCHED_BYTES} bytes. Is it the right address?")
                expected = answer.headers.get("Content-Length")
                if expected is not None and int(expected) != size:
                    raise NotFetched(f"{self.url} ended after {size} of {expected} bytes. Try again.")
                self._keep(part, answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        except HTTPError as error:
            error.close()
            if error.code == _NOT_MODIFIED:
                return False
            raise NotFetched(f"{self.url} answers {error.code} ({error.reason}).") from error
        except (URLError, OSError, HTTPException, ValueError) as error:
            raise NotFetched(f"{self.url} cannot be fetched: {error}.") from error
        return True

    def _keep(self, part: Path, tag: str | None, changed: str | None) -> None:
        self._known = {}
        if tag:
            self._known["If-None-Match"] = tag
        if changed:
            self._known["If-Modified-Since"] = changed
            seconds = parsedate_to_datetime(changed).timestamp()
            os.utime(part, (seconds, seconds))
        part.replace(self.file)
