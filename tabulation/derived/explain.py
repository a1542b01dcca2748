"""From what is folded to why two sources differ: the answer of `/v1/compare`, and of `sandik compare`. Pure.

A difference is between two sources that say something. Where one of them has no figures in the unit, no gap is told:
the answer says who has said nothing, or who has no box open, and what the other one says.

A gap splits into coverage and disagreement, exactly, in integers and fractions. In votes:
V_a - V_b = (only_a - only_b) + (both_a - both_b). In points, with like_x the share of x over the boxes that both have:
share_a - share_b = [(share_a - like_a) - (share_b - like_b)] + [like_a - like_b]. The first bracket is what other boxes
do to the share (coverage), the second what other counts of the same boxes do (disagreement). Where there is no like for
like, because no box or no valid vote is common to both, all of the gap in points is coverage.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from schemas.comparison import (
    BoxFigures,
    CandidateGap,
    ExplainingBox,
    Explanation,
    Figures,
    Gap,
    LikeForLike,
    Part,
    PointsGap,
    Said,
    SourceFigures,
    Standing,
    VotesGap,
    Why,
)
from schemas.control import RunFacts
from schemas.definition import Election, Level, Source
from schemas.figures import STATED, Given, stated_in
from schemas.quarantine import SetAsideHere
from schemas.totals import Told
from tabulation.counting.comparisons import BoxDifference, Rolled
from tabulation.counting.quarantine import Open
from tabulation.figures import UnitFigures
from tabulation.view import View

VotesIn = Callable[[Part], int]
"""The votes that a gap is about: one candidate's, or one's less another's."""

_UNITS: Final = 10_000
"""Points are written to four decimals: in all of Türkiye, 50 million valid votes, one vote is 0.000002 points."""


class Votes(NamedTuple):
    """A gap in votes: `coverage + disagreement` is the gap."""

    coverage: int
    disagreement: int

    @property
    def gap(self) -> int:
        """All of it."""
        return self.coverage + self.disagreement

    def written(self) -> VotesGap:
        """As it goes out."""
        return VotesGap(gap=self.gap, coverage=self.coverage, disagreement=self.disagreement)


class Points(NamedTuple):
    """A gap in points: `coverage + disagreement` is the gap, exactly."""

    coverage: Fraction
    disagreement: Fraction

    @property
    def gap(self) -> Fraction:
        """All of it."""
        return self.coverage + self.disagreement

    def written(self) -> PointsGap:
        """Rounded only now, and so that the parts as written still add up to the gap as written."""
        gap, coverage = round(self.gap * _UNITS), round(self.coverage * _UNITS)
        return PointsGap(gap=gap / _UNITS, coverage=coverage / _UNITS, disagreement=(gap - coverage) / _UNITS)


def split_votes(rolled: Rolled, votes: VotesIn) -> Votes:
    """The gap in votes."""
    return Votes(
        coverage=votes(rolled.only_a) - votes(rolled.only_b), disagreement=votes(rolled.both_a) - votes(rolled.both_b)
    )


def split_points(rolled: Rolled, votes: VotesIn) -> Points | None:
    """The gap in points of the valid votes; `None` where a source has none."""
    share_a, share_b = share(rolled.a, votes), share(rolled.b, votes)
    if share_a is None or share_b is None:
        return None
    like_a, like_b = share(rolled.both_a, votes), share(rolled.both_b, votes)
    if like_a is None or like_b is None:
        return Points(coverage=share_a - share_b, disagreement=Fraction(0))
    return Points(coverage=(share_a - like_a) - (share_b - like_b), disagreement=like_a - like_b)


def share(part: Part, votes: VotesIn) -> Fraction | None:
    """The votes in percent of the valid ones; `None` where there are none."""
    return Fraction(100 * votes(part), part.valid) if part.valid else None


def written_points(points: Fraction) -> float:
    """Points as they go out."""
    return round(points * _UNITS) / _UNITS


def votes_of(candidate: str) -> VotesIn:
    """One candidate's votes."""
    return lambda part: part.votes.get(candidate, 0)


def margin_of(first: str, second: str) -> VotesIn:
    """One candidate's votes less another's."""
    return lambda part: part.votes.get(first, 0) - part.votes.get(second, 0)


_WITHOUT_FIGURES: Final[frozenset[Standing]] = frozenset({"nothing", "no_box"})
_NOTHING: Final[Mapping[str, SetAsideHere]] = MappingProxyType({})
_NOT_COMPARED: Final = "Nothing has been compared here yet. Where both report boxes, that takes some seconds."


class GapQuestion(NamedTuple):
    """Which two sources are compared, where and in which contest: ids of the definition."""

    contest: str
    unit: str
    a: str
    b: str


def explain(
    run: RunFacts,
    epoch: str,
    view: View,
    rolled: Rolled,
    question: GapQuestion,
    *,
    told: Told = Told.ON_AIR,
    held: bool = False,
    set_aside: Mapping[str, SetAsideHere] = _NOTHING,
) -> Explanation:
    """How far `a` and `b` are apart in this unit, and why, as far as this view goes. The names must be known.

    `rolled` is the unit's comparison as far as the view goes: `comparisons.roll_up(*question, view.version)`.

    `told` says what the view has, which is compared where the gap cannot be split. The answer repeats `held`, whether a
    part of the unit is on hold, and `set_aside`, by source what it has said of the unit that is not in its figures.
    """
    definition = run.definition
    contest, unit, *names = question
    sources = {source.id: source for source in definition.sources}
    a, b = (_shown(view, contest, sources[name], unit) for name in names)
    reason = _not_told(definition, question) or _without_gap(a, b, definition.unit_by_id[unit].name)
    are_comparable = reason is None
    if are_comparable:
        reason = _without_split(a, b, rolled, definition.unit_by_id[unit].name)
    part_a, part_b = (rolled.a, rolled.b) if reason is None else (a.part, b.part)
    candidates = _by_votes(part_a, part_b)
    leaders = tuple(candidates[:2])
    gaps = _Gaps(part_a, part_b, rolled if reason is None else None, has_valid=_both_give("valid", a, b))
    both = a.districts & b.districts
    return Explanation(
        run=run.name,
        mode=run.mode,
        epoch=epoch,
        contest=contest,
        unit=unit,
        level=definition.unit_by_id[unit].level,
        boxes_total=definition.boxes_of(contest)[unit],
        districts_total=len(definition.districts_of(contest, unit)),
        districts_shared=len(both),
        shared=_shared(view, contest, a, b) if are_comparable and reason is not None else None,
        held=held,
        told=Told.LOG if reason is None else told,
        a=a.figures(part_a, set_aside.get(question.a)),
        b=b.figures(part_b, set_aside.get(question.b)),
        leaders=leaders,
        lead=Gap(**gaps.of(margin_of(*leaders))) if are_comparable and len(leaders) > 1 else None,
        candidates=tuple(CandidateGap(candidate=name, **gaps.of(votes_of(name))) for name in candidates)
        if are_comparable
        else (),
        why=_why(rolled, leaders, a.given, b.given) if reason is None else None,
        reason=reason,
    )


def set_aside(found: Open, question: GapQuestion, *, is_public: bool) -> dict[str, SetAsideHere]:
    """By source, what it has said of the unit that is not in its figures; for the public without what that is."""
    told = found.for_public if is_public else found.here
    heres = {source: told(question.contest, source, question.unit) for source in (question.a, question.b)}
    return {source: here for source, here in heres.items() if here is not None}


class _Shown(NamedTuple):
    """What the view has of a unit from one source; `districts` are those of which the source itself has spoken."""

    source: Source
    part: Part
    as_of: datetime | None
    overridden: tuple[str, ...]
    districts: frozenset[str]
    given: Given
    level: Level | None
    """The level at which the source tells the contest, where it is not the counting units."""

    def has_same_cells(self, other: "_Shown") -> bool:
        """Whether both tell the contest of the same units."""
        return self.level == other.level

    @property
    def standing(self) -> Standing:
        part = self.part
        if part.boxes or part.valid or any(part.votes.values()):
            return "reporting" if self.districts else "by_hand"
        return "no_box" if self.districts else "nothing"

    def figures(self, part: Part, set_aside: SetAsideHere | None) -> SourceFigures:
        """What is told of the source, with the part that is compared for its figures."""
        return SourceFigures(
            source=self.source.id,
            reports=self.source.reports,
            standing=self.standing,
            districts=len(self.districts),
            as_of=self.as_of,
            overridden=self.overridden,
            set_aside=set_aside,
            **_figures(part, self.given),
        )


class _Gaps:
    """Gaps between two sources' figures: split where their boxes are known.

    Of more votes than valid ones there are no shares, and so no points: neither of a source's, nor of those in the
    boxes that both have, which the other boxes may hide. Nor are there any where a source does not give the valid ones.
    """

    def __init__(self, a: Part, b: Part, rolled: Rolled | None, *, has_valid: bool = True) -> None:
        self._a = a
        self._b = b
        self._rolled = rolled
        compared = (a, b) if rolled is None else (a, b, rolled.both_a, rolled.both_b)
        self._has_shares = has_valid and all(
            sum(part.votes.values()) + part.unattributed <= part.valid for part in compared
        )

    def of(self, votes: VotesIn) -> dict[str, Any]:
        if self._rolled is not None:
            points = split_points(self._rolled, votes) if self._has_shares else None
            return {
                "votes": split_votes(self._rolled, votes).written(),
                "points": points.written() if points is not None else None,
            }
        share_a, share_b = share(self._a, votes), share(self._b, votes)
        return {
            "votes": VotesGap(gap=votes(self._a) - votes(self._b)),
            "points": PointsGap(gap=written_points(share_a - share_b))
            if share_a is not None and share_b is not None and self._has_shares
            else None,
        }


def _not_told(definition: Election, question: GapQuestion) -> str | None:
    """Why one of two sources says nothing of the unit by itself, as it tells the contest at another level."""
    contest, unit, *sources = question
    for source in sources:
        if definition.level_told(contest, source) is not None and not definition.cells_in(contest, source, unit):
            return f"{definition.why_not_told(contest, source, unit)}, so there is nothing to compare."
    return None


def _without_gap(a: _Shown, b: _Shown, unit: str) -> str | None:
    """Why there is no gap to tell; `None` where there is one."""
    silent = [one for one in (a, b) if one.standing in _WITHOUT_FIGURES]
    if silent:
        return _without_figures(silent, unit)
    in_totals = any(one.source.reports == "districts" for one in (a, b))
    if in_totals and a.has_same_cells(b) and a.standing == b.standing == "reporting" and not a.districts & b.districts:
        return (
            f"{a.source.name} and {b.source.name} have reported no district of {unit} in common, so there is nothing "
            "to compare."
        )
    return None


def _without_split(a: _Shown, b: _Shown, rolled: Rolled, unit: str) -> str | None:
    """Why the gap cannot be split; `None` where it can be."""
    for one in (a, b):
        if one.source.reports != "boxes":
            return (
                f"{one.source.name} reports totals of districts, not boxes: which boxes it has is not known, so the "
                "gap cannot be split."
            )
    for one in (a, b):
        if one.standing == "by_hand":
            return (
                f"{one.source.name} has reported nothing in {unit} itself: its figures were set by hand, so the gap "
                "cannot be split."
            )
    # The totals may be a moment ahead of the comparisons: a source whose boxes are not in them yet has not lost them.
    return None if rolled.a.boxes and rolled.b.boxes else _NOT_COMPARED


def _without_figures(silent: list[_Shown], unit: str) -> str:
    if len(silent) > 1 and all(one.standing == "nothing" for one in silent):
        return f"Neither {silent[0].source.name} nor {silent[1].source.name} has reported anything in {unit}."
    words = {"nothing": "has reported nothing in", "no_box": "has no box open in"}
    clauses = [f"{one.source.name} {words[one.standing]} {unit}" for one in silent]
    return " and ".join(clauses) + ", so there is nothing to compare."


def _shown(view: View, contest: str, source: Source, unit: str) -> _Shown:
    below = view.definition.cells_in(contest, source.id, unit)
    spoken = view.heard_of(contest, source.id, below)
    held, given = view.figures(contest, source.id, unit), view.definition.given(contest, source.id)
    level = view.definition.level_told(contest, source.id)
    if held is None:
        return _Shown(source, Part(), None, (), spoken, given, level)
    return _Shown(source, _part_of(held), held.as_of, held.overridden, spoken, given, level)


def _shared(view: View, contest: str, a: _Shown, b: _Shown) -> LikeForLike | None:
    """The result over the districts that both have reported, where either has others as well."""
    both = a.districts & b.districts
    if not both or both == a.districts | b.districts or not a.has_same_cells(b):
        return None
    sides = {
        side: Part.total(
            _part_of(held)
            for district in sorted(both)
            if (held := view.figures(contest, one.source.id, district)) is not None
        )
        for side, one in (("a", a), ("b", b))
    }
    return LikeForLike(a=Figures(**_figures(sides["a"], a.given)), b=Figures(**_figures(sides["b"], b.given)))


def _part_of(held: UnitFigures) -> Part:
    counts = {name: held.counts.get(name, 0) for name in STATED}
    return Part(boxes=held.counts["boxes_opened"], votes=held.votes.copy(), **counts)


def _figures(part: Part, given: Given) -> dict[str, Any]:
    return {"boxes_opened": part.boxes, "votes": dict(sorted(part.votes.items())), **_known(part, given)}


def _known(box: Said, given: Given) -> dict[str, Any]:
    """The counts of boxes, `None` for those that the source does not give."""
    return {name: count if name in given.counts else None for name, count in stated_in(box).items()}


def _both_give(name: str, a: _Shown, b: _Shown) -> bool:
    return name in a.given.counts and name in b.given.counts


def _by_votes(a: Part, b: Part) -> list[str]:
    """Who has votes by either source: most by both together first, then by id."""
    votes = (a + b).votes
    return sorted((name for name, count in votes.items() if count), key=lambda name: (-votes[name], name))


def _why(rolled: Rolled, leaders: tuple[str, ...], given_a: Given, given_b: Given) -> Why:
    like = None
    if rolled.both_a.boxes:
        of_a, of_b = _figures(rolled.both_a, given_a), _figures(rolled.both_b, given_b)
        like = LikeForLike(a=Figures(**of_a), b=Figures(**of_b))
    return Why(
        only_a=rolled.only_a.boxes,
        only_b=rolled.only_b.boxes,
        both=rolled.both_a.boxes,
        differing=rolled.differing,
        behind=rolled.behind,
        like_for_like=like,
        explaining=tuple(_explaining(place, leaders, given_a, given_b) for place in rolled.apart),
    )


def _explaining(place: BoxDifference, leaders: tuple[str, ...], given_a: Given, given_b: Given) -> ExplainingBox:
    apart = place.apart
    return ExplainingBox(
        district=place.district,
        box=apart.box,
        a=_box(apart.a, given_a),
        b=_box(apart.b, given_b),
        votes_apart=apart.votes_apart,
        lead=_margin(apart.a, leaders) - _margin(apart.b, leaders) if len(leaders) > 1 else None,
    )


def _box(box: Said | None, given: Given) -> BoxFigures | None:
    return BoxFigures(votes=box.votes, **_known(box, given)) if box is not None else None


def _margin(box: Said | None, leaders: tuple[str, ...]) -> int:
    return box.votes.get(leaders[0], 0) - box.votes.get(leaders[1], 0) if box is not None else 0
