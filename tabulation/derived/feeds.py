"""How the sources are doing: pure rules from what was last heard and what time it is.

A silent feed is the worst fault there is, because nothing on a screen shows it. So every source has a state, and the
age of its last change; its last good values stand whatever the state is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import orjson

from schemas.control import Called
from schemas.graphics import Graphic
from schemas.moments import epoch_ms
from schemas.wire import Feed, FeedState, Playback
from tabulation.counting.notices import AHEAD_S
from tabulation.orders.effects import NO_EMBARGO, Embargo
from tabulation.view import Heard, View

_MS_PER_S: Final = 1_000
_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
_UNSEEN: Final[Mapping[str, float]] = MappingProxyType({})
_NO_GRAPHICS: Final[Mapping[str, Graphic]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """How long a source may be without a change before it is called something else.

    In İstanbul 2019 the busiest hours brought 270 boxes a minute; a minute without one is worth a look, five are worth
    a call, and a quarter of an hour is an agency that has stopped.
    """

    quiet_s: float = 60
    stale_s: float = 300
    down_s: float = 900


class Arrivals:
    """When each source's last change came in here, by a clock that never steps back.

    The log's clock may have been an hour ahead when a change was appended, where it was set back since: by that clock
    a feed that died long ago would be new for an hour.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Heard, float]] = {}

    def look(self, heard: Mapping[str, Heard], now_s: float) -> None:
        """Note who was heard since the last look."""
        for source, last in heard.items():
            if source not in self._seen or self._seen[source][0] is not last:
                self._seen[source] = last, now_s

    def age_s(self, now_s: float) -> dict[str, float]:
        """How long ago each source's last change came in here."""
        return {source: max(0.0, now_s - seen_s) for source, (_, seen_s) in self._seen.items()}


def feed_state(age_s: float | None, *, reachable: bool, limits: FeedLimits) -> FeedState:
    """The state of a source whose last change is `age_s` old. One that never spoke is quiet: it may yet begin."""
    if not reachable:
        return "down"
    if age_s is None:
        return "quiet"
    if age_s >= limits.down_s:
        return "down"
    if age_s >= limits.stale_s:
        return "stale"
    return "quiet" if age_s >= limits.quiet_s else "live"


def heard_by(view: View, replay: Playback | None) -> Mapping[str, Heard]:
    """What was last heard of each source; in a replay without what is dated well ahead of its clock.

    A replay's log is given everything long after it was told, so that its append times bound nothing. Figures may be
    ahead of a clock that is confirmed now and then, and the more the faster it goes; while it seeks it says nothing.
    """
    if replay is None or replay.status == "seeking":
        return view.heard
    moment = replay.clock + timedelta(seconds=AHEAD_S * max(1.0, replay.speed))
    found = {}
    for source, heard in view.heard.items():
        as_of = view.newest_by(source, moment)
        found[source] = heard if as_of is None else heard._replace(as_of=as_of)
    return found


def feeds(  # noqa: PLR0913  what is known of the sources, each by its name
    sources: Iterable[str],
    heard: Mapping[str, Heard],
    now: datetime,
    *,
    reachable: bool,
    limits: FeedLimits,
    replay: Playback | None = None,
    set_aside: Mapping[str, int] = _NOTHING,
    restarted: Mapping[str, int] = _NOTHING,
    ahead: Mapping[str, int] = _NOTHING,
    impossible: Mapping[str, int] = _NOTHING,
    arrived_s: Mapping[str, float] = _UNSEEN,
) -> dict[str, Feed]:
    """Every source's feed at `now`. Where the log is not `reachable`, all are down: nothing new can be known.

    `set_aside` says how many statements of a source its figures do not show, `restarted` and `ahead` how many of them
    have odd revisions or event times, `impossible` how many boxes in its figures have more than a box can have.
    A change that was appended later than `now` is as old as its arrival here, `arrived_s` seconds ago.
    In a `replay` ages are the night's: by its clock and event times, whatever the speed, and however long it stands.
    """
    found = {}
    for source in sorted(sources):
        last = heard.get(source)
        if last is None:
            age_s = None
        elif replay is None:
            age_s = (epoch_ms(now) - last.appended_ms) / _MS_PER_S
            age_s = age_s if age_s >= 0 else arrived_s.get(source, 0.0)
        else:
            age_s = max(0.0, (replay.clock - last.as_of).total_seconds())
        state = feed_state(age_s, reachable=reachable, limits=limits)
        found[source] = Feed(
            state=state,
            last_event=last.as_of if last else None,
            age_s=age_s,
            set_aside=set_aside.get(source, 0),
            restarted=restarted.get(source, 0),
            ahead=ahead.get(source, 0),
            impossible=impossible.get(source, 0),
        )
    return found


def state_message(  # noqa: PLR0913  the fields of one message, each by its name
    seq: int,
    at: datetime,
    found: Mapping[str, Feed],
    embargo: Embargo = NO_EMBARGO,
    *,
    reachable: bool = True,
    numbers: bool = True,
    hold: Sequence[str] = (),
    held_in_part: Sequence[str] = (),
    calls: Sequence[Called] = (),
    replay: Playback | None = None,
    graphics: Mapping[str, Graphic] = _NO_GRAPHICS,
) -> bytes:
    """The `state` message, ready to be framed. Without `numbers`: nothing by which one could count what has come in."""
    table = {source: feed.model_dump() for source, feed in found.items()}
    if not numbers:
        seq, table = (
            0,
            {source: {"state": feed.state, "last_event": None, "age_s": None} for source, feed in found.items()},
        )
    embargoed = embargo.is_in_force(at)
    called = [
        {"contest": call.contest, "unit": call.unit, "candidate": call.candidate, "by": call.by, "at": call.at}
        for call in (calls if numbers else ())
    ]
    message = {"type": "state", "seq": seq, "at": at, "reachable": reachable, "feeds": table, "calls": called}
    held, in_part = (hold, held_in_part) if numbers else ((), ())  # what is held has figures
    until = embargo.until if embargoed else None
    played = replay.model_dump() if replay is not None else None
    message |= {"embargo": until, "embargoed": embargoed, "hold": held, "held_in_part": in_part, "replay": played}
    # a graphic names ids of the definition and no figure, and whoever watches the channel sees it
    message["graphics"] = {channel: graphic.model_dump() for channel, graphic in graphics.items()}
    return orjson.dumps(message)
