"""Claims against an oracle that counts on: every box that is still closed, to whoever it would help."""

from datetime import date
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.figures import COUNTS
from tabulation.figures import (
    CONTRADICTIONS,
    UNKNOWN,
    Claim,
    Claims,
    Excess,
    Shift,
    claim_of,
    claims_before_counting,
    excesses,
    unheard,
)

NAMES = ("a", "b", "c")


def names(*ids: str) -> tuple[Candidate, ...]:
    return tuple(Candidate(id=one, name=one.upper()) for one in ids)


class Box(NamedTuple):
    """A closed box: its voters, and what they will have done."""

    voters: int
    votes: dict[str, int]
    withheld: int
    """Valid votes that the source does not give to a candidate, or not even names."""


class District(NamedTuple):
    """A district, its boxes, and how many of them are opened."""

    unit: Unit
    ballot: tuple[str, ...]
    boxes: list[Box]
    opened: int
    is_attributed: bool

    @property
    def counts(self) -> dict[str, int]:
        seen = self.boxes[: self.opened]
        withheld = sum(box.withheld for box in seen)
        valid = sum(self.votes.values()) + withheld
        return dict.fromkeys(COUNTS, 0) | {
            "boxes_opened": self.opened,
            "registered": sum(box.voters for box in seen),
            "cast": valid,
            "valid": valid,
            "unattributed": withheld if self.is_attributed else 0,
        }

    @property
    def votes(self) -> dict[str, int]:
        return {name: sum(box.votes.get(name, 0) for box in self.boxes[: self.opened]) for name in self.ballot}

    @property
    def claim(self) -> Claim:
        return claim_of(self.unit.boxes_total, self.unit.registered, self.counts, self.votes)


class Night(NamedTuple):
    """A night of one province above some districts."""

    election: Election
    districts: list[District]

    def claims(self) -> Claims:
        """The province's claims, after every district has told of its figures."""
        claims = claims_before_counting(self.election, "m", "tr/1")
        for district in self.districts:
            if district.opened:
                claims.shift(Shift.between(unheard(district.unit.registered), district.claim), district.ballot)
        return claims

    def votes(self) -> dict[str, int]:
        """The province's votes: of everybody on the ballot of a district that has reported."""
        seen = [district for district in self.districts if district.opened]
        found = {name for district in seen for name in district.ballot}
        return {name: sum(district.votes.get(name, 0) for district in seen) for name in sorted(found)}

    def most(self, candidate: str) -> int | None:
        """The most votes that a candidate can get from now on; `None` where there is no telling."""
        most = 0
        for district in self.districts:
            if candidate not in district.ballot:
                continue
            if district.opened < district.unit.boxes_total or not district.unit.boxes_total:
                if district.unit.registered is None:
                    return None
                most += sum(box.voters for box in district.boxes[district.opened :])
            most += sum(box.withheld for box in district.boxes[: district.opened])
        return most


@st.composite
def boxes(draw: st.DrawFn, ballot: tuple[str, ...]) -> Box:
    """A box of 100 to 400 voters, of whom some vote."""
    voters = draw(st.integers(100, 400))
    parts = [draw(st.integers(0, voters // (len(ballot) + 1))) for _ in ballot]
    withheld = draw(st.integers(0, 3) | st.integers(0, voters // (len(ballot) + 1)))
    return Box(voters, dict(zip(ballot, parts, strict=True)), withheld)


@st.composite
def nights(draw: st.DrawFn) -> Night:
    """A night whose figures contradict nothing: rolls and boxes known or not, ballots in common or of their own."""
    districts: list[District] = []
    for number in range(draw(st.integers(1, 4))):
        ballot = draw(st.sampled_from([NAMES, NAMES, ("a",), ("a", "b"), ("b", "c")]))
        held = draw(st.lists(boxes(ballot), min_size=1, max_size=5))
        is_known, has_roll = draw(st.integers(0, 5)) > 0, draw(st.integers(0, 5)) > 0
        unit = Unit(
            id=f"tr/1/{number}",
            level="district",
            name=str(number),
            parent="tr/1",
            registered=sum(box.voters for box in held) if has_roll else None,
            boxes=((1, len(held)),) if is_known else (),
        )
        opened = draw(st.integers(0, len(held)) | st.just(len(held))) if is_known else 0
        districts.append(District(unit, ballot, held, opened, draw(st.booleans())))
    is_common = draw(st.booleans())
    if is_common:
        districts = [
            one._replace(ballot=NAMES, boxes=[Box(v, dict.fromkeys(NAMES, 0) | votes, w) for v, votes, w in one.boxes])
            for one in districts
        ]
    ballots = {} if is_common else {one.unit.id: names(*one.ballot) for one in districts}
    return Night(election([one.unit for one in districts], ballots), districts)


def election(districts: list[Unit], ballots: dict[str, tuple[Candidate, ...]] | None = None) -> Election:
    """A country of one province, with these districts."""
    return Election(
        id="e",
        name="E",
        date=date(2024, 3, 31),
        parties=(),
        sources=(Source(id="aa", name="AA"),),
        contests=(Contest(id="m", name="M", candidates=names(*NAMES), ballots=ballots or {}),),
        units=(
            Unit(id="tr", level="country", name="T"),
            Unit(id="tr/1", level="province", name="P", parent="tr"),
            *districts,
        ),
    )


@given(nights())
def test_a_lead_is_safe_exactly_when_no_completion_of_the_night_makes_anybody_equal(night: Night) -> None:
    votes, claims = night.votes(), night.claims()
    everybody = {name for district in night.districts for name in district.ballot}
    for leader in votes:
        others = [(votes.get(other, 0), night.most(other)) for other in everybody - {leader}]
        expected = votes[leader] > 0 and all(
            most is not None and votes[leader] > so_far + most for so_far, most in others
        )
        assert expected == claims.cannot_be_overtaken(votes, leader)


@given(nights())
def test_a_unit_is_complete_exactly_when_every_district_is(night: Night) -> None:
    expected = all(one.unit.boxes_total and one.opened == one.unit.boxes_total for one in night.districts)
    assert expected == night.claims().complete


@given(nights())
def test_votes_possible_are_the_voters_of_the_closed_boxes_where_every_district_says_how_many(night: Night) -> None:
    open_rolls = [one for one in night.districts if not one.unit.boxes_total or one.opened < one.unit.boxes_total]
    expected = sum(box.voters for one in open_rolls for box in one.boxes[one.opened :])
    if any(one.unit.registered is None for one in open_rolls):
        assert night.claims().possible is None
    else:
        assert expected == night.claims().possible


@given(nights(), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5))))
def test_claims_do_not_depend_on_the_way_there(night: Night, steps: list[tuple[int, int]]) -> None:
    """Boxes opened, taken back, and opened again: what is claimed is what the figures say now."""
    claims = claims_before_counting(night.election, "m", "tr/1")
    told = [unheard(one.unit.registered) for one in night.districts]
    for which, opened in [*steps, *((index, one.opened) for index, one in enumerate(night.districts))]:
        one = night.districts[which % len(told)]
        index = which % len(told)
        moment = one._replace(opened=min(opened, one.unit.boxes_total))
        after = moment.claim if moment.opened else unheard(one.unit.registered)
        claims.shift(Shift.between(told[index], after), one.ballot)
        told[index] = after
    assert night.claims() == claims == claims.copied()


FIGURES = st.fixed_dictionaries(
    {name: st.integers(0, 3) | st.integers(0, 5_000) for name in COUNTS} | {"boxes_opened": st.integers(0, 12)}
)


@given(st.integers(0, 10), st.none() | st.integers(0, 4_000), FIGURES, st.lists(st.integers(0, 2_000), max_size=3))
def test_a_district_that_contradicts_itself_claims_nothing_and_no_figures_are_too_odd_to_look_at(
    total: int, roll: int | None, counts: dict[str, int], votes: list[int]
) -> None:
    claim = claim_of(total, roll, counts, dict(zip(NAMES, votes, strict=False)))
    assert claim.contradictions == tuple(name for name in CONTRADICTIONS if name in claim.contradictions)
    assert (claim.unassigned >= 0, claim.possible >= 0) == (True, True)
    assert counts["boxes_opened"] - claim.boxes_surplus == min(counts["boxes_opened"], total)
    assert claim.complete == (total > 0 and counts["boxes_opened"] == total)
    claims = Claims(1)
    claims.shift(Shift.between(Claim(0, complete=False, contradictions=(), possible=0, unassigned=0), claim), NAMES)
    if claim.contradictions:
        assert claims.possible is None
        assert not any(claims.cannot_be_overtaken({"a": 10**9, "b": 0}, leader) for leader in ("a", "b"))
    assert claims.contradictions == claim.contradictions


def figures(opened: int, votes: int, registered: int, **changes: int) -> dict[str, int]:
    """Counts that add up, with any of them changed."""
    counts = dict.fromkeys(COUNTS, 0) | {
        "boxes_opened": opened,
        "registered": registered,
        "cast": votes,
        "valid": votes,
    }
    return counts | changes


@pytest.mark.parametrize(
    ("counts", "votes", "found"),
    [
        (figures(10, 3_000, 4_000), 3_000, ()),
        (figures(12, 3_000, 4_000), 3_000, ("boxes_over_total",)),
        (figures(0, 150, 0), 150, ("votes_without_boxes",)),
        (figures(0, 0, 0, cast=150), 0, ("votes_without_boxes",)),
        (figures(10, 3_000, 4_001), 3_000, ("registered_over_roll",)),
        (figures(5, 1_700, 4_000), 1_700, ("roll_used_up",)),
        (figures(5, 1_700, 3_996), 1_700, ("roll_used_up",)),
        (figures(10, 4_100, 4_000), 4_100, ()),
        (figures(10, 4_101, 4_000), 4_101, ("cast_over_roll",)),
        (figures(10, 4_101, 3_990), 4_101, ("cast_over_roll",)),
        (figures(0, 4_001, 0), 4_001, ("votes_without_boxes", "cast_over_roll")),
        (figures(1, 80_090, 400), 80_090, ("cast_over_roll", "cast_over_registered")),
        (figures(1, 540, 400), 540, ()),
        (figures(1, 541, 400), 541, ("cast_over_registered",)),
        (figures(1, 3_000, 400, cast=400, valid=400), 3_000, ("cast_over_registered", "votes_over_valid")),
        (figures(1, 180, 400, valid=100), 180, ("votes_over_valid",)),
        (figures(1, 180, 400, unattributed=1), 180, ("votes_over_valid",)),
        (figures(1, 180, 400, invalid=1), 180, ("valid_over_cast",)),
        (figures(1, 180, 0, valid=170), 170, ()),
    ],
)
def test_what_a_district_of_ten_boxes_and_4000_voters_contradicts(
    counts: dict[str, int], votes: int, found: tuple[str, ...]
) -> None:
    assert found == claim_of(10, 4_000, counts, {"a": votes}).contradictions


def test_opened_boxes_of_a_district_without_boxes_are_known_to_nobody() -> None:
    claim = claim_of(0, 4_000, figures(3, 400, 1_200), {"a": 400})
    assert (3, False, ("no_boxes_known",)) == claim[:3]
    assert claim_of(0, 4_000, figures(0, 0, 0), {}) == unheard(
        Unit(id="d", level="district", name="D", parent="p", registered=4_000).registered
    )


@pytest.mark.parametrize(
    ("opened", "registered", "possible"),
    [
        (5, 2_000, 2_000),
        (5, 3_000, 1_000),
        (5, 3_001, 3_000),
        (1, 3_100, 4_000),
        (9, 3_600, 400),
        (9, 3_960, 40),
        (9, 3_961, 600),
        (0, 0, 4_000),
        (0, 2_000, 4_000),
        (10, 100, 0),
    ],
    ids=[
        "half",
        "half as much again as a mean box",
        "more than the law allows, and than that",
        "most of the roll in one box",
        "all but one",
        "a tenth of a mean box is left",
        "less than that",
        "nothing",
        "voters of no box",
        "every box",
    ],
)
def test_too_few_voters_for_the_boxes_that_remain_are_not_believed(opened: int, registered: int, possible: int) -> None:
    """A district of ten boxes and 4,000 voters. It is no contradiction: a last box may be small."""
    claim = claim_of(10, 4_000, figures(opened, 0, registered), {})
    claims = Claims(1)
    claims.shift(Shift.between(Claim(0, complete=False, contradictions=(), possible=0, unassigned=0), claim), ())
    assert ((), possible) == (claim.contradictions, claims.possible)


def test_no_lead_rests_on_what_single_boxes_leave_in_doubt() -> None:
    """And what is in doubt is no contradiction of the district: its own figures may be right."""
    counts = figures(2, 600, 800)
    claims = [claim_of(2, 800, counts, {"a": 330, "b": 270}, excess) for excess in (0, 59, 60)]
    beyond = []
    for claim in claims:
        unit = Claims(1)
        unit.shift(Shift.between(Claim(0, complete=False, contradictions=(), possible=0, unassigned=0), claim), ())
        beyond.append(unit.cannot_be_overtaken({"a": 330, "b": 270}, "a"))
    assert ([0, 59, 60], [True, True, False]) == ([claim.unassigned for claim in claims], beyond)
    assert {()} == {claim.contradictions for claim in claims}


def test_a_roll_of_nobody_is_no_roll() -> None:
    """Boxes at a border gate have no list of their own."""
    assert claim_of(10, 0, figures(5, 500, 0), {"a": 500}) == claim_of(10, None, figures(5, 500, 0), {"a": 500})


def test_who_has_no_rival_anywhere_cannot_be_overtaken_though_nobody_knows_how_many_may_come() -> None:
    units = [Unit(id="tr/1/0", level="district", name="0", parent="tr/1", boxes=((1, 9),))]
    claims = claims_before_counting(election(units, {"tr/1/0": names("a")}), "m", "tr/1")
    assert (None, True, False) == (
        claims.possible,
        claims.cannot_be_overtaken({"a": 1}, "a"),
        claims.cannot_be_overtaken({"a": 0}, "a"),
    )


def test_a_rival_who_is_on_the_ballot_of_a_district_that_has_not_reported_is_one() -> None:
    units = [
        Unit(id=f"tr/1/{number}", level="district", name="D", parent="tr/1", registered=400, boxes=((1, 1),))
        for number in range(2)
    ]
    ballots: dict[str, Any] = {"tr/1/0": names("a"), "tr/1/1": names("c")}
    claims = claims_before_counting(election(units, ballots), "m", "tr/1")
    told = claim_of(1, 400, figures(1, 300, 400), {"a": 300})
    claims.shift(Shift.between(unheard(units[0].registered), told), ("a",))
    assert not claims.cannot_be_overtaken({"a": 300}, "a")
    assert claims.cannot_be_overtaken({"a": 401}, "a")


def test_a_province_without_districts_is_never_complete() -> None:
    assert not claims_before_counting(election([]), "m", "tr/1").complete


@pytest.mark.parametrize(
    ("counts", "votes", "found"),
    [
        (figures(10, 3_000, 4_000), 3_000, ()),
        (figures(11, 3_000, 4_000), 3_000, ()),
        (figures(12, 3_000, 4_000), 3_000, (Excess("boxes_over_total", 10, 12),)),
        (figures(10, 3_000, 4_400), 3_000, ()),
        (figures(10, 3_000, 4_401), 3_000, (Excess("registered_over_roll", 4_000, 4_401),)),
        (
            figures(1, 80_090, 400),
            80_090,
            (Excess("cast_over_roll", 4_000, 80_090), Excess("cast_over_registered", 400, 80_090)),
        ),
        (figures(1, 180, 400, valid=170), 180, ()),
        (figures(1, 180, 400, valid=100), 180, (Excess("votes_over_valid", 100, 180),)),
        (figures(1, 180, 400, cast=100), 180, (Excess("valid_over_cast", 100, 180),)),
        (figures(0, 150, 0), 150, ()),
    ],
)
def test_far_too_much_is_more_than_a_tenth(counts: dict[str, int], votes: int, found: tuple[Excess, ...]) -> None:
    assert found == excesses(10, 4_000, counts, {"a": votes})


def test_nothing_is_too_much_for_a_roll_or_boxes_that_nobody_knows() -> None:
    assert excesses(0, None, figures(3, 9_000, 9_000), {"a": 9_000}) == ()


@given(st.integers(0, 10), st.none() | st.integers(0, 4_000), FIGURES, st.integers(0, 5_000))
def test_far_too_much_is_a_contradiction(total: int, roll: int | None, counts: dict[str, int], votes: int) -> None:
    claim = claim_of(total, roll, counts, {"a": votes})
    assert {one.contradiction for one in excesses(total, roll, counts, {"a": votes})} <= {*claim.contradictions}


def test_a_closed_box_that_is_counted_hides_no_box_that_is_missing() -> None:
    """Four of four boxes are opened by the count, and one of them is closed: so one of the four is missing."""
    counts = figures(4, 400, 1_200)
    whole, closed = (claim_of(4, 4_000, counts, {"a": 400}, closed=many) for many in (0, 1))

    assert (0, True, ()) == (whole.boxes_surplus, whole.complete, whole.contradictions)
    assert (1, False, ("boxes_over_total",)) == (closed.boxes_surplus, closed.complete, closed.contradictions)
    assert UNKNOWN == closed.possible
