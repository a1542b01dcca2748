"""/v1/facts: the arithmetic facts of the units, filtered by contest, source and unit."""

from collections.abc import Mapping
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway import Gateway
from gateway.routes.answers import Answers, Asked, Whole, asked, refuse_more
from gateway.routes.pieces import Encoder, Pieces, Place, answer_in_pieces
from schemas.definition import Election
from tabulation.derived.facts import facts_in, majority_facts
from tabulation.derived.swing import LastTime
from tabulation.view.figures import UnitFigures

MAX_UNITS_ANSWERED: Final = 2_000
"""Units in one answer: all of Türkiye (1,055) for one contest and source, or İstanbul (41) for every one of them.

Each takes 0.1 ms with 49 candidates, less with the few of a national race.
"""


class FactsEndpoint:
    """The route of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answers = Answers()

    async def answer(self, request: Request) -> Response:
        """The facts of the units of which anything was ever reported."""

        def ask() -> tuple[Asked, list[object]]:
            question = asked(self._gateway, request)
            return question, [question.run_state.quarantine.changes]

        pieces = Pieces(_found_within_limits, _encoder)
        return await answer_in_pieces(self._gateway, request, self._answers, ask, pieces, _answer)


def _answer(question: Asked, facts: list[bytes]) -> Whole:
    rest: dict[str, object] = {"only_set_aside": _only_set_aside(question)}
    if any(source.levels for source in question.run_state.run.definition.sources):
        rest |= {"not_told": _not_told(question)}
    return Whole.of(question.head(), "facts", facts, rest)


def _encoder(question: Asked) -> Encoder:
    definition = question.run_state.run.definition
    last_times = {one.id: LastTime(definition, one) for one in definition.previous}

    def encode(contest: str, source: str, figures: UnitFigures) -> bytes:
        return orjson.dumps(
            _entry(definition, contest, source, figures)
            | {"previous": _previous(question, contest, source, figures.unit.id, last_times)}
            | {"set_aside": _set_aside(question, contest, source, figures.unit.id)}
        )

    return encode


def _not_told(question: Asked) -> list[dict[str, object]]:
    """Of the units that are asked for by name, those of which a source does not tell a contest, and why."""
    definition, filters = question.run_state.run.definition, question.filters
    sources = set(filters.sources(question.run_state))
    return [
        {"contest": contest, "source": source, "unit": unit, "why": definition.why_not_told(contest, source, unit)}
        for contest in filters.contests(question.run_state)
        for source in definition.told_above(contest)
        for unit in sorted(filters.units or ())
        if source in sources and not definition.cells_in(contest, source, unit)
    ]


def _only_set_aside(question: Asked) -> list[dict[str, object]]:
    """The units of which there are no figures, because all that a source has said of them is set aside."""
    run_state, filters = question.run_state, question.filters
    wanted = set(filters.contests(run_state)), set(filters.sources(run_state))
    return [
        {"contest": contest, "source": source, "unit": unit, "set_aside": _set_aside(question, contest, source, unit)}
        for contest, source, unit in sorted(run_state.quarantine.open.by_unit)
        if contest in wanted[0]
        and source in wanted[1]
        and (filters.units is None or unit in filters.units)
        and question.view.figures(contest, source, unit) is None
    ]


def _set_aside(question: Asked, contest: str, source: str, unit: str) -> dict[str, object] | None:
    """What the source has said of the unit that is not in its figures; the public is not told which figures."""
    found = question.run_state.quarantine.open
    here = (found.for_public if question.scope == "public" else found.here)(contest, source, unit)
    return here.model_dump() if here is not None else None


def _found_within_limits(question: Asked) -> list[Place]:
    """Raises `HTTPException` for more units than one answer has."""
    found = _found(question)
    remedy = "Name a contest, a source or units, such as unit=tr/34/*."
    refuse_more(len(found), MAX_UNITS_ANSWERED, "units", remedy)
    return found


def _found(question: Asked) -> list[Place]:
    definition, filters = question.run_state.run.definition, question.filters
    units = sorted(definition.unit_by_id if filters.units is None else filters.units)
    return [
        (contest, source, figures)
        for contest in filters.contests(question.run_state)
        for source in filters.sources(question.run_state)
        for unit in units
        if (figures := question.view.figures(contest, source, unit)) is not None
    ]


def _previous(
    question: Asked, contest: str, source: str, unit: str, last_times: Mapping[str, LastTime]
) -> list[dict[str, object]]:
    """What has changed since each earlier contest, its base first named."""
    view = question.view
    found = []
    for previous in question.run_state.run.definition.previous_of(contest):
        cells = question.run_state.run.definition.cells_in(contest, source, unit)
        facts = last_times[previous.id].facts(unit, lambda one: view.figures(contest, source, one), cells)
        base: dict[str, object] = {"name": previous.name, "date": previous.date, "annulled": previous.annulled}
        names = {name: previous.names.get(name, name) for name in facts.held_by}
        changes: dict[str, object] = {
            "swings": [swing._asdict() for swing in facts.swings],
            "flipped": [flip._asdict() for flip in facts.flipped],
        }
        found.append({"previous": facts.previous, **base, **facts._asdict(), **changes, "held_by_names": names})
    return found


def _entry(definition: Election, contest: str, source: str, figures: UnitFigures) -> dict[str, object]:
    facts, held = facts_in(definition, contest, figures), definition.contest_by_id[contest]
    return {
        "contest": contest,
        "source": source,
        "unit": figures.unit.id,
        "level": figures.unit.level,
        "level_name": definition.level_of(figures.unit.id).name,
        "as_of": figures.as_of,
        "overridden": figures.overridden,
        "boxes_opened": figures.counts["boxes_opened"],
        "boxes_surplus": figures.claims.boxes_surplus,
        "boxes_total": figures.boxes_total,
        "valid": figures.counts.get("valid"),
        "unattributed": figures.counts["unattributed"],
        "unattributed_share_bp": facts.unattributed_share_bp,
        "ranking": [place._asdict() for place in facts.ranking],
        "lead": facts.lead._asdict() | {"margin_bp": facts.margin_bp} if facts.lead else None,
        "turnout": facts.turnout._asdict(),
        "votes_possible": facts.votes_possible,
        "votes_unassigned": facts.votes_unassigned,
        "cannot_be_overtaken": facts.cannot_be_overtaken,
        "complete": facts.complete,
        "progress_bp": facts.progress_bp,
        "contradictions": facts.contradictions,
        "threshold": majority_facts(figures, rule)._asdict() if (rule := held.threshold) else None,
        "office": held.office,
        "round": held.round,
        "rounds": definition.rounds_of(contest),
    }
