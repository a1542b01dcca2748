"""Comparisons for the gateway's tests: from any night, through the real ledgers."""

from collections.abc import Iterable

from eventlog.run import Run, RunTopics
from schemas.comparison import BoxApart, Comparison, Part, Said
from schemas.definition import Election
from tests.gateway.nights import Written, election


def run_of(definition: Election | None = None) -> Run:
    """A run of the small election."""
    return Run(RunTopics("night"), "test", "9f2c", definition or election())


def written(comparisons: Iterable[Comparison], first: int = 0) -> list[Written]:
    """The records as a log would give them."""
    return [Written(first + index, one.encode(), key=one.pair.key()) for index, one in enumerate(comparisons)]


def part(boxes: int, **votes: int) -> Part:
    """So many boxes with these votes in all, every valid vote somebody's."""
    valid = sum(votes.values())
    return Part(boxes=boxes, registered=350 * boxes, cast=valid, valid=valid, votes=votes)


def comparison(district: str = "tr/34/uskudar", *, version: int = 0, **parts: Part) -> Comparison:
    """A comparison of aa and anka in the mayor's race; what is not given is empty. Boxes that both have differ."""
    given = {name: parts.get(name, Part()) for name in ("only_a", "only_b", "both_a", "both_b")}
    apart = []
    if given["only_a"].boxes:
        apart.append(BoxApart(box=1001, a=Said(votes=given["only_a"].votes), b=None))
    if given["both_a"] != given["both_b"]:
        apart.append(BoxApart(box=1002, a=Said(votes=given["both_a"].votes), b=Said(votes=given["both_b"].votes)))
    return Comparison(
        contest="mayor",
        district=district,
        a="aa",
        b="anka",
        version=version,
        differing=int(given["both_a"] != given["both_b"]),
        apart=tuple(apart),
        only_a=given["only_a"],
        only_b=given["only_b"],
        both_a=given["both_a"],
        both_b=given["both_b"],
    )
