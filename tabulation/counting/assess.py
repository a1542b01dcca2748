"""What a statement that was set aside comes to by what stands, and whether letting it out would count. Pure.

The ledgers decide both: a statement is compared with the one that stands about the same box or district, and the event
that letting it out would publish is tried on them.
"""

from collections.abc import Mapping
from typing import Final, cast

from schemas.errors import UsageError
from schemas.figures import REPORTED
from schemas.quarantine import MENDABLE, Assessment, Quarantined, Verdict, mended
from schemas.set_aside import SetAside
from schemas.tally import RELEASED_BITS, Counted, Reported, Tally, Withdrawn, order_of
from tabulation.counting.box_ledger import BoxLedger
from tabulation.counting.cell_rules import Refusal
from tabulation.counting.report_ledger import ReportLedger
from tabulation.counting.tally_fold import Ledger, TallyFold

_COUNTS_THEN: Final = frozenset({"counted", "overturned"})
"""Outcomes of a tally that stands from then on."""


def assess(found: SetAside, record: Quarantined | None, fold: TallyFold) -> Assessment:
    """What a statement comes to now. `record` is its record, or `None` where that is not at hand."""
    ledger = fold.ledgers.get(found.cell)
    order = _standing_order(ledger, found)
    verdict = _verdict(ledger, found, order)
    revision, released = (order or 0) >> RELEASED_BITS, (order or 0) & ((1 << RELEASED_BITS) - 1)
    stands = f"revision {revision} of {f'box {found.box}' if found.box else found.cell.district} stands"
    refusal = None
    if verdict == "counted":
        refusal = f"{stands}, and it says the same"
    elif record is not None and record.reason in MENDABLE:
        refusal = _refusal(fold, record, released if revision == found.revision else 0, stands)
    return Assessment(position=found.position, verdict=verdict, revision=revision, released=released, refusal=refusal)


def _standing_order(ledger: Ledger | None, found: SetAside) -> int | None:
    """The order of what stands about the same thing; 0 where nothing does, `None` where no two can be compared."""
    if ledger is None:
        return 0
    if isinstance(ledger, ReportLedger):
        return ledger.order if found.box is None and found.revision is not None else None
    if found.box is None or found.revision is None:
        return None
    return ledger.packing.order(ledger.heard().get(found.box, 0))


def _verdict(ledger: Ledger | None, found: SetAside, order: int | None) -> Verdict:
    if ledger is None or order == 0:
        return "newer"
    if order is None or found.revision is None:  # nothing but the time tells which one is the newer
        is_older = found.at is not None and ledger.as_of is not None and found.at <= ledger.as_of
        return "superseded" if is_older else "newer"
    if found.event is not None and _says_the_same(ledger, found.event):
        return "counted"
    own = order_of(found.revision, found.event.released if found.event is not None else 0)
    if own == order:
        return "contradicts"
    return "newer" if own > order else "superseded"


def _says_the_same(ledger: Ledger, event: Tally) -> bool:
    """Whether what stands has the same counts, whoever said it when. The event is of the ledger's kind."""
    if isinstance(ledger, BoxLedger):
        return _is_same_box(ledger, cast("Counted | Withdrawn", event))
    report, sums = cast("Reported", event), ledger.sums
    same_votes = _with_votes(report.votes) == _with_votes(sums.votes)
    return same_votes and all(getattr(report, name) == getattr(sums, name) for name in REPORTED)


def _is_same_box(ledger: BoxLedger, event: Counted | Withdrawn) -> bool:
    packing = ledger.packing
    if isinstance(event, Counted) and not _with_votes(event.votes).keys() <= set(packing.candidates):
        return False
    return not (packing.of(event) ^ ledger.heard().get(event.box, 0)) & packing.counts_mask


def _with_votes(votes: Mapping[str, int]) -> dict[str, int]:
    """Those who have any: who is not named has none."""
    return {name: count for name, count in votes.items() if count}


def _refusal(fold: TallyFold, record: Quarantined, earlier: int, stands: str) -> str | None:
    """Why letting the record out, after so many `earlier` ones, would change nothing; `None` where it would count."""
    try:
        outcome = fold.outcome_of(mended(record, earlier))
    except UsageError as error:
        return str(error)
    if isinstance(outcome, Refusal):
        return outcome.detail
    if outcome in _COUNTS_THEN:
        return None
    if outcome == "conflict":
        return f"{stands} with other counts, so it would be set aside again"
    if outcome == "backwards":
        return f"{stands} with more boxes opened, so it would be set aside again"
    return stands
