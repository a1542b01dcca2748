"""Claims, flags and alarms on real elections, whose end is known: none is wrong, at any moment of a count."""

import csv
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from producers.tables.boxes import election, read_table, tallies
from producers.tables.mapping import read_mapping
from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.figures import COUNTS
from schemas.tally import Counted
from schemas.totals import Totals
from tabulation.counting.cells import doubt_in
from tabulation.derived.alarms import Alarms
from tabulation.derived.facts import beyond_in, progress_bp, turnout
from tabulation.view import View
from tests.producers.real_tables import MAPPING, real_table

pytestmark = [pytest.mark.data, pytest.mark.timeout(900)]

START = datetime(2014, 3, 30, 17, tzinfo=UTC)
LOOK_EVERY = 1_000


@dataclass
class Night:
    """A count, box by box: what was claimed on the way of each unit, and what was flagged or raised."""

    definition: Election
    contest: str
    source: str
    claimed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    early: set[str] = field(default_factory=set)
    """Units in which somebody could not be overtaken while boxes were closed."""
    contradicted: Counter[str] = field(default_factory=Counter)
    """Moments of a district with a contradiction."""
    taken_back: int = 0
    impossible: int = 0
    """Boxes with figures that no box can have."""

    def __post_init__(self) -> None:
        self.view = View(self.definition)
        self.alarms = Alarms()
        self._sums: dict[str, dict[str, Any]] = {}
        self._beyond: dict[str, str | None] = {}

    def count(self, boxes: list[Counted]) -> None:
        """Open these boxes, in this order."""
        for offset, box in enumerate(boxes):
            self.view.apply(offset, self._opened(offset, box))
            for unit in self.definition.path(box.district):
                self._look_at(unit)
            if offset % LOOK_EVERY == 0:
                self.alarms.look(self.view, {}, START)
        self.alarms.look(self.view, {}, START)

    def _opened(self, offset: int, box: Counted) -> Totals:
        sums = self._sums.setdefault(box.district, dict.fromkeys(COUNTS, 0) | {"votes": Counter(), "excess": 0})
        odd = box.cast > box.registered or box.valid != sum(box.votes.values())
        for name in ("registered", "cast", "valid", "invalid", "unattributed"):
            sums[name] += getattr(box, name)
        sums["boxes_opened"] += 1
        sums["flagged"] += odd
        doubt = doubt_in(box)
        sums["excess"] += doubt.excess
        self.impossible += doubt.is_impossible
        sums["votes"].update(box.votes)
        where: dict[str, Any] = {"contest": box.contest, "source": box.source, "district": box.district}
        as_of = START + timedelta(milliseconds=offset)
        return Totals.model_construct(
            None, version=offset, as_of=as_of, **where, **sums | {"votes": dict(sums["votes"])}
        )

    def _look_at(self, unit: str) -> None:
        figures = self.view.figures(self.contest, self.source, unit)
        assert figures is not None
        claims, opened = figures.claims, figures.counts["boxes_opened"]
        assert claims.complete == (opened == figures.boxes_total)
        assert (progress_bp(figures) == 10_000) == claims.complete
        leader = beyond_in(self.definition, self.contest, figures)
        if leader is not None:
            self.claimed[unit].add(leader)
            if not claims.complete:
                self.early.add(unit)
        elif self._beyond.get(unit) is not None:
            self.taken_back += 1
        self._beyond[unit] = leader
        if figures.unit.level == "district":
            self.contradicted.update(claims.contradictions)

    def excess(self, unit: str) -> int:
        """What single boxes of a district leave in doubt beyond what the sums tell."""
        figures = self.view.figures(self.contest, self.source, unit)
        return figures.excess if figures is not None else 0

    def winners(self) -> dict[str, set[str]]:
        """Who has most votes in each unit at the end; two in a tie."""
        found = {}
        for row in self.view.rows(contest=self.contest):
            most = max(row.votes.values())
            found[row.unit] = {name for name, votes in row.votes.items() if votes == most}
        return found

    def safe_at_the_end(self) -> set[str]:
        """Units in which somebody cannot be overtaken when all is counted."""
        return {unit for unit, leader in self._beyond.items() if leader is not None}


def count_2014(table: str, seed: int) -> Night:
    mapping = read_mapping(MAPPING)
    boxes = read_table(real_table(table), mapping)
    events = list(tallies(boxes, mapping))
    random.Random(seed).shuffle(events)
    night = Night(election(boxes, mapping), events[0].contest, events[0].source)
    night.count(events)
    return night


def check(night: Night) -> None:
    """Nothing that was ever claimed is wrong, and what can be claimed at the end is."""
    winners = night.winners()
    assert all({*leaders} == winners[unit] for unit, leaders in night.claimed.items())
    assert night.safe_at_the_end() == {unit for unit, names in winners.items() if len(names) == 1}
    assert ([], 0) == (list(night.alarms.raised), night.taken_back)
    in_doubt = [row.unit for row in night.view.rows() if night.excess(row.unit)]
    assert ([], 0) == (in_doubt, night.impossible)


def test_istanbul_2014_claims_nothing_wrong() -> None:
    """39 districts, the province and the country are each safe before their last box, and nothing contradicts."""
    night = count_2014("istanbul-2014/boxes.csv.gz", 20140330)
    check(night)
    assert (41, 41, Counter()) == (len(night.early), len(night.safe_at_the_end()), night.contradicted)


@pytest.mark.slow
def test_turkiye_2014_claims_nothing_wrong() -> None:
    """Three districts leave votes to nobody and one has three votes more than voters: odd, and no contradiction."""
    night = count_2014("turkiye-2014/boxes.csv.gz", 20140330)
    check(night)
    assert (943, 1_427, Counter()) == (len(night.early), len(night.safe_at_the_end()), night.contradicted)
    row = next(row for row in night.view.rows() if (row.cast, row.registered) == (2_128, 2_125))
    figures = night.view.figures(night.contest, night.source, row.unit)
    assert figures is not None
    assert 10_014 == turnout(figures).share_bp


@pytest.mark.parametrize("contest", ["metropolitan_mayor", "district_mayor", "district_council"])
def test_istanbul_2024_is_complete_and_contradicts_nothing(contest: str) -> None:
    """The final figures of 39 districts, as an agency that reports districts would send them."""
    with real_table(f"istanbul-2024/{contest}.csv").open(encoding="utf-8", newline="") as file:
        lines: dict[str, list[dict[str, str]]] = defaultdict(list)
        for line in csv.DictReader(file):
            lines[line["district"]].append(line)
    districts = {f"tr/34/{number}": rows for number, rows in enumerate(lines.values())}
    definition = istanbul(districts)
    view, alarms = View(definition), Alarms()
    for offset, (district, rows) in enumerate(districts.items()):
        view.apply(offset, reported(district, rows, offset))
    alarms.look(view, {}, START)
    for row in view.rows():
        figures = view.figures(row.contest, row.source, row.unit)
        assert figures is not None
        most = [name for name, votes in row.votes.items() if votes == max(row.votes.values())]
        assert (True, (), 0) == (row.complete, row.contradictions, row.boxes_surplus)
        assert (10_000, most) == (progress_bp(figures), [beyond_in(definition, row.contest, figures)])
    assert [] == list(alarms.raised)


def istanbul(districts: dict[str, list[dict[str, str]]]) -> Election:
    """The districts of a table, each with a ballot of its own."""
    ballots = {
        district: tuple(Candidate(id=f"c{row['candidate_code']}", name=row["candidate"]) for row in rows)
        for district, rows in districts.items()
    }
    units = [Unit(id="tr", level="country", name="Türkiye")]
    units += [Unit(id="tr/34", level="province", name="İstanbul", parent="tr")]
    for district, (first, *_) in districts.items():
        about = {"registered": int(first["registered"]), "boxes": ((1, int(first["boxes_total"])),)}
        unit = {"id": district, "level": "district", "name": first["district"], "parent": "tr/34"}
        units.append(Unit.model_validate(unit | about))
    return Election(
        id="istanbul",
        name="İstanbul",
        date=date(2024, 3, 31),
        parties=(),
        sources=(Source(id="aa", name="AA", reports="districts"),),
        contests=(Contest(id="m", name="M", candidates=next(iter(ballots.values())), ballots=ballots),),
        units=tuple(units),
    )


def reported(district: str, rows: list[dict[str, str]], version: int) -> Totals:
    """A district's final figures."""
    first = rows[0]
    cast, valid = int(first["ballots_cast"]), int(first["valid_votes"])
    return Totals(
        contest="m",
        source="aa",
        district=district,
        version=version,
        as_of=START,
        boxes_opened=int(first["boxes_total"]),
        annulled=0,
        registered=int(first["registered"]),
        cast=cast,
        valid=valid,
        invalid=cast - valid,
        unattributed=0,
        flagged=0,
        votes={f"c{row['candidate_code']}": int(row["votes"]) for row in rows},
    )
