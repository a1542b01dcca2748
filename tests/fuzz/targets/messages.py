"""What clients send: text messages, as a gateway's session takes them, before the run is there and after."""

from typing import Final

import orjson

from eventlog.clock import Manual
from gateway.admission.access import PUBLIC
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.wire import CLIENT_MESSAGE, SERVER_MESSAGE, CloseCode
from tests.fuzz.clients import Ear, payloads
from tests.fuzz.target import Opened, Target, expect, simple
from tests.fuzz.targets.totals import ASK, GOOD, NOW, NOW_MS, RUN
from tests.gateway.nights import Written

_SUBSCRIBE: Final = {"type": "subscribe", "id": "s2", "contest": "mayor", "units": ["tr", "tr/34/*"], "source": "aa"}
CORPUS: Final = tuple(
    orjson.dumps(message)
    for message in (
        _SUBSCRIBE,
        {**_SUBSCRIBE, "id": "s1", "since": {"epoch": "e1e1", "seq": 0}},
        {**_SUBSCRIBE, "since": {"epoch": "e1e1", "seq": 1}, "max_rate_hz": 2.5},
        {**_SUBSCRIBE, "contest": "council", "source": "anka", "units": ["tr/06/cankaya"], "max_rate_hz": 100},
        {"type": "unsubscribe", "id": "s1"},
        {"type": "unsubscribe", "id": "s9"},
    )
)
GOOD_ASK: Final = ASK.decode().replace('"s1"', '"the-good-one"')


def check(data: bytes) -> None:
    """The answers are documented, and the good subscription behind it is served."""
    text = data.decode(errors="replace")  # what is no UTF-8 never gets this far
    gateway = Gateway("night", clock=Manual(NOW), settings=GatewaySettings())
    waiting, open_ = Ear(), Ear()
    gateway.begin(RUN)
    gateway.fold([Written(0, GOOD.encode(), NOW_MS, GOOD.cell.key())])
    gateway.broadcaster.connect(waiting, PUBLIC)
    gateway.broadcaster.receive(waiting, text)
    gateway.caught_up()
    gateway.broadcaster.connect(open_, PUBLIC)
    gateway.broadcaster.receive(open_, text)
    gateway.broadcaster.receive(open_, text)
    gateway.turn()
    for ear in (waiting, open_):
        gateway.broadcaster.receive(ear, GOOD_ASK)
    gateway.turn()
    for ear in (waiting, open_):
        told = [SERVER_MESSAGE.validate_json(payload) for payload in payloads(ear.written)]
        expect(ear.code is None or ear.code in set(CloseCode), "it is closed with another code than documented")
        served = any(one.type == "snapshot" and one.id == "the-good-one" for one in told)
        expect(served, "a good subscription behind it is not served")
        gateway.broadcaster.disconnect(ear)
    expect(gateway.reading().connections == 0, "a client is left behind")
    try:
        message = CLIENT_MESSAGE.validate_json(text)
    except ValueError:
        return
    expect(CLIENT_MESSAGE.validate_json(message.model_dump_json()) == message, "a message does not come back")


TARGET: Final = Target("messages", "messages of clients", 40, simple(lambda: Opened(CORPUS, check)))
