"""A run's totals as an election results report of NIST SP 1500-100, version 2 (JSON). Pure.

Terms are the specification's: https://doi.org/10.6028/NIST.SP.1500-100r2. What is ours and has no term there is left
out, never put under a term that means something else; docs/export.md says what that is.

Ballots are counted for each contest by itself in Türkiye, on papers of their own, and `BallotCounts` are an election's:
so each contest is an `Election` of the report. Where districts have ballots of their own, each elects for itself, and
is a `CandidateContest`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sandik.run_totals import RunTotals
from schemas.control import Mode
from schemas.definition import Candidate, Contest, Election, Party, Source, Unit
from schemas.figures import DECLARED
from schemas.totals import Row

Json = dict[str, object]

_COUNTRY: Final = "country"
"""The one level that has the same name in the specification. A province (il) is no `state` and a district (ilçe) no
`county`: every other level is named as what it is."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a report comes from: the source whose figures they are, when it is made, and with what."""

    run: str
    mode: Mode
    source: Source
    generated: datetime
    application: str


def election_report(definition: Election, totals: RunTotals, origin: Origin) -> Json:
    """The report of one source's totals: all units, of all contests or of those that are asked about.

    A contest of which nothing was reported has no `Election` in it, and keeps the count from being complete.
    """
    rows = totals.rows
    reported = {row.contest for row in rows}
    report: Json = {
        **_a("ElectionReport"),
        "Format": "summary-contest",
        "GeneratedDate": origin.generated.isoformat(timespec="seconds"),
        "Issuer": origin.source.name,
        "IssuerAbbreviation": origin.source.id,
        "SequenceStart": 1,
        "SequenceEnd": 1,
        "Status": _status(totals, definition),
        "VendorApplicationId": origin.application,
        "IsTest": origin.mode != "live",
        "Notes": _notes(totals, definition, origin),
        "GpUnit": [_unit(unit, definition, totals) for unit in definition.units],
        "Party": [_party(party, definition.language) for party in definition.parties],
        "Election": [
            _election(contest, definition, [row for row in rows if row.contest == contest.id])
            for contest in definition.contests
            if contest.id in reported
        ],
    }
    if origin.mode != "live":
        report["TestType"] = "replay" if origin.mode == "replay" else "rehearsal"
    return report


def _a(kind: str, name: str | None = None) -> Json:
    """The head of an object: what it is and, where others refer to it, its name in this file."""
    head: Json = {"@id": name} if name else {}
    return head | {"@type": f"ElectionResults.{kind}"}


def _name(*parts: str) -> str:
    """A name in this file, such as `unit-tr-34-uskudar`."""
    return "-".join(parts).replace("/", "-")


def _text(text: str, language: str) -> Json:
    content = {**_a("LanguageString"), "Content": text, "Language": language}
    return {**_a("InternationalizedText"), "Text": [content]}


def _known_as(kind: str, value: str) -> list[Json]:
    """Our own id, by which a reader finds the thing again in every other door."""
    return [{**_a("ExternalIdentifier"), "Type": "other", "OtherType": f"sandik-{kind}", "Value": value}]


def _notes(totals: RunTotals, definition: Election, origin: Origin) -> str:
    """Whose figures these are, which of them (those on air, or others), and what is held or was set by hand."""
    whose = f"Run {origin.run!r} ({origin.mode}); figures of {origin.source.name}."
    return " ".join((whose, *totals.sentences(), *totals.doubts(definition)))


def _status(totals: RunTotals, definition: Election) -> str:
    if not any(row.boxes_opened for row in totals.rows):
        return "pre-election"
    complete = {row.contest for row in totals.rows if row.unit == definition.country and row.complete}
    return "unofficial-complete" if complete.issuperset(totals.contests) else "unofficial-partial"


def _progress(rows: Sequence[Row], contests: Mapping[str, int], total: int) -> Json:
    """How many boxes are counted of a unit: as far as the contest that is least far. `rows` are the unit's rows.

    `contests` are those that are held in the unit, with how many of its boxes each has.

    `TotalSubUnits` are boxes, which are not units of the report themselves. Of more boxes than a district has, those
    that it has are reported, and its count is not completed.
    """
    lacking = (contests[row.contest] - row.boxes_credited for row in rows)
    reported = total - max(lacking, default=total) if len(rows) == len(contests) else 0
    status: Literal["completed", "in-process", "not-processed"] = "in-process"
    if len(rows) < len(contests) or not rows or min(row.boxes_opened for row in rows) == 0:
        status = "not-processed"
    elif all(row.complete for row in rows):
        status = "completed"
    return {
        "SubUnitsReported": reported,
        "TotalSubUnits": total,
        "CountStatus": [{**_a("CountStatus"), "Status": status, "Type": "total"}],
    }


def _unit(unit: Unit, definition: Election, totals: RunTotals) -> Json:
    """A unit; as far as the contest that is least far in it."""
    mine = [row for row in totals.rows if row.unit == unit.id]
    below = [_name("unit", other) for other in definition.children[unit.id]]
    reporting_unit: Json = {
        **_a("ReportingUnit", _name("unit", unit.id)),
        **_level(unit.level),
        "Name": _text(unit.name, definition.language),
        "ExternalIdentifier": _known_as("unit", unit.id),
        **_progress(mine, _boxes(totals.contests, unit.id, definition), definition.boxes_total[unit.id]),
    }
    if below:
        reporting_unit["ComposingGpUnitIds"] = below
    if unit.registered:
        reporting_unit["VotersRegistered"] = unit.registered
    return reporting_unit


def _level(level: str) -> Json:
    return {"Type": "country"} if level == _COUNTRY else {"Type": "other", "OtherType": level}


def _party(party: Party, language: str) -> Json:
    return {
        **_a("Party", _name("party", party.id)),
        "Name": _text(party.name, language),
        "Abbreviation": _text(party.short_name, language),
        "Color": party.color.removeprefix("#"),
        "ExternalIdentifier": _known_as("party", party.id),
    }


def _election(contest: Contest, definition: Election, rows: Sequence[Row]) -> Json:
    """One contest, with the ballots cast in it."""
    root = next(unit for unit in definition.units if unit.parent is None)
    parts = _parts(contest, definition)
    return {
        **_a("Election"),
        "Name": _text(f"{definition.name} · {contest.name}", definition.language),
        "Type": "general",
        "StartDate": definition.date.isoformat(),
        "EndDate": definition.date.isoformat(),
        "ElectionScopeId": _name("unit", root.id),
        "ExternalIdentifier": _known_as("contest", contest.id),
        "BallotCounts": [_ballots(row) for row in rows],
        "Candidate": [_candidate(part, candidate, definition.language) for part in parts for candidate in part.ballot],
        "Contest": [_contest(part, definition, rows) for part in parts],
    }


@dataclass(frozen=True, slots=True)
class _Part:
    """A contest, or one district's own part of it: who is on the ballot, and which units' votes are theirs."""

    contest: str
    name: str
    title: str
    scope: str
    ballot: tuple[Candidate, ...]
    units: frozenset[str]


def _parts(contest: Contest, definition: Election) -> list[_Part]:
    if not contest.ballots:
        scope = _scope(contest, definition)
        everywhere = frozenset(definition.unit_by_id)
        return [_Part(contest.id, _name("contest", contest.id), contest.name, scope, contest.candidates, everywhere)]
    return [
        _Part(
            contest.id,
            _name("contest", contest.id, unit.id),
            f"{contest.name} · {unit.name}",
            unit.id,
            definition.ballot(contest.id, unit.id),
            frozenset({unit.id}),
        )
        for unit in definition.districts
        if definition.is_held(contest.id, unit.id)
    ]


def _scope(contest: Contest, definition: Election) -> str:
    """The smallest unit above districts that everything is in where a contest is held."""
    paths: Iterable[Sequence[str]] = (definition.ancestors[district] for district in definition.area_of(contest.id))
    shared = set.intersection(*(set(path) for path in paths))
    return max(sorted(shared), key=lambda unit: (definition.tree_of(unit) is None, len(definition.ancestors[unit])))


def _boxes(contests: Iterable[str], unit: str, definition: Election) -> dict[str, int]:
    """How many boxes of a unit each of these contests has, of those that are held in it."""
    return {contest: definition.boxes_of(contest)[unit] for contest in contests if definition.is_held(contest, unit)}


def _contest(part: _Part, definition: Election, rows: Sequence[Row]) -> Json:
    mine = [row for row in rows if row.unit in part.units]
    boxes = _boxes([part.contest], part.scope, definition)
    selections = [
        {
            **_a("CandidateSelection", f"{_candidate_name(part, candidate)}-votes"),
            "SequenceOrder": number,
            "CandidateIds": [_candidate_name(part, candidate)],
            "VoteCounts": [_votes(row.unit, row.votes.get(candidate.id, 0), "total") for row in mine],
        }
        for number, candidate in enumerate(part.ballot, start=1)
    ]
    if any(row.unattributed for row in mine):
        selections.append(
            {
                **_a("CandidateSelection", f"{part.name}-unattributed"),
                "SequenceOrder": len(part.ballot) + 1,
                "VoteCounts": [_votes(row.unit, row.unattributed, "other", "unattributed") for row in mine],
            }
        )
    return {
        **_a("CandidateContest", part.name),
        "Name": part.title,
        "ElectionDistrictId": _name("unit", part.scope),
        "VotesAllowed": definition.contest_by_id[part.contest].votes_per_voter,
        **_progress([row for row in mine if row.unit == part.scope], boxes, sum(boxes.values())),
        "ContestSelection": selections,
    }


def _candidate_name(part: _Part, candidate: Candidate) -> str:
    return f"{part.name.replace('contest-', 'candidate-', 1)}-{candidate.id}"


def _candidate(part: _Part, candidate: Candidate, language: str) -> Json:
    fields: Json = {
        **_a("Candidate", _candidate_name(part, candidate)),
        "BallotName": _text(candidate.name, language),
        "ExternalIdentifier": _known_as("candidate", candidate.id),
    }
    return fields | ({"PartyId": _name("party", candidate.party)} if candidate.party else {})


def _votes(unit: str, count: int, kind: str, other: str | None = None) -> Json:
    other_type: Mapping[str, object] = {"OtherType": other} if other else {}
    return {**_a("VoteCounts"), "GpUnitId": _name("unit", unit), "Type": kind, **other_type, "Count": count}


def _ballots(row: Row) -> Json:
    """Return the unit's counts that the specification has a word for: ballots cast, and the invalid ones among them.

    What the source does not give is left out.
    """
    told = [(count.nist, getattr(row, count.name)) for count in DECLARED if count.nist is not None]
    return {
        **_a("BallotCounts"),
        "GpUnitId": _name("unit", row.unit),
        "Type": "total",
        **{name: count for name, count in told if count is not None},
    }
