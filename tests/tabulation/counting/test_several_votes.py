"""A contest in which each voter has several votes: its candidates' votes may be more than its valid ballots."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.definition import Contest, Election, Source
from schemas.figures import COUNTS
from schemas.tally import Reported
from tabulation.counting.cells import MAX_BOX_EXCESS, OFFICIALS, doubt_in, odd_in
from tabulation.counting.checkpoint import MARKER_KEY, Checkpoint, Marker, ledger_entry
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.facts import facts_in
from tabulation.figures import UNKNOWN, claim_of, excesses, unheard
from tabulation.view import View
from tests.builders import counted, reported, value_of
from tests.shapes import CANDIDATES, flat

SEATS = 3
"""Votes of each voter."""


@dataclass(frozen=True)
class Stored:
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0


def report(votes: dict[str, int], **changes: Any) -> Reported:
    fields: dict[str, Any] = {"contest": "m", "district": "gb/bath", "source": "pa", "boxes_opened": 1}
    return reported(votes, **(fields | {"valid": 100, "cast": 100, "invalid": 0, "registered": 200} | changes))


def election() -> Election:
    base = flat("bath")
    contest = Contest(id="m", name="Council", candidates=CANDIDATES, votes_per_voter=SEATS)
    sources = (*base.sources, Source(id="pa", name="PA", reports="districts"))
    return Election(**{**dict(base), "contests": (contest,), "sources": sources})


def box(votes: dict[str, int], number: int = 1, **changes: Any) -> Any:
    fields: dict[str, Any] = {"contest": "m", "district": "gb/bath", "box": number, "valid": 100, "cast": 100}
    return counted(votes, **(fields | {"invalid": 0, "registered": 200} | changes))


@given(st.lists(st.integers(0, 100), min_size=3, max_size=3))
def test_no_box_within_its_votes_is_flagged(votes: list[int]) -> None:
    told = box(dict(zip("abc", votes, strict=True)))

    assert (False, False, False) == odd_in(told, SEATS)
    assert (0, False) == doubt_in(told, SEATS)


def test_votes_beyond_those_of_the_voters_are() -> None:
    told = box({"a": 100, "b": 100, "c": 101})

    assert (False, False, True) == odd_in(told, SEATS)
    assert (SEATS, False) == doubt_in(told, SEATS), "one ballot too many holds three votes"
    assert doubt_in(box({"a": 900, "b": 9}), SEATS).is_impossible
    assert MAX_BOX_EXCESS >= doubt_in(box({"a": 900, "b": 9}), SEATS).excess > 900 + OFFICIALS
    assert doubt_in(box({"a": 1}, registered=20_000, cast=100), SEATS).is_impossible
    assert not doubt_in(box({"a": 1}, registered=0), SEATS).is_impossible


def test_claims_count_the_votes_of_the_voters_who_are_left() -> None:
    counts = dict.fromkeys(COUNTS, 0) | {"boxes_opened": 1, "registered": 200, "cast": 100, "valid": 100}
    claim = claim_of(2, 500, counts, {"a": 100, "b": 60}, votes_per_voter=SEATS)

    assert (300 * SEATS, 0, ()) == (claim.possible, claim.unassigned, claim.contradictions)
    beyond = claim_of(2, 500, counts, {"a": 301}, votes_per_voter=SEATS)
    assert (("votes_over_valid",), UNKNOWN) == (beyond.contradictions, beyond.possible)
    assert 500 * SEATS == unheard(election().unit_by_id["gb/bath"].registered, SEATS).possible
    assert () == excesses(2, 500, counts, {"a": 150, "b": 150}, SEATS)
    assert ["votes_over_valid"] == [one.contradiction for one in excesses(2, 500, counts, {"a": 400}, SEATS)]


def partition_of(_key: bytes) -> int:
    return 0


def test_a_night_of_several_votes_has_no_flag_and_survives_a_restart() -> None:
    definition = election()
    tallies = [
        box({"a": 90, "b": 80, "c": 70}),
        box({"a": 50}, 2),
        report({"a": 200, "b": 90}, boxes_opened=2, valid=200, cast=200, registered=400),
    ]
    fold = TallyFold(definition, "tallies", partition_of)
    records = [Stored(offset, b"gb/bath", value_of(tally)) for offset, tally in enumerate(tallies)]
    assert [] == fold.apply(0, records).quarantined

    view = View(definition)
    for offset, ledger in enumerate(fold.ledgers.values()):
        view.apply(offset, ledger.totals(definition.zone))
        assert 0 == ledger.sums.flagged
    for source in ("aa", "pa"):
        figures = view.figures("m", source, "gb")
        assert figures is not None
        facts = facts_in(definition, "m", figures)
        assert (True, (), 0) == (facts.complete, facts.contradictions, facts.votes_unassigned)

    checkpoint = Checkpoint()
    checkpoint.add(
        Stored(offset, entry.key, entry.value)
        for offset, entry in enumerate(ledger_entry(ledger, 0) for ledger in fold.ledgers.values())
    )
    checkpoint.add([Stored(9, MARKER_KEY, Marker(3, 0, {}).entry(0).value)])
    ledgers = checkpoint.ledgers()
    assert ledgers is not None
    assert [SEATS, SEATS] == [ledger.votes_per_voter for ledger in ledgers]
    assert all(fold.could_hold(ledger) for ledger in ledgers)
    single = Election(**{**dict(definition), "contests": (Contest(id="m", name="M", candidates=CANDIDATES),)})
    other = TallyFold(single, "tallies", partition_of)
    assert not any(other.could_hold(ledger) for ledger in ledgers)


def test_a_report_of_several_votes_has_no_flag() -> None:
    assert (False, False, False) == odd_in(report({"a": 90, "b": 80}), SEATS)
