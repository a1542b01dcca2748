"""Tally events: one record among good ones, through both parsers and the fold."""

from collections.abc import Sequence
from typing import Any, Final

from schemas.quarantine import Quarantined
from schemas.tally import (
    MAX_TALLY_BYTES,
    TALLY,
    Counted,
    Malformed,
    Reported,
    Tally,
    Withdrawn,
    encode,
    order_of,
    parse_tallies,
)
from schemas.totals import Cell, parse_totals
from tabulation.counting.tally_fold import TallyFold
from tests.builders import counted, reported, small_election, value_of, with_agency, withdrawn
from tests.consumers.nights import replace
from tests.consumers.oracle import sums
from tests.fuzz.target import Opened, Target, expect, simple
from tests.gateway.nights import Written

ELECTION: Final = with_agency(small_election())
TOPIC: Final = "sandik.night.tallies"
BEFORE: Final = counted(box=1004)
AFTER: Final = counted({"imamoglu": 7, "bagimsiz_1": 1}, box=1005)
AFTER_THAT_BOX: Final = counted({"imamoglu": 7, "bagimsiz_1": 1}, box=1006)
"""What comes behind a record of `AFTER`'s own box: with what that says of it, `AFTER` might be in conflict."""
DISTRICT: Final = BEFORE.district.encode()

CORPUS: Final = (
    *(value_of(counted()), value_of(counted(type="corrected", revision=3, released=2, unattributed=4))),
    *(encode(counted()), encode(counted({}, registered=0, cast=0, valid=0, invalid=0)), encode(withdrawn())),
    *(encode(withdrawn(type="annulled", box=1004)), encode(reported()), encode(reported(type="report_corrected"))),
    encode(counted({"chp": 4}, contest="district_mayor", district="tr/41/gebze", source="anka", box=1020)),
)


def check(data: bytes) -> None:
    """The record is what both parsers say, it changes no neighbour, and it is counted exactly or set aside whole."""
    first, event, last = parse_tallies([encode(BEFORE), data, encode(AFTER)])
    expect((first, last) == (BEFORE, AFTER), "a record changes its neighbours")
    after = AFTER_THAT_BOX if getattr(event, "box", None) == AFTER.box else AFTER
    _check_parsed(data, event)
    key = event.district.encode(errors="surrogatepass") if not isinstance(event, Malformed) else DISTRICT
    fold = TallyFold(ELECTION, TOPIC, lambda _: 0)
    records = [
        Written(0, encode(BEFORE), key=DISTRICT),
        Written(1, data, key=key),
        Written(2, encode(after), key=DISTRICT),
    ]
    outputs = fold.apply(0, records)
    said: list[Tally] = [BEFORE, after]
    if outputs.quarantined:
        check_set_aside(outputs.quarantined, data, key)
    else:
        expect(not isinstance(event, Malformed) and len(data) <= MAX_TALLY_BYTES, "what cannot be read is counted")
        said.insert(1, event)  # type: ignore[arg-type]  # it is no Malformed: see above
    check_totals(fold, said)


def check_set_aside(found: list[Quarantined], data: bytes, key: bytes) -> None:
    """One record was set aside: this one, with its bytes and its position."""
    expect(len(found) == 1, "a record is set aside more than once")
    record = Quarantined.model_validate_json(found[0].encode())
    expect(record == found[0], "a quarantined record does not come back")
    expect((record.position, record.original) == (f"{TOPIC}/0/1".encode(), data), "other bytes are set aside")
    expect(bool(record.detail), "nothing says why")


def check_totals(fold: TallyFold, said: list[Tally]) -> None:
    """The totals are those of the naive oracle, and come back from their bytes."""
    expected = sums(ranked([event for event in said if not isinstance(event, Reported)]))
    for cell, ledger in fold.ledgers.items():
        if ledger.as_of is None:
            continue
        totals = ledger.totals(ELECTION.zone)
        expect(parse_totals(totals.encode()) == totals, "totals do not come back")
        figures: dict[str, Any] = totals.model_dump()
        figures["votes"] = {name: votes for name, votes in totals.votes.items() if votes}
        if cell in expected:
            wrong = {name for name, value in expected[cell].items() if figures[name] != value}
            expect(not wrong, f"{wrong} of {cell} are not the oracle's")
    heard = {cell for cell, ledger in fold.ledgers.items() if ledger.as_of is not None}
    expect({Cell(*key) for key in expected} <= heard, "a cell has no totals")


def ranked(said: Sequence[Counted | Withdrawn]) -> list[Counted | Withdrawn]:
    """The oracle knows revisions alone: what was let out of quarantine is one more of them. Their ranks, in order."""
    orders = sorted({order_of(event.revision, event.released) for event in said})
    ranks = {order: rank for rank, order in enumerate(orders, 1)}
    return [replace(one, revision=ranks[order_of(one.revision, one.released)], released=0) for one in said]


def _check_parsed(data: bytes, event: Tally | Malformed) -> None:
    try:
        contract: Tally | None = TALLY.validate_json(data)
    except ValueError:
        contract = None
    if isinstance(event, Malformed):
        expect(contract is None, "one parser refuses what the other takes")
        expect(bool(event.detail), "nothing says what is wrong")
        return
    expect(contract == event, "the two parsers do not agree")
    (again,) = parse_tallies([encode(event)])
    votes = {} if isinstance(event, Withdrawn) else {name: count for name, count in event.votes.items() if count}
    if not isinstance(event, Withdrawn):
        event = replace(event, votes=votes)  # type: ignore[arg-type]  # of a Reported as well
    expect(again == event, "an event does not come back from its bytes")


TARGET: Final = Target(
    "tally", "tally events through both parsers and the fold", 450, simple(lambda: Opened(CORPUS, check))
)
