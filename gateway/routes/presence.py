"""Who is in the control room: whoever has looked at it in the last seconds. Pure: the clock's time is handed in.

A page looks once a second. Each gateway knows those that look at it: where several serve a run, operators of one room
are sent to one of them, or each sees a part.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.admission.access import Grant
from schemas.wire import Scope

HERE_FOR: Final = timedelta(seconds=10)
"""How long after its last look somebody still counts as here: as long as a page waits for an answer."""

MOST_HERE: Final = 50
"""More than a control room seats. Of more the newest are kept."""

MAX_NAME_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody in the room: whose token it is, and the name that they gave, which nobody has checked."""

    subject: str
    name: str
    scope: Scope


class Presence:
    """Who looked when."""

    def __init__(self) -> None:
        self._looked: dict[Present, datetime] = {}

    def note(self, grant: Grant, name: str, now: datetime) -> None:
        """Note that somebody looks."""
        who = Present(grant.subject or "", name.strip()[:MAX_NAME_CHARS], grant.scope)
        self._looked.pop(who, None)
        self._looked[who] = now
        while len(self._looked) > MOST_HERE:
            del self._looked[next(iter(self._looked))]

    def here(self, now: datetime) -> list[dict[str, object]]:
        """Who is here, by name."""
        self._looked = {who: looked for who, looked in self._looked.items() if now - looked <= HERE_FOR}
        return [asdict(who) for who in sorted(self._looked, key=lambda one: (one.name, one.subject, one.scope))]
