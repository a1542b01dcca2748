"""Figures as flat columns with names that never vanish, for graphics tools that bind a text field to a key. Pure.

A row is one unit. Its columns depend on what is asked for and on the definition, never on what has come in: where
there is nothing yet, numbers are 0 and texts are empty. Raw numbers come beside ready-made texts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.derived.facts import Ballots, Facts, Ranked, progress_bp, share_bp
from gateway.derived.format import Language, count_text, percent_text, points_text
from gateway.folds.figures import Figures
from schemas.definition import Candidate, Contest, Election, Level, Unit
from schemas.turkish import collation_key, upper

Value = int | float | str
Row = dict[str, Value]

_COUNTS: Final = ("boxes_opened", "registered", "cast", "valid", "invalid", "unattributed")
_LEVELS: Final[tuple[Level, ...]] = ("country", "province", "district")
_HUNDREDTHS: Final = 100


class SameKey(ValueError):
    """Two ids of the definition would have columns of the same name: one's figures would pass for the other's."""

    def __init__(self, one: str, other: str, key: str) -> None:
        super().__init__(
            f"{one!r} and {other!r} would both have a column {key!r}: '-' and '_' are the same in it. Ask for one of "
            "them at a time (unit=, contest=), or give them ids in the definition that differ in more than that."
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """What columns there are: rank slots, the language of the texts, and whose ids have columns of their own."""

    slots: int
    language: Language
    candidates: tuple[str, ...]


class Columns:
    """The columns of one election."""

    def __init__(self, definition: Election) -> None:
        self._definition = definition
        self._ballots = Ballots(definition)
        self._parties = {party.id: party for party in definition.parties}
        self._zone = _zone(definition.timezone)
        self._unit_keys = _unit_keys(definition)

    def candidates(self, contests: Iterable[str], units: Iterable[str]) -> tuple[str, ...]:
        """Everybody on a ballot of these contests in these units, in ballot order."""
        found: dict[str, None] = {}
        places = list(units)
        for contest in contests:
            for unit in ("", *places):
                found.update(dict.fromkeys(self._ballots.order(contest, unit)))
        return tuple(found)

    def sorted_units(self, units: Collection[str] | None) -> list[Unit]:
        """The country, then provinces, then districts; each level as the Turkish alphabet has it."""
        chosen = [unit for unit in self._definition.units if units is None or unit.id in units]
        return sorted(chosen, key=lambda unit: (_LEVELS.index(unit.level), collation_key(unit.name), unit.id))

    def row(self, contest: str, unit: Unit, figures: Figures | None, shape: Shape) -> Row:
        """The columns of a unit; `figures` is `None` where nothing was ever reported.

        Raises `SameKey` where two candidates' columns would be the same, whatever has come in.
        """
        total = self._definition.boxes_total[unit.id]
        counted = figures or _nothing(unit, total)
        facts = self._ballots.facts(contest, counted)
        names = self._names(self._definition.contest_by_id[contest], unit.id)
        row: Row = {"unit": unit.id, "unit_name": unit.name, "unit_name_upper": upper(unit.name), "level": unit.level}
        row |= self._progress(counted, figures.as_of if figures else None, shape.language)
        row |= _outcome(facts, names, shape.language)
        places = facts.ranking if facts.lead else ()
        for slot in range(1, shape.slots + 1):
            place = places[slot - 1] if slot <= len(places) else None
            row |= {f"{slot}_{name}": value for name, value in self._place(place, names, counted, shape).items()}
        by_id = {place.candidate: place for place in facts.ranking}
        taken, owners = frozenset(row), dict[str, str]()
        for candidate in shape.candidates:
            said = self._place(by_id.get(candidate), names, counted, shape)
            key = _candidate_key(candidate, said, taken)
            if owners.setdefault(key, candidate) != candidate:
                raise SameKey(owners[key], candidate, f"{key}_name")
            row |= {f"{key}_{name}": value for name, value in said.items()}
        return row

    def flat(self, rows: Iterable[Row]) -> Row:
        """The rows as one object: each unit's columns behind its key.

        Raises `SameKey` where two units' columns would be the same, whatever has come in.
        """
        flat: Row = {}
        units: list[str] = []
        for row in rows:
            unit = str(row["unit"])
            key = self._unit_keys[unit]
            said = {f"{key}_{name}": value for name, value in row.items()}
            if not flat.keys().isdisjoint(said):
                same = min(flat.keys() & said.keys())
                other = max((one for one in units if same.startswith(f"{self._unit_keys[one]}_")), key=len)
                raise SameKey(other, unit, same)
            units.append(unit)
            flat |= said
        return flat

    def _progress(self, counted: Figures, as_of: datetime | None, language: Language) -> Row:
        row: Row = {
            "as_of": as_of.isoformat() if as_of else "",
            "as_of_text": as_of.astimezone(self._zone).strftime("%H:%M") if as_of else "",
            "overridden": int(bool(counted.overridden)),
            "boxes_total": counted.boxes_total,
            "boxes_total_text": count_text(counted.boxes_total, language),
        }
        for name in _COUNTS:
            row[name] = counted.counts[name]
            row[f"{name}_text"] = count_text(counted.counts[name], language)
        opened = progress_bp(counted.counts["boxes_opened"], counted.boxes_total)
        return row | {"boxes_pct": _number(opened), "boxes_pct_text": percent_text(opened, language)}

    def _place(self, place: Ranked | None, names: Mapping[str, Candidate], counted: Figures, shape: Shape) -> Row:
        candidate = names.get(place.candidate) if place else None
        party = self._parties.get(candidate.party or "") if candidate else None
        share = share_bp(place.votes, counted.counts["valid"]) if place else None
        has_votes = place is not None and any(counted.votes.values())
        name = candidate.name if candidate else place.candidate if place else ""
        return {
            "id": place.candidate if place else "",
            "name": name,
            "name_upper": upper(name),
            "party": party.short_name if party else "",
            "color": party.color if party else "",
            "rank": place.rank if place and has_votes else 0,
            "tied": int(place.tied) if place and has_votes else 0,
            "votes": place.votes if place else 0,
            "votes_text": count_text(place.votes, shape.language) if place else "",
            "pct": _number(share),
            "pct_text": percent_text(share, shape.language),
            "share_text": percent_text(place.share_bp if place else None, shape.language),
        }

    @staticmethod
    def _names(contest: Contest, unit: str) -> dict[str, Candidate]:
        """The names on the unit's ballot, and those of the contest's for whoever is not on it."""
        return {candidate.id: candidate for candidate in (*contest.candidates, *contest.ballot(unit))}


def _outcome(facts: Facts, names: Mapping[str, Candidate], language: Language) -> Row:
    ahead = facts.lead
    alone = ahead.leaders[0] if ahead and len(ahead.leaders) == 1 else None
    turnout = facts.turnout.share_bp
    return {
        "turnout_pct": _number(turnout),
        "turnout_pct_text": percent_text(turnout, language),
        "leader": alone or "",
        "leader_name": (names[alone].name if alone in names else alone) if alone else "",
        "leaders": len(ahead.leaders) if ahead else 0,
        "margin_votes": ahead.votes if ahead else 0,
        "margin_votes_text": count_text(ahead.votes, language) if ahead else "",
        "margin_points": _number(facts.margin_bp),
        "margin_points_text": points_text(facts.margin_bp, language),
        "cannot_be_overtaken": int(facts.cannot_be_overtaken),
    }


def _candidate_key(candidate: str, said: Iterable[str], taken: Collection[str]) -> str:
    """What a candidate's keys begin with: the id, unless that would be some other column's name."""
    key = candidate.replace("-", "_")
    return f"candidate_{key}" if any(f"{key}_{name}" in taken for name in said) or key.isdigit() else key


def _unit_keys(definition: Election) -> dict[str, str]:
    """The last part of each unit's id, such as `kadikoy`; of those that share it, the whole id: `tr_41_merkez`."""
    short = {unit.id: unit.id.rsplit("/", 1)[-1].replace("-", "_") for unit in definition.units}
    known = list(short.values())
    return {unit: key if known.count(key) == 1 else _path_key(unit) for unit, key in short.items()}


def _path_key(unit: str) -> str:
    return unit.replace("/", "_").replace("-", "_")


def _nothing(unit: Unit, boxes_total: int) -> Figures:
    """A unit of which nothing was reported."""
    return Figures(unit, boxes_total, datetime.min, born=0, seq=0, as_of_seq=0)  # noqa: DTZ901  it is shown nowhere


def _number(hundredths: int | None) -> float:
    return (hundredths or 0) / _HUNDREDTHS


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
