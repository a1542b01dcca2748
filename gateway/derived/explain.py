"""From what is folded to why two sources differ: the answer of `/v1/compare`, and of `sandik compare`. Pure."""

from datetime import datetime
from typing import Any, Final

from eventlog.run import Run
from gateway.derived.gap import VotesIn, margin_of, share, split_points, split_votes, votes_of, written_points
from gateway.folds.comparisons import Comparisons, Place, Rolled
from gateway.folds.view import View
from schemas.comparison import Part, Said
from schemas.explanation import (
    CandidateGap,
    ExplainingBox,
    Explanation,
    Figures,
    Gap,
    LikeForLike,
    PointsGap,
    SourceFigures,
    VotesGap,
    Why,
)

_COUNTS: Final = ("registered", "cast", "valid", "invalid", "unattributed")


def explain(
    run: Run, epoch: str, view: View, comparisons: Comparisons, contest: str, unit: str, a: str, b: str
) -> Explanation:
    """How far `a` and `b` are apart in this unit, and why, as far as this view goes. The names must be known."""
    definition = run.definition
    sources = {source.id: source for source in definition.sources}
    rolled = comparisons.roll_up(contest, unit, a, b, view.version)
    reason = None
    for source in (sources[a], sources[b]):
        if source.reports != "boxes":
            reason = (
                f"{source.name} reports totals of districts, not boxes: which boxes it has is not known, so the gap "
                "cannot be split."
            )
    if reason is None and not rolled.districts:
        reason = "Nothing has been compared here yet. Where both report boxes, that takes some seconds."
    said_a, said_b = (_shown(view, contest, source, unit) for source in (a, b))
    part_a, part_b = (rolled.a, rolled.b) if reason is None else (said_a[0], said_b[0])
    names = _by_votes(part_a, part_b)
    leaders = tuple(names[:2])
    gaps = _Gaps(part_a, part_b, rolled if reason is None else None)
    return Explanation(
        run=run.name,
        mode=run.mode,
        epoch=epoch,
        contest=contest,
        unit=unit,
        level=definition.unit_by_id[unit].level,
        boxes_total=definition.boxes_total[unit],
        a=SourceFigures(source=a, as_of=said_a[1], overridden=said_a[2], **_figures(part_a)),
        b=SourceFigures(source=b, as_of=said_b[1], overridden=said_b[2], **_figures(part_b)),
        leaders=leaders,
        lead=Gap(**gaps.of(margin_of(*leaders))) if len(leaders) > 1 else None,
        candidates=tuple(CandidateGap(candidate=name, **gaps.of(votes_of(name))) for name in names),
        why=_why(rolled, leaders) if reason is None else None,
        reason=reason,
    )


class _Gaps:
    """Gaps between two sources' figures: split where their boxes are known."""

    def __init__(self, a: Part, b: Part, rolled: Rolled | None) -> None:
        self._a = a
        self._b = b
        self._rolled = rolled

    def of(self, votes: VotesIn) -> dict[str, Any]:
        if self._rolled is not None:
            points = split_points(self._rolled, votes)
            return {
                "votes": split_votes(self._rolled, votes).written(),
                "points": points.written() if points is not None else None,
            }
        share_a, share_b = share(self._a, votes), share(self._b, votes)
        return {
            "votes": VotesGap(gap=votes(self._a) - votes(self._b)),
            "points": PointsGap(gap=written_points(share_a - share_b))
            if share_a is not None and share_b is not None
            else None,
        }


def _shown(view: View, contest: str, source: str, unit: str) -> tuple[Part, datetime | None, tuple[str, ...]]:
    """What the view has of a unit from one source, of when it is, and which of it was set by hand."""
    held = view.figures(contest, source, unit)
    if held is None:
        return Part(), None, ()
    counts = {name: held.counts[name] for name in _COUNTS}
    return Part(boxes=held.counts["boxes_opened"], votes=held.votes.copy(), **counts), held.as_of, held.overridden


def _figures(part: Part) -> dict[str, Any]:
    counts = {name: getattr(part, name) for name in _COUNTS}
    return {"boxes_opened": part.boxes, "votes": dict(sorted(part.votes.items())), **counts}


def _by_votes(a: Part, b: Part) -> list[str]:
    """Who has votes by either source: most by both together first, then by id."""
    votes = (a + b).votes
    return sorted((name for name, count in votes.items() if count), key=lambda name: (-votes[name], name))


def _why(rolled: Rolled, leaders: tuple[str, ...]) -> Why:
    like = None
    if rolled.both_a.boxes:
        like = LikeForLike(a=Figures(**_figures(rolled.both_a)), b=Figures(**_figures(rolled.both_b)))
    return Why(
        only_a=rolled.only_a.boxes,
        only_b=rolled.only_b.boxes,
        both=rolled.both_a.boxes,
        differing=rolled.differing,
        behind=rolled.behind,
        like_for_like=like,
        explaining=tuple(_explaining(place, leaders) for place in rolled.apart),
    )


def _explaining(place: Place, leaders: tuple[str, ...]) -> ExplainingBox:
    apart = place.apart
    return ExplainingBox(
        district=place.district,
        box=apart.box,
        a=apart.a,
        b=apart.b,
        votes_apart=apart.votes_apart,
        lead=_margin(apart.a, leaders) - _margin(apart.b, leaders) if len(leaders) > 1 else None,
    )


def _margin(said: Said | None, leaders: tuple[str, ...]) -> int:
    return said.votes.get(leaders[0], 0) - said.votes.get(leaders[1], 0) if said is not None else 0
