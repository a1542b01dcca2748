"""Versions: what a record that this release does not read says of itself.

Every record says in `v` which version of its shape it has; one that says nothing has the first. A reader takes the
versions that it knows and no other: half understood is wrong.
"""

from typing import Final

import orjson

VERSION: Final = 1
"""The version of every shape in the log but the ledger's, which says its own (`tabulation.counting.checkpoint`)."""


def other_version(value: bytes | None, within: str | None = None) -> str | None:
    """The version that a record says it has, or an object in its field `within`.

    `None` where it is ours, or there is no such object.
    """
    try:
        record = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    if within is not None:
        record = record.get(within) if isinstance(record, dict) else None
    if not isinstance(record, dict) or "v" not in record:
        return None
    version: object = record["v"]
    return None if version == VERSION else str(version)
