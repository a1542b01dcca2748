"""Control records: what a run is. The first record of topic `control` creates the run and carries its definition."""

from typing import Annotated, Literal

import orjson
from pydantic import AwareDatetime, Field

from schemas.definition import Election
from schemas.fields import Frozen

Mode = Literal["live", "test", "replay"]


class RunCreated(Frozen):
    """A run begins: its mode, its definition, and the `epoch` that names this incarnation of its log.

    Of several such records the first in the log stands.
    """

    v: Literal[1] = 1
    type: Literal["run_created"] = "run_created"
    run: str
    mode: Mode
    epoch: Annotated[str, Field(min_length=4, max_length=64)]
    at: AwareDatetime
    definition: Election

    def encode(self) -> bytes:
        """The record value."""
        return self.model_dump_json().encode()


def parse_control(value: bytes) -> RunCreated | None:
    """Parse one control record; `None` for a type this version does not know. Raises `ValueError` for broken bytes."""
    if orjson.loads(value).get("type") != "run_created":
        return None
    return RunCreated.model_validate_json(value)
