"""What the server's state message says: how old each feed is, and which units operators hold. Pure.

Ages go on growing between two messages. Whether a unit is held is asked of the definition's tree: an id alone does not
say which units are above it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from schemas.definition import Election
from schemas.wire import Feed, FeedState, Playback, State


@dataclass(frozen=True, slots=True)
class FeedNow:
    """One source as of now. `unknown`: there is no connection, so nobody knows how it is.

    A newer gateway may say a `state` that is not listed here: it is passed on as it came.

    `set_aside` counts what it has said that is in quarantine, and so not in its figures; `restarted` what is ignored
    since its revisions began again, `ahead` what is dated well ahead of when it came, `impossible` the boxes
    in its figures that have more than a box can have.
    """

    state: FeedState | Literal["unknown"]
    last_event: datetime | None
    age_s: float | None
    set_aside: int = 0
    restarted: int = 0
    ahead: int = 0
    impossible: int = 0


class Feeds:
    """What the last state message said, and how long ago. `now` gives seconds that never step back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._state: State | None = None
        self._at = 0.0
        self._heard: dict[str, float] = {}

    def receive(self, state: State) -> None:
        """Take the server's state message."""
        self._state = state
        self._at = self._now()

    def heard(self, source: str) -> None:
        """A change of this source has just come in: newer than what the last state message knew."""
        self._heard[source] = self._now()

    def read(self, *, connected: bool) -> dict[str, FeedNow]:
        """Every source, ages as of now."""
        feeds = self._state.feeds if self._state is not None else {}
        return {
            source: FeedNow(
                feed.state if connected else "unknown",
                feed.last_event,
                self._age_s(source, feed),
                feed.set_aside,
                feed.restarted,
                feed.ahead,
                feed.impossible,
            )
            for source, feed in feeds.items()
        }

    def replay(self) -> Playback | None:
        """Where a replay is by now: its clock has gone on since the message."""
        replay = self._state.replay if self._state is not None else None
        if replay is None or replay.status != "playing":
            return replay
        left_s = (replay.last - replay.clock).total_seconds()
        gone_s = min(left_s, (self._now() - self._at) * replay.speed)
        return replay.model_copy(update={"clock": replay.clock + timedelta(seconds=gone_s)})

    def _age_s(self, source: str, feed: Feed) -> float | None:
        ages: list[float] = []
        if feed.age_s is not None:
            ages.append(feed.age_s + self._now() - self._at)
        if source in self._heard:
            ages.append(self._now() - self._heard[source])
        return min(ages, default=None)


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
