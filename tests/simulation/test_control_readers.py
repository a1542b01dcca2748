"""Whoever reads a control topic decides alike: who looks the run up, an aggregator, a gateway, and the audit.

Two of them that differ are a fault whatever is right: who goes on by the one begins anew for ever by the other.
"""

import asyncio
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from consumers.order_relay import OrderRelay
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, RunTopics, find_run
from eventlog.sqlite.log import SqliteLog
from sandik.orders import read_verdicts
from schemas.amendments import BoxesAdded, amended
from schemas.control import DefinitionAmended, EmbargoSet, EpochBegun, Held, Mode, RunCreated, RunRestored
from schemas.errors import SandikError
from schemas.trust import OrderSigner, Verdict, encode_order
from tabulation.orders.control import Control
from tests.builders import NIGHT, small_election
from tests.eventlog.reading import read_to_end
from tests.schemas.orders import new_signer, order

ELECTION: Final = small_election()
OURS, STRANGER = new_signer(), new_signer()
SIGNERS: Final[tuple[OrderSigner | None, ...]] = (OURS, OURS, STRANGER, None)

SPELLINGS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    *[lambda value: value] * 4,
    lambda value: re.sub(rb'"type":"(.)', lambda found: b'"type":"\\u%04x' % ord(found[1]), value),
    lambda value: value.replace(b'"type"', rb'"typ\u0065"'),
    lambda value: b'{"type":"held",' + value[1:],
    lambda value: value[:-1] + b',"type":"held"}',
    lambda value: re.sub(rb'"type":"\w+",', b"", value),
    lambda value: value[:-1] + b',"more":NaN}',
    lambda value: value[:-1] + b',"more":"definition_amended"}',
    lambda value: value[:-1] + b',"more":"epoch_begun"}',
    lambda value: value + b" ",
    lambda value: value + b"x",
)
"""What may become of a record on its way: some of them say the same to one reader of JSON, and nothing to another."""

Pick = Callable[[Sequence[Any]], Any]
"""Takes one of several."""


class Topic:
    """A control topic as it is written, by writers of whom each knows what those before have written."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.records = [RunCreated(run="night", mode=mode, epoch="e1e1", at=NIGHT, definition=ELECTION).encode()]
        self._epoch, self._take = "e1e1", 0
        self._definition, self._version = ELECTION, 1
        self._ids = ["order-of-old"]

    def write(self, pick: Pick) -> None:
        """Write one more record."""
        kinds = (self._held, self._embargoed, self._amended, self._amended, self._begun, self._restored, self._created)
        made = pick(kinds)(pick)
        self.records.append(pick(SPELLINGS)(made))

    def _order(self, pick: Pick, kind: type, **fields: Any) -> bytes:
        """An order for this epoch or for an earlier one, once in a while with the id of another, signed or not."""
        found = order(kind, epoch=pick((self._epoch, self._epoch, "e1e1")), **fields)
        if not pick(range(6)):
            found = found.model_copy(update={"id": pick(self._ids)})
        self._ids.append(found.id)
        return encode_order(found, pick(SIGNERS))

    def _held(self, pick: Pick) -> bytes:
        return self._order(pick, Held, contest="mayor")

    def _embargoed(self, pick: Pick) -> bytes:
        return self._order(pick, EmbargoSet, until=None)

    def _amended(self, pick: Pick) -> bytes:
        boxes = ((900 + self._version, 900 + self._version),)
        changes = (BoxesAdded(kind="boxes_added", unit="tr/34/uskudar", boxes=boxes),)
        before, after = self._definition, amended(self._definition, changes)
        said = {"version": self._version + 1, "amends": before.digest, "yields": after.digest, "changes": changes}
        if pick(range(5)):  # else somebody else amends the same
            self._definition, self._version = after, self._version + 1
        return self._order(pick, DefinitionAmended, **said)

    def _begun(self, pick: Pick) -> bytes:
        """The take that follows, or one before its turn."""
        take = self._take + 1 + (not pick(range(5)))
        epoch = f"e{len(self.records):03}"
        if take == self._take + 1:
            self._epoch, self._take, self._definition, self._version = epoch, take, ELECTION, 1
        return EpochBegun(run="night", epoch=epoch, take=take, at=NIGHT).encode()

    def _restored(self, _: object) -> bytes:
        return RunRestored(run="night", epoch=self._epoch, incarnation="0123abcd", at=NIGHT).encode()

    def _created(self, _: object) -> bytes:
        return RunCreated(run="night", mode=self.mode, epoch="e7e7", at=NIGHT, definition=ELECTION).encode()


async def _told(log: EventLog, run: Run) -> tuple[dict[int, Verdict], dict[int, Verdict]]:
    """By offset the verdicts of a gateway and of the audit; a gateway and an aggregator that begin now go on."""
    keys = (OURS.public,)
    control = Control(run, keys)
    folded = [control.fold(record) for record in (await read_to_end(log, run.topics.control.name))[0]]
    assert (False, False) == (control.amended, control.take_ended)
    async with OrderRelay(log, run, Wall(), keys) as relay:
        await relay.take_over(frozenset())
        assert (False, False) == (relay.amended, relay.take_ended)
    verdicts = await read_verdicts(log, run, keys)
    return {one.offset: one for one in folded if one is not None}, {one.offset: one for one in verdicts}


async def _check(folder: Path, topic: Topic) -> None:
    topics = RunTopics("night", 1)
    async with SqliteLog(folder / "log.db", Wall()) as log:
        await log.create(topics.all())
        await log.append(topics.control.name, [Entry(b"order", record) for record in topic.records])
        try:
            run = await find_run(log, "night", (OURS.public,))
        except SandikError as error:  # all of them are told so
            event(type(error).__name__)
            assume(False)
        event(f"{topic.mode}, take {min(run.topics.take, 2)}, version {min(run.version, 3)}")
        of_gateway, of_audit = await _told(log, run)
    assert of_gateway.keys() == of_audit.keys()
    for offset, verdict in of_gateway.items():
        if verdict.order is not None and verdict.order.epoch == run.epoch:
            audited = of_audit[offset]
            assert (verdict.counts, verdict.kept) == (audited.counts, audited.kept), (verdict, audited)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(mode=st.sampled_from(["live", "test", "replay", "replay"]), length=st.integers(1, 9), data=st.data())
def test_whoever_reads_a_control_topic_decides_alike(mode: Mode, length: int, data: st.DataObject) -> None:
    topic = Topic(mode)
    for _ in range(length):
        topic.write(lambda several: data.draw(st.sampled_from(several)))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_check(Path(folder), topic))
