"""Figures as flat columns with names that never vanish, for graphics tools that bind a text field to a key. Pure.

A row is one unit. Its columns depend on what is asked for and on the definition, never on what has come in: where
there is nothing yet, numbers are 0 and texts are empty.
Where the source does not give a count, both are empty. Raw numbers come beside ready-made texts, which have numbers as
the reader's language writes them: `11.360.000` and `%51,14`, or `11,360,000` and `51.14%`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from schemas.definition import Candidate, Election, Unit
from schemas.figures import EVERY_COUNT, EVERYWHERE, ROW_COUNTS, Given
from schemas.spelling import collation_key, upper
from tabulation.derived.facts import Facts, FindFigures, Ranked, facts_in
from tabulation.derived.swing import LastTime, Swing, SwingFacts, base_of
from tabulation.figures import UnitFigures

Language = Literal["tr", "en"]

_HUNDREDTHS: Final = 100

_OF_THE_UNIT: Final = frozenset({"boxes_total", "boxes_total_text", "told"})
"""The numbers of a unit that the definition has, whoever tells it."""


def count_text(number: int, language: Language) -> str:
    """A count of 0 or more, its thousands apart."""
    text = f"{number:,}"
    return text.replace(",", ".") if language == "tr" else text


def points_text(hundredths: int | None, language: Language) -> str:
    """Points from hundredths: `11,55`; nothing where there are none."""
    if hundredths is None:
        return ""
    whole, part = divmod(hundredths, _HUNDREDTHS)
    return f"{count_text(whole, language)}{',' if language == 'tr' else '.'}{part:02}"


def percent_text(hundredths: int | None, language: Language) -> str:
    """A share from hundredths of a per cent; nothing where there is none."""
    if hundredths is None:
        return ""
    number = points_text(hundredths, language)
    return f"%{number}" if language == "tr" else f"{number}%"


def change_text(hundredths: int | None, language: Language) -> str:
    """A change in points from hundredths, with its sign: `+3,07`; nothing where there is none."""
    if hundredths is None:
        return ""
    sign = "+" if hundredths > 0 else "-" if hundredths < 0 else ""
    return f"{sign}{points_text(abs(hundredths), language)}"


Value = int | float | str
Row = dict[str, Value]

MAX_SHAPES_KEPT: Final = 16
"""Shapes whose names of columns are kept: a gateway has one for each table it keeps. At 80 bytes a name, İstanbul's 49
candidates and slots are 1,176 names and 100 KB; no unit of an answer has more than 60,000 names, which are 5 MB."""


class SameKey(ValueError):
    """Two ids of the definition would have columns of the same name: one's figures would pass for the other's."""

    def __init__(self, one: str, other: str, key: str) -> None:
        super().__init__(
            f"{one!r} and {other!r} would both have a column {key!r}: '-' and '_' are the same in it. Ask for one of "
            "them at a time (unit=, contest=), or give them ids in the definition that differ in more than that."
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """What columns there are: rank slots, the language of the texts, and whose ids have columns of their own.

    `origin` is put before the addresses of pictures, such as `http://graphics-server:8765`.
    """

    slots: int
    language: Language
    candidates: tuple[str, ...]
    origin: str = ""


class Pictures(NamedTuple):
    """The addresses that there are: of candidates' photos and of parties' logos, by their ids."""

    photos: Mapping[str, str] = MappingProxyType({})
    logos: Mapping[str, str] = MappingProxyType({})


class _Layout(NamedTuple):
    """The names of the columns of each rank slot, and of each candidate."""

    slots: tuple[tuple[str, ...], ...]
    candidates: dict[str, tuple[str, ...]]


_NO_PICTURES: Final = Pictures()


class Columns:
    """The columns of one election."""

    def __init__(self, definition: Election, pictures: Pictures = _NO_PICTURES) -> None:
        """With no pictures at all there are no columns of them."""
        self._definition = definition
        self._pictures = pictures
        self._parties = {party.id: party for party in definition.parties}
        self._zone = definition.zone
        self._has_levels = any(source.levels for source in definition.sources)
        self._counts_blank = any(contest.blank for contest in definition.contests)
        self._unit_keys = _unit_keys(definition)
        self._layouts: dict[Shape, _Layout] = {}
        self._last_times = {
            contest.id: LastTime(definition, base)
            for contest in definition.contests
            if (base := base_of(definition, contest.id)) is not None
        }

    def cells_in(self, contest: str, source: str, unit: str) -> tuple[str, ...]:
        """The units that a source tells of a contest in this one."""
        return self._definition.cells_in(contest, source, unit)

    def given(self, contest: str, source: str) -> Given:
        """Which counts there are of a contest from a source."""
        return self._definition.given(contest, source)

    def candidates(self, contests: Iterable[str], units: Iterable[str]) -> tuple[str, ...]:
        """Everybody on a ballot of these contests in these units, in ballot order."""
        found: dict[str, None] = {}
        places = list(units)
        for contest in contests:
            for unit in ("", *places):
                found.update(dict.fromkeys(self._definition.ballot_order(contest, unit)))
        return tuple(found)

    def sorted_units(self, units: Collection[str] | None) -> list[Unit]:
        """Level by level, as in the definition; each level as the election's language has it."""
        return [unit for unit in self._in_order if units is None or unit.id in units]

    def unit_key(self, unit: str) -> str:
        """What the keys of a unit begin with where several units' columns are in one object."""
        return self._unit_keys[unit]

    def row(
        self,
        contest: str,
        unit: Unit,
        figures: UnitFigures | None,
        shape: Shape,
        find: FindFigures = lambda _unit: None,
        given: Given = EVERY_COUNT,
        cells: Sequence[str] | None = None,
    ) -> Row:
        """The columns of a unit; `figures` is `None` where nothing was ever reported.

        `given` says which counts the source gives: the columns of the others are empty. `cells` are the units that the
        source tells in this one, if not all districts: with none the unit is not told, and no number of it is there.

        `find` has the figures of other units, for what has changed since the last time. Those columns are there where
        any contest of the definition has previous results.

        Raises `SameKey` where two candidates' columns would be the same, whatever has come in.
        """
        total = self._definition.boxes_of(contest)[unit.id]
        counted = figures or _nothing(unit, total, given)
        facts = facts_in(self._definition, contest, counted)
        names = self._names(contest, unit.id)
        row: Row = {
            "unit": unit.id,
            "unit_name": unit.name,
            "unit_name_upper": self._upper(unit.name),
            "level": unit.level,
        }
        row |= self._progress(counted, figures.as_of if figures else None, shape.language)
        row |= _claims(facts, counted, shape.language)
        row |= _outcome(facts, names, shape.language)
        last_time = self._last_times.get(contest)
        since = last_time.facts(unit.id, find, cells) if last_time is not None else None
        row |= self._since(last_time, since, shape.language)
        swings = {swing.candidate: swing for swing in since.swings} if since is not None else {}
        has_votes = any(counted.votes.values())
        blank = self._place(None, names, shape, has_votes=has_votes) | self._swing(None, shape.language)
        places = {
            place.candidate: self._place(place, names, shape, has_votes=has_votes)
            | self._swing(swings.get(place.candidate), shape.language)
            for place in facts.ranking
        }
        layout = self._layout(shape, blank, row)
        # The same columns twice: by rank, while somebody has votes, and by candidate, whoever is asked for.
        slots = [places[place.candidate] for place in facts.ranking] if facts.lead else []
        for slot, names_of_slot in enumerate(layout.slots):
            row.update(zip(names_of_slot, (slots[slot] if slot < len(slots) else blank).values(), strict=True))
        for candidate, names_of_candidate in layout.candidates.items():
            row.update(zip(names_of_candidate, places.get(candidate, blank).values(), strict=True))
        row["level_name"] = self._definition.level_of(unit.id).name
        if self._has_levels:
            row["told"] = int(cells is None or bool(cells))
            if not row["told"]:
                row |= {name: "" for name, value in row.items() if name not in _OF_THE_UNIT and _is_figure(name, value)}
        return row

    def check_apart(self, units: Iterable[Unit], names: Collection[str]) -> None:
        """Raise `SameKey` where two units' columns of these names would be the same behind the units' keys."""
        known, owners = frozenset(names), dict[str, str]()
        for unit in units:
            key = self._unit_keys[unit.id]
            if owners.setdefault(key, unit.id) != unit.id:
                raise SameKey(owners[key], unit.id, f"{key}_{min(known)}")
        for key, owner in owners.items():
            for short, rest in _beginnings(key):
                if short in owners and (same := [name for name in known if f"{rest}_{name}" in known]):
                    raise SameKey(owners[short], owner, f"{key}_{min(same)}")

    @cached_property
    def _in_order(self) -> list[Unit]:
        language = self._definition.language
        order = {level: number for number, level in enumerate(self._definition.level_by_id)}
        return sorted(
            self._definition.units,
            key=lambda unit: (order[unit.level], collation_key(unit.name, language), unit.id),
        )

    def _upper(self, name: str) -> str:
        return upper(name, self._definition.language)

    def _layout(self, shape: Shape, place: Row, fixed: Row) -> _Layout:
        """The names of a shape's columns; they follow from the shape, so they are worked out once."""
        layout = self._layouts.get(shape)
        if layout is None:
            if len(self._layouts) >= MAX_SHAPES_KEPT:
                self._layouts.clear()
            slots = tuple(tuple(f"{slot}_{name}" for name in place) for slot in range(1, shape.slots + 1))
            keys = _candidate_keys(shape.candidates, place, {*fixed, *(name for slot in slots for name in slot)})
            layout = _Layout(slots, {one: tuple(f"{key}_{name}" for name in place) for one, key in keys.items()})
            self._layouts[shape] = layout
        return layout

    def _progress(self, counted: UnitFigures, as_of: datetime | None, language: Language) -> Row:
        row: Row = {
            "as_of": as_of.isoformat() if as_of else "",
            "as_of_text": as_of.astimezone(self._zone).strftime("%H:%M") if as_of else "",
            "overridden": int(bool(counted.overridden)),
            "boxes_total": counted.boxes_total,
            "boxes_total_text": count_text(counted.boxes_total, language),
        }
        for name in ROW_COUNTS:
            if name in EVERYWHERE or self._counts_blank:
                count = counted.counts.get(name)
                row[name] = "" if count is None else count
                row[f"{name}_text"] = "" if count is None else count_text(count, language)
        return row

    def _place(
        self,
        place: Ranked | None,
        names: Mapping[str, Candidate],
        shape: Shape,
        *,
        has_votes: bool,
    ) -> Row:
        language = shape.language
        candidate = names.get(place.candidate) if place else None
        party = self._parties.get(candidate.party or "") if candidate else None
        share = place.valid_share_bp if place else None
        name = candidate.name if candidate else place.candidate if place else ""
        return {
            "id": place.candidate if place else "",
            "name": name,
            "name_upper": self._upper(name),
            "party": party.short_name if party else "",
            "color": party.color if party else "",
            "rank": place.rank if place and has_votes else 0,
            "tied": int(place.tied) if place and has_votes else 0,
            "votes": place.votes if place else 0,
            "votes_text": count_text(place.votes, language) if place else "",
            "pct": _number(share),
            "pct_text": percent_text(share, language),
            "share_text": percent_text(place.share_bp if place else None, language),
            **self._pictured(place.candidate if place else "", party.id if party else "", shape.origin),
        }

    def _pictured(self, candidate: str, party: str, origin: str) -> Row:
        """Where the candidate's photo and the party's logo are; empty where there is none."""
        photos, logos = self._pictures
        if not photos and not logos:
            return {}
        photo, logo = photos.get(candidate), logos.get(party)
        return {"photo": f"{origin}{photo}" if photo else "", "logo": f"{origin}{logo}" if logo else ""}

    def _since(self, last_time: LastTime | None, since: SwingFacts | None, language: Language) -> Row:
        """What has changed in the unit since the last time; the base is named."""
        if not self._last_times:
            return {}
        held_by = since.held_by[0] if since is not None and len(since.held_by) == 1 else ""
        previous = last_time.previous if last_time is not None else None
        return {
            "previous": previous.id if previous else "",
            "previous_name": previous.name if previous else "",
            "held_by": held_by,
            "held_by_name": previous.names.get(held_by, held_by) if previous else "",
            "outcome": (since.outcome if since is not None else None) or "",
            "compared": since.compared if since is not None else 0,
            "flipped": len(since.flipped) if since is not None else 0,
            "turnout_change": _number(since.turnout_change_bp if since is not None else None),
            "turnout_change_text": change_text(since.turnout_change_bp if since is not None else None, language),
        }

    def _swing(self, swing: Swing | None, language: Language) -> Row:
        if not self._last_times:
            return {}
        return {
            "swing": _number(swing.swing_bp if swing else None),
            "swing_text": change_text(swing.swing_bp if swing else None, language),
            "votes_change": swing.votes_change if swing else 0,
        }

    def _names(self, contest: str, unit: str) -> dict[str, Candidate]:
        """The names on the unit's ballot, and those of the contest's for whoever is not on it."""
        definition = self._definition
        names = (*definition.contest_by_id[contest].candidates, *definition.ballot(contest, unit))
        return {candidate.id: candidate for candidate in names}


def _claims(facts: Facts, counted: UnitFigures, language: Language) -> Row:
    """How far the count is, and what the figures contradict: names of contradictions with spaces between them."""
    return {
        "boxes_pct": _number(facts.progress_bp),
        "boxes_pct_text": percent_text(facts.progress_bp, language),
        "boxes_surplus": counted.claims.boxes_surplus,
        "complete": int(facts.complete),
        "contradictions": " ".join(facts.contradictions),
    }


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


def _candidate_keys(candidates: Iterable[str], place: Collection[str], taken: Collection[str]) -> dict[str, str]:
    """What each candidate's keys begin with. Raises `SameKey` where it would be the same for two."""
    keys, owners = dict[str, str](), dict[str, str]()
    for candidate in candidates:
        key = keys[candidate] = _candidate_key(candidate, place, taken)
        if owners.setdefault(key, candidate) != candidate:
            raise SameKey(owners[key], candidate, f"{key}_name")
    return keys


def _candidate_key(candidate: str, place: Collection[str], taken: Collection[str]) -> str:
    """The id, unless that would be some other column's name."""
    key = candidate.replace("-", "_")
    return f"candidate_{key}" if any(f"{key}_{name}" in taken for name in place) or key.isdigit() else key


def _unit_keys(definition: Election) -> dict[str, str]:
    """The last part of each unit's id, such as `kadikoy`; of those that share it, the whole id: `tr_41_merkez`."""
    short = {unit.id: unit.id.rsplit("/", 1)[-1].replace("-", "_") for unit in definition.units}
    times = Counter(short.values())
    return {unit: key if times[key] == 1 else _path_key(unit) for unit, key in short.items()}


def _beginnings(key: str) -> Iterator[tuple[str, str]]:
    """The key parted at each of its underscores."""
    parts = key.split("_")
    for end in range(1, len(parts)):
        yield "_".join(parts[:end]), "_".join(parts[end:])


def _path_key(unit: str) -> str:
    return unit.replace("/", "_").replace("-", "_")


def _nothing(unit: Unit, boxes_total: int, given: Given) -> UnitFigures:
    """A unit of which nothing was reported."""
    counts = dict.fromkeys(given.counts, 0)
    never = datetime.min  # noqa: DTZ901  it is shown nowhere
    return UnitFigures(unit, boxes_total, never, born=0, seq=0, as_of_seq=0, counts=counts)


def _number(hundredths: int | None) -> float:
    return (hundredths or 0) / _HUNDREDTHS


def _is_figure(name: str, value: Value) -> bool:
    """Whether a column says how many of something there are, as a number or a text."""
    return not isinstance(value, str) or name.endswith("_text")
