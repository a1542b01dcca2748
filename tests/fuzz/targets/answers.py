"""What a gateway sends, as the client library reads it: whatever comes, it goes on, and shows what is good."""

import math
import random
from typing import Final

from eventlog.clock import Manual
from sandik.client.connection import LiveNight, Settings
from sandik.client.subscription import Wanted
from schemas.wire import SERVER_MESSAGE, Hello
from tests.builders import NIGHT
from tests.fuzz.target import Opened, Target, expect, simple

WANTED: Final = Wanted("mayor", "aa", ("tr", "tr/*"))
MAX_DELAY_S: Final = 24 * 3600.0
"""Whoever is told to come back later than that has been sent away."""

_HELLO: Final = (
    '{"type":"hello","protocol":"sandik.v1","run":"night","mode":"live","epoch":"e1e1","seq":4,"heartbeat_s":10.0}'
)
_ENTRY: Final = (
    '{"unit":"tr/34","level":"province","boxes_total":40,"as_of":"2024-03-31T19:00:00+03:00","boxes_opened":4,'
    '"annulled":0,"registered":1200,"cast":900,"valid":880,"invalid":20,"unattributed":0,"flagged":0,'
    '"votes":{"imamoglu":500,"kurum":380},"overridden":["votes.kurum"],"boxes_surplus":0,"complete":false,'
    '"contradictions":[]}'
)
_HEAD: Final = f'"id":"{WANTED.id}","contest":"mayor","source":"aa","epoch":"e1e1"'
_SNAPSHOT: Final = f'{{"type":"snapshot",{_HEAD},"seq":SEQ,"as_of":"2024-03-31T19:00:00+03:00","totals":[{_ENTRY}]}}'
_FEED: Final = '{"state":"live","last_event":"2024-03-31T19:00:00+03:00","age_s":1.5,"set_aside":1}'
_CALL: Final = '{"contest":"mayor","unit":"tr/34","candidate":"kurum","by":"Ayşe","at":"2024-03-31T19:00:00+03:00"}'
_REPLAY: Final = (
    '{"clock":"2024-03-31T19:00:00+03:00","speed":60.0,"status":"playing","first":"2024-03-31T17:00:00+03:00",'
    '"last":"2024-03-31T23:00:00+03:00"}'
)
_STATE: Final = (
    f'{{"type":"state","seq":4,"at":"2024-03-31T19:00:00+03:00","feeds":{{"aa":{_FEED}}},"embargo":null,'
    f'"embargoed":false,"hold":["mayor/tr/34"],"held_in_part":["mayor/tr"],"calls":[{_CALL}],"replay":{_REPLAY}}}'
)
_OF: Final = '"contest":"mayor","source":"aa","unit":"tr/34","seq":5,"as_of":"2024-03-31T19:00:00+03:00"'
TEXTS: Final = (
    _HELLO,
    _SNAPSHOT.replace("SEQ", "4"),
    f'{{"type":"delta","id":"{WANTED.id}","from":4,"seq":5,"as_of":null,"totals":[{{"unit":"tr/34","cast":901}}]}}',
    f'{{"type":"delta","id":"{WANTED.id}","from":9,"seq":10,"as_of":null,"totals":[]}}',
    _STATE,
    f'{{"type":"event","event":"leader_changed",{_OF},"candidate":"kurum","before":"imamoglu"}}',
    f'{{"type":"event","event":"milestone",{_OF},"percent":50}}',
    f'{{"type":"unsubscribed","id":"{WANTED.id}"}}',
    '{"type":"error","code":"too_fast","message":"Slower.","id":"s1"}',
    '{"type":"goodbye","code":1012,"retry_after_s":2.5}',
)
GOOD: Final = _SNAPSHOT.replace("SEQ", str(2**53 - 1))


def check(data: bytes) -> None:
    """The night takes the message or leaves it; what is good behind it is shown, and there is a time to come back."""
    clock = Manual(NIGHT)
    night = LiveNight("ws://gateway:1", token=None, clock=clock, random=random.Random(1).random, settings=Settings())
    night.subscribe(WANTED)
    night.connecting()
    night.opened()
    for text in (_HELLO, TEXTS[1], data.decode(errors="replace"), data):
        night._read(text)
    _look(night)
    night.hold()
    night._read(data)
    night.release()
    clock.advance(5)
    _look(night)
    for text in (_HELLO, GOOD):
        night._read(text)
    found = night.newest("mayor", "aa", "tr/34")
    expect(found is not None and found.votes == {"imamoglu": 500, "kurum": 380}, "a good snapshot is not shown")
    night._read(data)
    delay_s = night.lose(1012)
    expect(delay_s is not None and 0 <= delay_s <= MAX_DELAY_S, f"it comes back after {delay_s} s")
    _round_trip(data)


def _look(night: LiveNight) -> None:
    for feed in night.feeds.values():
        repr(feed)
    patience_s = night.patience_s
    sound = patience_s is None or (math.isfinite(patience_s) and 0 < patience_s <= MAX_DELAY_S)
    expect(sound, f"it waits {patience_s} s for a sign of life")
    shown = night.calls, night.replay, night.held, night.held_in_part, night.embargo, night.entry("mayor", "aa", "tr")
    repr(shown)


def _round_trip(data: bytes) -> None:
    try:
        message = SERVER_MESSAGE.validate_json(data)
    except ValueError:
        return
    again = SERVER_MESSAGE.validate_json(message.model_dump_json(by_alias=True))
    expect(again == message or isinstance(message, Hello), "a message does not come back")


TARGET: Final = Target(
    "answers",
    "messages of a gateway, as the client library reads them",
    120,
    simple(lambda: Opened(tuple(text.encode() for text in TEXTS), check)),
)
