"""What operators hold back, for everyone. By the definition's tree: an id says nothing of what a unit is in."""

from typing import Protocol

from schemas.definition import Election


class Holding(Protocol):
    """What says what is held: a night."""

    @property
    def held(self) -> tuple[str, ...]:
        """Contests, or contest/unit."""
        ...

    @property
    def held_in_part(self) -> tuple[str, ...]:
        """The units of which a part is held, named alike."""
        ...


def is_held(night: Holding, definition: Election, contest: str, unit: str) -> bool:
    """Whether a unit's public figures are held, wholly or in part.

    It or a unit above it is in `held`, or a part of it is, and then the gateway lists it in `held_in_part`.
    """
    if unit not in definition.unit_by_id:
        return False
    names = [contest if one == definition.country else f"{contest}/{one}" for one in definition.path(unit)]
    return any(name in night.held for name in names) or names[0] in night.held_in_part
