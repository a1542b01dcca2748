"""A record as a fold sees it: any log's own record has these fields, and no fold asks for more."""

from typing import Protocol


class Record(Protocol):
    """A record as read. `timestamp` is its append time in milliseconds since 1970, UTC."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
