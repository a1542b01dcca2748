"""Measures a whole staged night.

`python -m tests.producers.simulating.night_figures` prints what docs/simulation.md reports.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import mean, pstdev

from producers.simulating.library import read_scenario
from producers.simulating.scenario import Scenario
from producers.simulating.simulate import night
from schemas.tally import Counted, Withdrawn, encode

SEED = 1
MOMENTS = ("03-31T19:20", "03-31T20:30", "03-31T22:00", "04-01T00:55", "04-01T05:30", "04-01T12:00")
MAYOR = "metropolitan_mayor"
LOOK_EVERY = timedelta(minutes=5)

Box = tuple[str, str, str, int]


@dataclass
class Figures:
    """What was measured; keys are (source, contest) unless said otherwise."""

    events: int = 0
    size_bytes: int = 0
    opened: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)  # by moment
    votes: dict[str, dict[tuple[str, str], Counter[str]]] = field(default_factory=dict)  # by moment
    district_opened: dict[str, Counter[str]] = field(default_factory=dict)  # by moment: AA, mayor
    per_minute: Counter[tuple[str, str, datetime]] = field(default_factory=Counter)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, type)
    falls: set[tuple[str, str, str, str]] = field(default_factory=set)  # (source, contest, district, candidate)
    fallen: set[tuple[str, str, str]] = field(default_factory=set)  # AA: (contest, district, candidate), as watched
    arrivals: list[float] = field(default_factory=list)  # AA, mayor: minutes after the polls closed
    unattributed_peak: int = 0
    late_flips: list[str] = field(default_factory=list)  # districts whose AA leader changed after 90 %
    last: dict[Box, Counted] = field(default_factory=dict)


@dataclass
class Fold:
    """A naive running count: the newest revision of every box, and sums by source, contest and district."""

    figures: Figures
    boxes_total: dict[str, int]
    opened: Counter[tuple[str, str]] = field(default_factory=Counter)
    district_opened: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    votes: dict[tuple[str, str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unattributed: Counter[str] = field(default_factory=Counter)
    leaders: dict[str, str] = field(default_factory=dict)

    def apply(self, event: Counted | Withdrawn) -> None:
        """Put the event in the place of what the box said before."""
        key = (event.source, event.contest, event.district)
        box: Box = (*key, event.box)
        before = self.figures.last.pop(box, None)
        votes = self.votes[key]
        for name, count in (before.votes if before else {}).items():
            votes[name] -= count
            if isinstance(event, Counted) and event.votes.get(name, 0) < count:
                self.figures.falls.add((*key, name))
        for name, count in (event.votes if isinstance(event, Counted) else {}).items():
            votes[name] += count
        step = isinstance(event, Counted) - (before is not None)
        self.opened[key[:2]] += step
        self.district_opened[key] += step
        self.unattributed[event.source] -= before.unattributed if before else 0
        if isinstance(event, Counted):
            self.figures.last[box] = event
            self.unattributed[event.source] += event.unattributed
        self.figures.unattributed_peak = max(self.figures.unattributed_peak, self.unattributed["aa"])
        self._note_flip(key)

    def _note_flip(self, key: tuple[str, str, str]) -> None:
        if key[:2] != ("aa", "district_mayor") or self.district_opened[key] < 0.9 * self.boxes_total[key[2]]:
            return
        leader = max(self.votes[key], key=lambda name: self.votes[key][name])
        if self.leaders.setdefault(key[2], leader) != leader and key[2] not in self.figures.late_flips:
            self.figures.late_flips.append(key[2])

    def note(self, moment: str) -> None:
        """Keep the sums as they are at this moment."""
        self.figures.opened[moment] = self.opened.copy()
        sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for (source, contest, _), votes in self.votes.items():
            sums[source, contest].update(votes)
        self.figures.votes[moment] = sums
        self.figures.district_opened[moment] = Counter(
            {district: n for (*cell, district), n in self.district_opened.items() if cell == ["aa", MAYOR]}
        )


@dataclass
class Watcher:
    """Somebody who looks at AA's district totals every five minutes, as those did who saw totals fall."""

    fold: Fold
    seen: dict[tuple[str, str, str], tuple[int, Counter[str]]] = field(default_factory=dict)

    def look(self) -> None:
        """Note which candidates have less than at the last look, where not fewer boxes are open."""
        for key, votes in self.fold.votes.items():
            if key[0] != "aa":
                continue
            opened_before, before = self.seen.get(key, (0, Counter()))
            if self.fold.district_opened[key] >= opened_before:
                self.fold.figures.fallen |= {(*key[1:], name) for name in before if votes[name] < before[name]}
            self.seen[key] = self.fold.district_opened[key], Counter(votes)


def measure(scenario: Scenario, events: Iterable[tuple[datetime, Counted | Withdrawn]]) -> Figures:
    """Count a night's events as they come."""
    figures = Figures()
    fold = Fold(figures, {district.id: district.boxes for district in scenario.districts})
    watcher, looks_at = Watcher(fold), scenario.election.polls_close
    moments = [(moment, datetime.fromisoformat(f"2024-{moment}:00+03:00")) for moment in MOMENTS]
    for due, event in events:
        while moments and due > moments[0][1]:
            fold.note(moments.pop(0)[0])
        while due > looks_at:
            watcher.look()
            looks_at += LOOK_EVERY
        figures.events += 1
        figures.size_bytes += len(encode(event))
        figures.kinds[event.source, event.type] += 1
        if event.revision == 1 and (event.source, event.contest) == ("aa", MAYOR):
            figures.arrivals.append((due - scenario.election.polls_close) / timedelta(minutes=1))
        if event.revision == 1:
            figures.per_minute[event.source, event.contest, due.replace(second=0)] += 1
        fold.apply(event)
    for moment, _ in moments:
        fold.note(moment)
    return figures


def spread(figures: Figures, candidate: str) -> tuple[float, float, float]:
    """Lowest, mean and highest of the districts' box-to-box standard deviations of a share, in points (AA, mayor)."""
    shares: dict[str, list[float]] = defaultdict(list)
    for (source, contest, district, _), event in figures.last.items():
        if (source, contest) == ("aa", MAYOR) and event.valid:
            shares[district].append(100 * event.votes.get(candidate, 0) / event.valid)
    deviations = [pstdev(of) for of in shares.values()]
    return min(deviations), mean(deviations), max(deviations)


def margin(figures: Figures, moment: str, source: str) -> float:
    """İmamoğlu's lead over Kurum in points of the votes counted by then."""
    votes = figures.votes[moment][source, MAYOR]
    return 100 * (votes["imamoglu"] - votes["kurum"]) / votes.total()


def peak(figures: Figures, source: str, contest: str) -> int:
    """The most boxes that a source first reported within one minute."""
    return max(n for (*cell, _), n in figures.per_minute.items() if cell == [source, contest])


def disagreeing(figures: Figures) -> int:
    """Reports on which AA and ANKA still differ at the end."""
    return sum(
        event.votes != figures.last["anka", *box[1:]].votes for box, event in figures.last.items() if box[0] == "aa"
    )


def odd(figures: Figures) -> tuple[int, int]:
    """Of AA's final reports: more cast than registered; party sum differs from valid."""
    final = [event for box, event in figures.last.items() if box[0] == "aa"]
    return (
        sum(event.cast > event.registered for event in final),
        sum(sum(event.votes.values()) + event.unattributed != event.valid for event in final),
    )


def _lines(scenario: Scenario, figures: Figures) -> Iterable[str]:
    boxes = sum(district.boxes for district in scenario.districts)
    yield f"events {figures.events}, {figures.size_bytes / figures.events:.0f} bytes each, kinds {dict(figures.kinds)}"
    for moment in MOMENTS:
        opened = figures.opened[moment]
        of = ", ".join(f"{s}/{c} {n} ({100 * n / boxes:.2f} %)" for (s, c), n in sorted(opened.items()))
        yield f"{moment}  {of}"
        yield f"{moment}  margin: " + ", ".join(f"{s} {margin(figures, moment, s):+.2f}" for s in ("aa", "anka"))
        shares = [100 * figures.district_opened[moment][d.id] / d.boxes for d in scenario.districts]
        yield f"{moment}  AA, districts opened: {min(shares):.1f} % to {max(shares):.1f} %"
    for source in ("aa", "anka", "observers"):
        peaks = [peak(figures, source, contest.id) for contest in scenario.contests]
        yield f"peak a minute, {source}: {peaks}"
    for name in ("imamoglu", "kurum", "bestas"):
        yield f"box-to-box SD of {name}: " + " / ".join(f"{value:.1f}" for value in spread(figures, name))
    yield f"district totals that fell at least once: {len(figures.falls)}"
    yield f"AA's unattributed votes at most: {figures.unattributed_peak}"
    yield f"district mayor races whose leader changed after 90 %: {figures.late_flips}"
    yield f"AA and ANKA differ at the end on {disagreeing(figures)} reports"
    yield "AA at the end: {} with cast > registered, {} with sum != valid".format(*odd(figures))


def main() -> None:
    """Stage the whole night and print its figures."""
    began = time.perf_counter()
    scenario = read_scenario()
    staged = night(scenario, SEED)
    scheduled = time.perf_counter()
    next(iter(staged))
    first = time.perf_counter()
    encoded = sum(len(encode(event)) for _, event in staged)
    done = time.perf_counter()
    out = sys.stdout.write
    out(f"schedule {scheduled - began:.1f} s, first event {first - began:.1f} s, all events {done - first:.1f} s\n")
    figures = measure(scenario, staged)
    assert figures.size_bytes == encoded
    out("".join(f"{line}\n" for line in _lines(scenario, figures)))
    *_, (last_due, _) = staged
    out(f"first {staged.first_due}, last {last_due}, {last_due - staged.first_due}\n")


if __name__ == "__main__":
    main()
