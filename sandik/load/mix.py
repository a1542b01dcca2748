"""The mix: which subscriptions the clients have, and how many clients each. A TOML file, or the one below."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from producers.input_files import parse_toml
from schemas.errors import UsageError
from schemas.fields import Id
from schemas.model_faults import first_fault
from schemas.wire import MAX_RATE_HZ, MAX_UNITS, Subscribe, SubscriptionId, UnitPattern

DEFAULT_MIX: Final = Path(__file__).with_name("mix.toml")
"""A night's newsrooms, for the simulator's İstanbul."""


class Share(BaseModel):
    """`[[subscription]]`: what a client asks for; `weight` is its share of the clients, against the other weights."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    weight: Annotated[float, Field(gt=0, le=1_000_000, strict=False)] = 1.0
    id: SubscriptionId = "load"
    contest: Id
    source: Id
    units: Annotated[tuple[UnitPattern, ...], Field(min_length=1, max_length=MAX_UNITS, strict=False)]
    max_rate_hz: Annotated[float, Field(gt=0, le=MAX_RATE_HZ, strict=False)] | None = None

    def message(self) -> Subscribe:
        """The subscription as the protocol has it."""
        return Subscribe(
            type="subscribe",
            id=self.id,
            contest=self.contest,
            source=self.source,
            units=self.units,
            max_rate_hz=self.max_rate_hz,
        )


class Mix(BaseModel):
    """All shares of a mix."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    subscription: Annotated[tuple[Share, ...], Field(min_length=1, max_length=1_000, strict=False)]

    def allot(self, clients: int) -> Iterator[int]:
        """The index of each client's share: every stretch of clients holds them as near to their weights as it can."""
        whole = sum(share.weight for share in self.subscription)
        owed = [0.0] * len(self.subscription)
        for _ in range(clients):
            for index, share in enumerate(self.subscription):
                owed[index] += share.weight / whole
            most = max(range(len(owed)), key=owed.__getitem__)
            owed[most] -= 1
            yield most


def read_mix(path: Path) -> Mix:
    """Read a mix. Raises `UsageError` for a file that is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}). --subscriptions wants a TOML file.") from error
    return parse_mix(text, str(path))


def parse_mix(text: str, name: str = "the mix") -> Mix:
    """Parse a mix. Raises `UsageError` that names the first thing that is wrong."""
    try:
        tree = parse_toml(text)
    except ValueError as error:
        raise UsageError(f"{name} is not TOML: {error}.") from error
    try:
        return Mix.model_validate(tree)
    except ValidationError as error:
        raise UsageError(
            f"{name}: {first_fault(error)}. Each [[subscription]] has contest, source and units, and may have "
            "weight, id and max_rate_hz; examples/load-mix.toml is one."
        ) from error
