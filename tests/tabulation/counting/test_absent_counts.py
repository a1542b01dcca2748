"""Counts that a source does not give, and blank votes apart from invalid ones: known sums are right, others unknown."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.comparison import Pair
from schemas.definition import Contest, Election, Source
from schemas.errors import DefinitionError
from schemas.figures import ABSENT_COUNTS, COUNTS, EVERYWHERE, STATED, Given
from schemas.quarantine import quarantined, set_aside_in
from schemas.tally import Counted, Reported, Tally, encode, parse_tallies
from schemas.totals import Cell, HashedFigures, digest_of
from tabulation.counting.cells import Content, doubt_in, filled, odd_in
from tabulation.counting.checkpoint import MARKER_KEY, Checkpoint, Marker, ledger_entry
from tabulation.counting.comparisons import compare
from tabulation.counting.quarantine import assess
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.facts import facts_in
from tabulation.figures import UNKNOWN, claim_of, excesses
from tabulation.view import View
from tests.builders import counted, reported, value_of
from tests.shapes import CANDIDATES, flat

UNIT = "gb/bath"


@dataclass(frozen=True)
class Stored:
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0


def election(absent: Any = (), *, blank: bool = False) -> Election:
    """Sources `aa` and `pa`, which reports districts, do not give what is absent; `whole` gives every count."""
    contest = Contest(id="m", name="M", candidates=CANDIDATES, blank=blank)
    sources = (
        Source(id="aa", name="AA", absent=absent),
        Source(id="whole", name="Whole"),
        Source(id="pa", name="PA", reports="districts", absent=absent),
    )
    base = flat("bath")
    wide = {"registered": 4_000, "boxes": ((1, 10),)}
    units = tuple(unit.model_copy(update=wide) if unit.id == UNIT else unit for unit in base.units)
    return Election(**{**dict(base), "contests": (contest,), "sources": sources, "units": units})


def box(number: int, votes: dict[str, int], absent: Any = (), *, source: Any = "aa", **counts: Any) -> Counted:
    """A box that adds up, and is silent on what is absent."""
    valid = sum(votes.values())
    told = {"registered": 400, "valid": valid, "invalid": 3, "cast": valid + 3 + (counts.get("blank") or 0)} | counts
    told |= dict.fromkeys(absent)
    return counted(votes, contest="m", district=UNIT, box=number, source=source, **told)


def partition_of(_key: bytes) -> int:
    return 0


def folded(definition: Election, *tallies: Tally) -> TallyFold:
    fold = TallyFold(definition, "tallies", partition_of)
    records = [Stored(place, UNIT.encode(), value_of(tally)) for place, tally in enumerate(tallies)]
    quarantined = fold.apply(0, records).quarantined
    assert [] == [(one.reason, one.detail) for one in quarantined]
    return fold


def view_of(definition: Election, fold: TallyFold) -> View:
    view = View(definition)
    for offset, ledger in enumerate(fold.ledgers.values()):
        view.apply(offset, ledger.totals(definition.zone))
    return view


ABSENT = st.sets(st.sampled_from(ABSENT_COUNTS)).map(lambda names: tuple(sorted(names)))
BOX = st.tuples(st.integers(0, 150), st.integers(0, 150), st.integers(0, 40))


@given(ABSENT, st.booleans(), st.lists(BOX, min_size=1, max_size=8))
def test_known_counts_are_the_naive_sums_and_the_others_are_nowhere(
    absent: tuple[str, ...],
    blank: bool,
    boxes: list[tuple[int, int, int]],
) -> None:
    definition = election(absent, blank=blank)
    tallies = [
        box(number, {"a": a, "b": b}, absent, **({"blank": None if "blank" in absent else left} if blank else {}))
        for number, (a, b, left) in enumerate(boxes, 1)
    ]
    expected: Counter[str] = Counter()
    for tally in tallies:
        expected.update({name: count for name in STATED if (count := getattr(tally, name)) is not None})

    view = view_of(definition, folded(definition, *tallies))

    for unit in (UNIT, "gb"):
        figures = view.figures("m", "aa", unit)
        assert figures is not None
        known = {name for name in EVERYWHERE if name not in absent} | ({"blank"} if blank else set()) - set(absent)
        assert known == figures.counts.keys()
        assert {name: expected[name] for name in STATED if name in known} == {
            name: figures.counts[name] for name in STATED if name in known
        }
        assert 0 == figures.counts["flagged"], "nothing that is not given is odd"
        row, (wire,) = figures.row("m", "aa"), view.changed_since("m", "aa", [unit], 0)
        assert dict.fromkeys(absent) == {name: getattr(row, name) for name in absent}
        assert not set(absent) & wire.keys()
        assert () == figures.claims.contradictions


@given(ABSENT, st.booleans(), BOX)
def test_what_is_filled_in_contradicts_nothing_and_leaves_what_is_given(
    absent: tuple[str, ...],
    blank: bool,
    figures: tuple[int, int, int],
) -> None:
    left = figures[2] if blank else 0
    counts = {
        "registered": 400,
        "cast": sum(figures[:2]) + 3 + left,
        "valid": sum(figures[:2]),
        "invalid": 3,
        "blank": left,
    }
    told = Content(**dict.fromkeys(STATED, 0) | counts, votes=dict(zip("ab", figures, strict=False)))

    whole = filled(told, absent)

    assert (False, False, False) == odd_in(whole)
    assert (0, False) == doubt_in(whole)
    assert all(getattr(whole, name) == getattr(told, name) for name in STATED if name not in absent)
    four = {"cast", "valid", "invalid", "blank"}
    if len(four & set(absent)) == 1:
        assert all(getattr(whole, name) == getattr(told, name) for name in four), "any three give the fourth"


def test_where_nobody_knows_the_voters_of_opened_boxes_all_of_the_roll_may_vote_in_the_others() -> None:
    counts = {"boxes_opened": 9, "cast": 900, "valid": 900, "invalid": 0, "unattributed": 0}
    votes = {"a": 800, "b": 100}

    assert 1_000 == claim_of(10, 1_000, counts, votes, absent=("registered",)).possible
    assert UNKNOWN == claim_of(10, None, counts, votes, absent=("registered",)).possible
    done = claim_of(10, 1_000, counts | {"boxes_opened": 10}, votes, absent=("registered",))
    assert (0, True, ()) == (done.possible, done.complete, done.contradictions)
    assert ("cast_over_roll",) == claim_of(10, 500, counts, votes, absent=("registered",)).contradictions
    assert ["cast_over_roll"] == [one.contradiction for one in excesses(10, 500, counts, votes, 1, ("registered",))]


def test_votes_in_opened_boxes_that_may_still_go_to_anybody_follow_from_what_is_given() -> None:
    counts = {"boxes_opened": 10, "registered": 1_000, "cast": 900, "valid": 850, "invalid": 20, "unattributed": 5}
    votes = {"a": 700, "b": 100}

    def unassigned(*absent: Any) -> int:
        given = {name: count for name, count in counts.items() if name not in absent}
        return claim_of(10, 1_000, given, votes, absent=absent).unassigned

    assert 80 == unassigned(), "cast, less the invalid and those of candidates"
    assert 50 == unassigned("invalid"), "the valid ones are told"
    assert 80 == unassigned("valid")
    assert 50 == unassigned("cast")
    assert 100 == unassigned("valid", "invalid"), "every ballot cast may be valid"
    assert 5 == unassigned("valid", "invalid", "cast")
    assert 60 == claim_of(10, 1_000, {**counts, "blank": 20}, votes).unassigned, "blank votes are nobody's"


def test_turnout_and_nothing_else_is_unknown_where_the_voters_are() -> None:
    definition = election(("registered",))
    figures = view_of(definition, folded(definition, box(1, {"a": 200, "b": 100}, ("registered",)))).figures(
        "m", "aa", "gb"
    )
    assert figures is not None

    facts = facts_in(definition, "m", figures)

    assert (303, None, None) == facts.turnout
    assert [6_667, 3_333] == [place.valid_share_bp for place in facts.ranking if place.votes]


def test_shares_are_of_the_votes_of_candidates_where_nobody_tells_the_valid_ones() -> None:
    absent = ("registered", "cast", "valid", "invalid")
    definition = election(absent)
    figures = view_of(definition, folded(definition, box(1, {"a": 300, "b": 100}, absent))).figures("m", "aa", "gb")
    assert figures is not None

    facts = facts_in(definition, "m", figures)

    assert [7_500, 2_500] == [place.valid_share_bp for place in facts.ranking if place.votes]
    assert 5_000 == facts.margin_bp


def refused(definition: Election, tally: Tally) -> list[tuple[str, str]]:
    records = [Stored(0, UNIT.encode(), value_of(tally))]
    fold = TallyFold(definition, "tallies", partition_of)
    return [(one.reason, one.detail) for one in fold.apply(0, records).quarantined]


def test_a_count_that_a_source_has_to_give_is_missing() -> None:
    silent = box(1, {"a": 1}, ("registered",))

    assert [("malformed", "registered: Field required")] == refused(election(), silent)
    assert [("malformed", "blank: Field required")] == refused(election(blank=True), box(1, {"a": 1}))
    assert [] == refused(election(("registered",)), silent)


def test_a_count_that_a_source_does_not_give_by_the_definition_is_no_count() -> None:
    (refusal,) = refused(election(("cast",)), box(1, {"a": 1}))

    assert ("wrong_kind", "cast: by the definition (absent) aa does not give it") == refusal


def test_blank_votes_of_a_contest_that_does_not_count_them_apart_are_ignored_as_ever() -> None:
    definition = election()
    first, second = (folded(definition, box(1, {"a": 5}, cast=8, **more)) for more in ({}, {"blank": 4}))

    cell = Cell("m", "aa", UNIT)
    assert first.ledgers[cell].totals(definition.zone) == second.ledgers[cell].totals(definition.zone)


@pytest.mark.parametrize("source", ["aa", "pa"])
def test_a_checkpoint_keeps_blank_votes_and_what_is_not_given(source: str) -> None:
    definition = election(("invalid",), blank=True)
    tally: Tally = box(1, {"a": 200}, ("invalid",), blank=7)
    if source == "pa":
        report = {"contest": "m", "district": UNIT, "source": "pa", "boxes_opened": 2, "blank": 7, "invalid": None}
        tally = reported({"a": 200}, registered=400, cast=210, valid=200, **report)
    fold = folded(definition, tally)
    ((cell, ledger),) = fold.ledgers.items()
    kept = ledger_entry(ledger, 0)
    checkpoint = Checkpoint()
    checkpoint.add([Stored(0, kept.key, kept.value), Stored(1, MARKER_KEY, Marker(3, 0, {}).entry(0).value)])

    (restored,) = checkpoint.ledgers() or []

    assert ledger.totals(definition.zone) == restored.totals(definition.zone)
    assert 7 == restored.totals(definition.zone).blank
    assert Given(("invalid",), blank=True) == restored.given
    assert fold.could_hold(restored)
    assert not TallyFold(election(blank=True), "tallies", partition_of).could_hold(restored)
    assert cell == restored.cell


def test_the_state_covers_blank_votes_and_without_any_is_what_it_was() -> None:
    definition = election(blank=True)
    empty, some = (folded(definition, box(1, {"a": 9}, cast=12 + left, blank=left)) for left in (0, 4))
    cell = Cell("m", "aa", UNIT)
    plain = folded(election(), box(1, {"a": 9})).ledgers[cell]

    assert plain.figures() == empty.ledgers[cell].figures()
    assert plain.figures() != some.ledgers[cell].figures()
    totals = some.ledgers[cell].totals(definition.zone)
    assert HashedFigures.of(totals, totals.votes) == some.ledgers[cell].figures()
    assert digest_of(totals) != digest_of(totals.model_copy(update={"blank": 5}))
    assert b"blank" in totals.encode()
    assert b"blank" not in plain.totals(definition.zone).encode()


def test_two_sources_are_compared_by_what_both_give() -> None:
    absent = ("registered", "cast")
    definition = election(absent)
    same, other = {"a": 200, "b": 90}, {"a": 200, "b": 91}
    fold = folded(
        definition,
        *(box(number, votes, absent) for number, votes in ((1, same), (2, same))),
        *(box(number, votes, source="whole") for number, votes in ((1, same), (2, other))),
    )
    a, b = (fold.ledgers[Cell("m", source, UNIT)] for source in ("aa", "whole"))

    found = compare(Pair("m", UNIT, "aa", "whole"), a, b)  # type: ignore[arg-type]  # both are of boxes

    assert 1 == found.differing
    assert [2] == [one.box for one in found.apart]


def test_what_is_absent_of_a_contest_that_is_not_there_is_told() -> None:
    with pytest.raises(DefinitionError, match="is about contest 'x', which is not there"):
        election({"x": ("cast",)})
    with pytest.raises(DefinitionError, match="counts no blank votes apart"):
        election({"m": ("blank",)})
    assert ("cast",) == election({"m": ("cast",)}).given("m", "aa").absent
    assert () == election({"m": ("cast",)}).given("m", "whole").absent
    with pytest.raises(DefinitionError, match="is there twice"):
        election(("cast", "cast"))


def test_a_report_is_silent_as_a_box_is() -> None:
    definition = election(("invalid",))
    told = reported({"a": 5}, contest="m", district=UNIT, source="pa", boxes_opened=1, valid=5, invalid=None)
    (read,) = parse_tallies([value_of(told)])

    assert isinstance(read, Reported)
    assert told == read
    figures = view_of(definition, folded(definition, told)).figures("m", "pa", "gb")
    assert figures is not None
    assert "invalid" not in figures.counts
    assert set(COUNTS) - {"invalid", "blank"} == figures.counts.keys()


def test_what_was_set_aside_for_a_count_that_is_missing_contradicts_what_stands() -> None:
    """It cannot say the same: what stands has a count that it is silent on."""
    fold = folded(election(), box(1, {"a": 200}))
    silent = encode(box(1, {"a": 200}, ("invalid",)))
    record = quarantined("malformed", "a test", topic="t", partition=0, offset=1, key=UNIT.encode(), value=silent)
    found = set_aside_in(record)
    assert found is not None
    assert found.event is not None
    assert "contradicts" == assess(found, record, fold).verdict
