"""What follows from the counts: /v1/facts, /v1/seats and /v1/lead-over-time.

Facts are arithmetic ones of units. Seats are how many everybody has by the votes counted so far, and which are
undecided. The lead over time is how the first candidates stood in the course of the night, as it was on air.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway import Gateway
from gateway.routes.answers import Answers, Asked, Encoder, Pieces, Place, Whole, answer_in_pieces, asked, refuse_more
from schemas.contests import MAX_SEATS, SeatPlan
from schemas.definition import Election
from tabulation.derived.facts import SeatFacts, facts_in, majority_facts, seat_facts, units_with_seats
from tabulation.derived.swing import LastTime
from tabulation.figures import UnitFigures
from tabulation.seats import council_plan

MAX_UNITS_ANSWERED: Final = 2_000
"""Units in one answer: all of Türkiye (1,055) for one contest and source, or İstanbul (41) for every one of them.

Each takes 0.1 ms with 49 candidates, less with the few of a national race.
"""


class FactsEndpoint:
    """/v1/facts of one gateway."""

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


MAX_CONSTITUENCIES_ANSWERED: Final = 2_000
"""Constituencies worked out for one answer: the councils of all of Türkiye's 973 districts by two sources.

Each takes 0.1 ms with 20 lists and 40 seats, and nothing else is served meanwhile.
"""

_NARROWER: Final = "Name a contest, a source or units, such as unit=tr/34."
_MEMBERS: Final = re.compile(r"[1-9][0-9]{0,3}")
_OPTIONS: Final = ("members", "quota")


class SeatsEndpoint:
    """/v1/seats of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answers = Answers()

    async def answer(self, request: Request) -> Response:
        """The seats of the units that have any, by contest and source."""
        question = asked(self._gateway, request, _OPTIONS)
        asked_for = {name: request.query_params.get(name) for name in _OPTIONS}
        plans = _plans(question, asked_for["members"], asked_for["quota"])
        return self._answers.answer(request, question, partial(_seats_answer, question, plans), about=[asked_for])


def _plans(question: Asked, members: str | None, quota: str | None) -> dict[str, SeatPlan]:
    """The plan of each contest that is asked for and has one: the definition's, or a council's with these members."""
    definition, filters = question.run_state.run.definition, question.filters
    if members is None and quota is None:
        plans = {name: definition.contest_by_id[name].seats for name in filters.contests(question.run_state)}
        return {name: plan for name, plan in plans.items() if plan is not None}
    units = filters.units
    if filters.contest is None or not units or members is None:
        raise HTTPException(400, "members needs a contest and units, each a municipality: members=37&unit=tr/34/fatih.")
    return {
        filters.contest: council_plan(
            dict.fromkeys(sorted(units), _number("members", members)), _number("quota", quota or "0")
        )
    }


def _number(name: str, text: str) -> int:
    if text == "0" and name == "quota":
        return 0
    if not _MEMBERS.fullmatch(text) or int(text) > MAX_SEATS:
        raise HTTPException(400, f"{name} is a whole number up to {MAX_SEATS}, not {text!r}.")
    return int(text)


def _seats_answer(question: Asked, plans: dict[str, SeatPlan]) -> bytes:
    definition, filters = question.run_state.run.definition, question.filters
    wanted = {
        contest: {
            unit: constituencies
            for unit, constituencies in sorted(units_with_seats(definition, plan).items())
            if filters.units is None or unit in filters.units
        }
        for contest, plan in plans.items()
    }
    heard = [
        (contest, source)
        for contest in plans
        for source in filters.sources(question.run_state)
        if question.view.figures(contest, source, definition.country) is not None
    ]
    many = sum(len({one for found in wanted[contest].values() for one in found}) for contest, _ in heard)
    refuse_more(many, MAX_CONSTITUENCIES_ANSWERED, "constituencies", _NARROWER)
    entries = [
        _seats_entry(definition, contest, source, facts, plans[contest].seats)
        for contest, source in heard
        for facts in seat_facts(
            definition, contest, plans[contest], partial(question.view.figures, contest, source), wanted[contest]
        )
    ]
    return orjson.dumps(question.head() | {"seats": entries})


def _seats_entry(
    definition: Election, contest: str, source: str, facts: SeatFacts, house_of: Mapping[str, int]
) -> dict[str, object]:
    total = facts.total
    place = {name: number for number, name in enumerate(definition.ballot_order(contest, facts.unit))}
    order = sorted(total.seats, key=lambda name: (-total.seats[name], place.get(name, len(place)), name))
    return {
        "contest": contest,
        "source": source,
        "unit": facts.unit,
        "level": definition.unit_by_id[facts.unit].level,
        "constituencies": len(facts.constituencies),
        "house": total.house,
        "seats": [
            {"candidate": name, "seats": total.seats[name], "decided": facts.decided.get(name, 0)}
            for name in order
            if total.seats[name]
        ],
        "open": total.open,
        "undecided": [
            {
                "unit": one.unit,
                "seats": one.undecided.seats,
                "between": one.undecided.between,
                "reason": one.undecided.reason,
            }
            for one in facts.undecided
        ],
        "barred": sorted(total.barred),
        "complete": facts.complete,
        "counting": [{"unit": one, "seats": house_of[one]} for one in facts.counting],
    }


MAX_COURSES_ANSWERED: Final = 50
"""Units times contests times sources in one answer, with some 14 KB each."""


class LeadOverTimeEndpoint:
    """/v1/lead-over-time of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answers = Answers()

    async def answer(self, request: Request) -> Response:
        """The courses of the units that are asked for: what was on air, for the control room as well."""
        question = asked(self._gateway, request)._replace(scope="public")
        wanted = _wanted(question)
        lead = question.run_state.lead_over_time
        about = [lead.began, lead.is_recalled]
        return self._answers.answer(request, question, partial(_courses_answer, question, wanted), about=about)


def _wanted(question: Asked) -> list[tuple[str, str, str]]:
    """Raises `HTTPException` for more than one answer has."""
    run_state, filters = question.run_state, question.filters
    kept = run_state.lead_over_time.units
    wanted = [
        (contest, source, unit)
        for contest in filters.contests(run_state)
        for source in filters.sources(run_state)
        for unit in sorted(kept if filters.units is None else kept & filters.units)
    ]
    refuse_more(len(wanted), MAX_COURSES_ANSWERED, "courses", _NARROWER)
    return wanted


def _courses_answer(question: Asked, wanted: list[tuple[str, str, str]]) -> bytes:
    course = question.run_state.lead_over_time.course
    found = [
        {
            "contest": contest,
            "source": source,
            "unit": unit,
            "points": [point._asdict() for point in points],
        }
        for contest, source, unit in wanted
        if (points := course(contest, source, unit))
    ]
    return orjson.dumps(question.head() | {"courses": found})
