"""Real nights beside the staged one: every figure, what it should be, what it is, and how far apart they may be.

`python -m tests.producers.simulating.realism` prints the table that docs/simulation.md shows.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, pstdev
from typing import Final

from producers.simulating.library import read_scenario
from producers.simulating.simulate import night
from schemas.tally import Counted
from tests.producers.simulating.night_figures import MAYOR, SEED, Figures, measure, odd, peak, spread

CLOSE_MINUTES: Final = 22.0
"""The first box came at 17:22, polls having closed at 17:00."""

MILESTONE: Final = (30_561 / 33_273, 475.0)
"""The share of boxes open at 00:55 in 2024, in minutes after the polls closed."""

QUANTILES_2019: Final = {
    0.05: 42.1,
    0.1: 59.6,
    0.25: 98.5,
    0.5: 163.4,
    0.75: 226.7,
    0.9: 273.8,
    0.95: 294.8,
}
"""Minutes after the first one by which this share of 2,245 boxes reached the electoral council on 31 March 2019."""

STRETCH: Final = (MILESTONE[1] - CLOSE_MINUTES) / 281.5
"""2024 against 2019: the milestone's share came 281.5 minutes after the first box in 2019."""


@dataclass(frozen=True)
class Compared:
    """One figure: `tolerance` is how far the ratio of staged to real may be from 1."""

    what: str
    real: float
    staged: float
    tolerance: float

    @property
    def ratio(self) -> float:
        return self.staged / self.real

    @property
    def is_near(self) -> bool:
        return abs(self.ratio - 1) <= self.tolerance


def compare(figures: Figures) -> Iterator[Compared]:
    """Every figure that is known of real nights, beside that of the staged one."""
    opened_0055, opened_0530 = figures.opened["04-01T00:55"], figures.opened["04-01T05:30"]
    for share, minutes in QUANTILES_2019.items():
        yield Compared(
            f"minutes after 17:00 at which {share:.0%} of AA's boxes are open (2019's curve, stretched to 2024)",
            CLOSE_MINUTES + STRETCH * minutes,
            sorted(figures.arrivals)[int(share * len(figures.arrivals))],
            0.06,
        )
    yield Compared("mayor's race, boxes open at 00:55", 30_561, opened_0055["aa", MAYOR], 0.01)
    yield Compared("council race, boxes open at 00:55", 26_921, opened_0055["aa", "district_council"], 0.02)
    behind = opened_0055["aa", MAYOR] - opened_0055["aa", "district_council"]
    yield Compared("boxes by which the council race is behind then", 30_561 - 26_921, behind, 0.15)
    yield Compared("percent of the mayor's race open at 05:30", 99.98, opened_0530["aa", MAYOR] / 332.73, 0.001)
    busiest = max(peak(figures, source, MAYOR) for source in ("aa", "anka"))
    yield Compared("most boxes in a minute, one race (2019)", 270, busiest, 0.2)
    yield Compared("box-to-box SD of the first's share, points (CHP 2014)", 14.0, spread(figures, "imamoglu")[1], 0.1)
    yield Compared("box-to-box SD of the second's share, points (AK 2014)", 12.8, spread(figures, "kurum")[1], 0.1)
    yield Compared("candidates' district totals seen to fall while boxes do not", 85, len(figures.fallen), 0.4)
    yield Compared("unattributed votes at their height (AA, all races)", 126_763, figures.unattributed_peak, 0.15)
    yield from _boxes(figures)


def _boxes(figures: Figures) -> Iterator[Compared]:
    """The boxes themselves, beside İstanbul's 32,164 of the municipal record of 30 March 2014."""
    districts: dict[str, list[Counted]] = defaultdict(list)
    for (source, contest, district, _), event in figures.last.items():
        if (source, contest) == ("aa", MAYOR):
            districts[district].append(event)
    boxes = [box for of in districts.values() for box in of]
    turnout = mean(pstdev([100 * box.cast / box.registered for box in of]) for of in districts.values())
    spoilt = mean(pstdev([100 * box.invalid / box.cast for box in of]) for of in districts.values())
    invalid = 100 * sum(box.invalid for box in boxes) / sum(box.cast for box in boxes)
    yield Compared("voters on a roll, mean", 11_314_534 / 33_273, mean(box.registered for box in boxes), 0.001)
    yield Compared("voters on a roll, SD (2014)", 13.5, pstdev([box.registered for box in boxes]), 0.3)
    yield Compared("box-to-box SD of turnout, points (2014)", 3.87, turnout, 0.15)
    yield Compared("invalid, percent of cast (mayor's race)", 100 * 302_700 / 8_970_212, invalid, 0.05)
    yield Compared("SD of the invalid share, against its mean (2014)", 2.694 / 4.446, spoilt / invalid, 0.15)
    yield Compared("boxes with more cast than registered (2014)", 24, odd(figures)[0] / 3, 1.0)


def table(figures: Figures) -> Iterator[str]:
    """The comparison as lines of Markdown."""
    yield "| | Real | Staged | Ratio |"
    yield "|---|---:|---:|---:|"
    for row in compare(figures):
        yield f"| {row.what} | {_number(row.real)} | {_number(row.staged)} | {row.ratio:.2f} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}" if value < 99 else f"{value:.4g}"


def main() -> None:
    """Stage the whole night and print its figures beside the real ones."""
    scenario = read_scenario()
    figures = measure(scenario, night(scenario, SEED))
    sys.stdout.write("".join(f"{line}\n" for line in table(figures)))


if __name__ == "__main__":
    main()
