"""A server that may say anything a gateway could, and some things it never should; and the truth beside it.

The truth is naive: every state that the night ever had, whole, by epoch and seq. Whatever is lost, doubled or late, a
client whose cursor is (epoch, seq) must show that state and no other.
"""

from copy import deepcopy
from itertools import pairwise
from random import Random
from typing import Any

from schemas.figures import EVERYWHERE

UNITS = ("tr/34", "tr/34/adalar", "tr/34/uskudar")
WANTED: list[dict[str, Any]] = [
    {"contest": "mayor", "source": "aa", "units": ["tr/34", "tr/34/*"]},
    {"contest": "mayor", "source": "aa", "units": ["tr/34/*"], "max_rate_hz": 2.5},
]
PLACES = [f"mayor aa {unit}" for unit in UNITS]
NAMES = ("boxes_opened", "cast", "valid")
_FIXED = {
    "level": "district",
    "boxes_total": 9,
    "as_of": "2024-03-31T19:38:02+03:00",
    "overridden": [],
    "boxes_surplus": 0,
    "complete": False,
    "contradictions": [],
    **{name: 0 for name in EVERYWHERE if name not in NAMES},
}

State = dict[str, dict[str, Any]]


class Server:
    """One run in its epochs. `states[epoch][seq]` is what was true there."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self.states: dict[str, list[State]] = {"e0": [{}]}
        self.epoch = "e0"

    def steps(self, count: int) -> list[dict[str, Any]]:
        """A transcript of so many steps."""
        steps: list[dict[str, Any]] = [{"do": "subscribe", "subscription": 0}, *self._opening()]
        subscribed = {0}
        while len(steps) < count:
            steps += self._step(subscribed)
        return steps

    def _step(self, subscribed: set[int]) -> list[dict[str, Any]]:  # noqa: PLR0911  one answer a kind
        chance = self._chance
        for _ in range(chance.randrange(3)):
            self._count()
        match chance.choice(["delta"] * 6 + ["snapshot"] * 2 + ["screen", "screen", "lose", "epoch", "follow", "say"]):
            case "delta":
                return [self._receive(self._delta())]
            case "snapshot":
                return [self._receive(self._snapshot())]
            case "screen":
                return [{"do": chance.choice(["hold", "take", "release"])}]
            case "lose":
                return [{"do": "lose", "code": chance.choice([1006, 1012, 4001])}, *self._opening()]
            case "epoch":
                self.epoch = f"e{len(self.states)}"
                self.states[self.epoch] = [{}]
                return [{"do": "lose", "code": 4001}, *self._opening()]
            case "follow":
                one = chance.randrange(len(WANTED))
                word = "unsubscribe" if one in subscribed else "subscribe"
                subscribed ^= {one}
                return [{"do": word, "subscription": one}]
            case _:
                return [self._receive(self._feeds()), {"do": "advance", "seconds": chance.randrange(60)}]

    def _opening(self) -> list[dict[str, Any]]:
        hello: dict[str, Any] = {
            "type": "hello",
            "protocol": "sandik.v1",
            "run": "night",
            "mode": "test",
            "epoch": self.epoch,
        }
        hello |= {"seq": 0, "heartbeat_s": 10.0, "scope": "public"}
        return [{"do": "connecting"}, {"do": "opened"}, self._receive(hello)]

    def _receive(self, message: dict[str, Any]) -> dict[str, Any]:
        return {"do": "receive", "message": message}

    def _count(self) -> None:
        """Something changes, up or down."""
        chance, states = self._chance, self.states[self.epoch]
        state = deepcopy(states[-1])
        unit = chance.choice(UNITS)
        fresh = {**_FIXED, "unit": unit, **dict.fromkeys(NAMES, 0), "votes": {"a": 0, "b": 0}}
        entry = state.setdefault(unit, fresh)
        entry[chance.choice(NAMES)] += chance.randrange(-1, 4)
        entry["votes"][chance.choice("ab")] += chance.randrange(-1, 4)
        for name in NAMES:
            entry[name] = max(0, entry[name])
        entry["votes"] = {name: max(0, votes) for name, votes in entry["votes"].items()}
        states.append(state)

    def _among(self, subscription: int, state: State) -> State:
        return {unit: entry for unit, entry in state.items() if subscription == 0 or unit != "tr/34"}

    def _snapshot(self) -> dict[str, Any]:
        one, states = self._chance.randrange(len(WANTED)), self.states[self.epoch]
        seq = self._chance.randrange(len(states))
        totals = list(self._among(one, states[seq]).values())
        about = {"contest": "mayor", "source": "aa", "epoch": self.epoch, "seq": seq, "as_of": None}
        return {"type": "snapshot", "id": one, **about, "totals": deepcopy(totals)}

    def _delta(self) -> dict[str, Any]:
        """From anywhere to anywhere: behind the cursor, at it, or beyond it."""
        one, states = self._chance.randrange(len(WANTED)), self.states[self.epoch]
        begins, ends = sorted(self._chance.randrange(len(states)) for _ in range(2))
        after, said = self._among(one, states[ends]), dict[str, frozenset[str]]()
        for earlier, later in pairwise(states[begins : ends + 1]):
            for unit in after.keys() & later.keys():
                if earlier.get(unit) != later[unit]:
                    said[unit] = said.get(unit, frozenset()) | _changed(earlier.get(unit), later[unit])
        totals = [_only(after[unit], names) for unit, names in said.items()]
        return {"type": "delta", "id": one, "from": begins, "seq": ends, "as_of": None, "totals": totals}

    def _feeds(self) -> dict[str, Any]:
        feed = {"state": self._chance.choice(["live", "quiet"]), "last_event": None, "age_s": 3.5}
        moment = "2024-03-31T16:39:19+00:00"
        call = {"contest": "mayor", "unit": "tr/34", "candidate": "a", "by": "A. Kaya", "at": moment}
        playback = {
            "clock": moment,
            "speed": 60.0,
            "status": "playing",
            "first": moment,
            "last": "2024-03-31T19:00:00Z",
        }
        graphic = {"overlay": "duel", "parameters": {"unit": "tr/34"}, "step": self._chance.randrange(2)}
        state: dict[str, Any] = {"type": "state", "seq": 0, "at": moment, "feeds": {"aa": feed}, "embargo": None}
        state |= {
            "embargoed": self._chance.random() < 0.5,
            "hold": ["mayor"],
            "calls": [call][: self._chance.randrange(2)],
            "graphics": {"a": graphic} if self._chance.random() < 0.5 else {},
        }
        return {**state, "replay": playback}


def _changed(before: dict[str, Any] | None, after: dict[str, Any]) -> frozenset[str]:
    """Which fields and candidates changed; of a unit that was not there, all of them."""
    flat = [{**entry, **entry["votes"]} if entry else {} for entry in (before, after)]
    return frozenset(name for name in flat[1] if flat[0].get(name) != flat[1][name])


def _only(entry: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """What a delta says of a unit in which these fields and candidates changed, back and forth perhaps."""
    said = {name: value for name, value in entry.items() if name in names and name != "votes"}
    votes = {name: count for name, count in entry["votes"].items() if name in names}
    return {"unit": entry["unit"], **said, **({"votes": votes} if votes else {})}
