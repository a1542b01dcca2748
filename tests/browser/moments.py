"""The moments of a night in which every overlay is looked at: ordinary ones, and the worst that there are."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from schemas.contests import Alliance, SeatPlan
from schemas.definition import Candidate, Election
from tests.browser.city import BOXES, DISTRICTS, election
from tests.browser.overlays import AT, Script, entry, rolled_up, state

UNIT: Final = "tr/34/buyukcekmece"
ALL: Final = BOXES * len(DISTRICTS)
MANY: Final = 49
SEATED: Final = {"council", "majority"}
"""Overlays of a contest that divides seats."""
LONG: Final = "Abdurrahman Şemsettin Büyükçekmecelioğlu-Hacıosmanoğlu"


def _district(
    slug: str, chance: Random, weights: Mapping[str, float], *, boxes: int, source: str, contest: str
) -> dict[str, Any]:
    votes = {name: int(weight * boxes * 280 * chance.uniform(0.6, 1.4)) for name, weight in weights.items()}
    return entry(
        f"tr/34/{slug}", votes, boxes=boxes, boxes_total=BOXES, source=source, contest=contest, unattributed=boxes * 2
    )


MAYORS: Final = {
    "imamoglu": 0.47,
    "kurum": 0.42,
    "altinoz": 0.04,
    "karamahmutoglu": 0.02,
    "bestas": 0.02,
    "kavuncu": 0.01,
}
COUNCIL: Final = {"chp": 0.44, "ak_parti": 0.38, "yrp": 0.12, "zp": 0.02, "dem": 0.02, "iyi": 0.02}


def counted(
    weights: Mapping[str, float] = MAYORS, *, contest: str = "metropolitan_mayor", share: float = 0.6, seed: int = 4
) -> list[dict[str, Any]]:
    """Both sources' entries of all districts and of the province; the first district has opened one box only."""
    said = []
    for source, part in (("aa", share), ("anka", share * 0.8)):
        chance = Random(seed)
        districts = []
        for number, slug in enumerate(DISTRICTS):
            boxes = 1 if number == 0 else max(1, round(BOXES * part * chance.uniform(0.7, 1.2)))
            districts.append(_district(slug, chance, weights, boxes=min(BOXES, boxes), source=source, contest=contest))
        said += [*districts, rolled_up(districts, "tr/34", ALL)]
    return said


def everywhere(votes: Mapping[str, int], *, boxes: int, contest: str) -> list[dict[str, Any]]:
    """The same entry for the province and for one district, from both sources."""
    return [
        entry(unit, votes, boxes=boxes if unit != "tr/34" else whole, boxes_total=total, source=source, contest=contest)
        for source in ("aa", "anka")
        for unit, total, whole in ((UNIT, BOXES, boxes), ("tr/34", ALL, ALL if boxes == BOXES else boxes))
    ]


def renamed(change: Callable[[tuple[Candidate, ...]], tuple[Candidate, ...]]) -> Election:
    """The election with other candidates."""
    plain = election()
    contests = tuple(
        contest.model_copy(update={"candidates": change(contest.candidates)}) for contest in plain.contests
    )
    return plain.model_copy(update={"contests": contests})


def crowd(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """49 names on the ballot."""
    more = (Candidate(id=f"aday_{number}", name=f"Bağımsız Aday {number}") for number in range(MANY - len(candidates)))
    return (*candidates, *more)


def long_winded(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Names as long as they come."""
    return tuple(
        one.model_copy(update={"name": f"{LONG} {number}" if number else LONG}) for number, one in enumerate(candidates)
    )


def last_time(weights: Mapping[str, float] = MAYORS) -> list[dict[str, Any]]:
    """Five years before, as the gateway compares it: the first has gained what the second has lost, others a little."""
    changes = [412, -655, 87, -4, 0, 31]
    return [
        {
            "previous": "2019",
            "name": "31 Mart 2019 Büyükşehir Belediye Başkanlığı",
            "annulled": False,
            "held_by": ["ak_parti"],
            "held_by_names": {"ak_parti": "AK Parti"},
            "outcome": "gain",
            "compared": 38,
            "units": 39,
            "turnout_change_bp": -412,
            "swings": [
                {"candidate": name, "votes_change": 1_234_567 * change // 100, "swing_bp": change}
                for name, change in zip(weights, changes, strict=True)
            ],
            "flipped": [{"unit": UNIT, "held_by": "ak_parti", "leader": "chp"}],
        }
    ]


SILENT_MINUTES: Final = 70
"""For so long the second source has said nothing, where it is quiet."""


def one_quiet() -> Script:
    """The first source goes on, the second has been silent for more than an hour."""
    then = (datetime.fromisoformat(AT) - timedelta(minutes=SILENT_MINUTES)).isoformat()
    said = [one | {"as_of": then} if one["source"] == "anka" else one for one in counted()]
    feeds = state()["feeds"] | {"anka": {"state": "quiet", "last_event": then, "age_s": 60.0 * SILENT_MINUTES}}
    return Script(election(), said, state=state(feeds=feeds))


def courses(weights: Mapping[str, float] = MAYORS) -> list[dict[str, Any]]:
    """Four hours by two sources: the second has led at first, and one source hears of it later than the other."""
    first, second, *_ = weights
    end = datetime.fromisoformat(AT)
    return [
        {
            "source": source,
            "points": [
                {
                    "as_of": (end - timedelta(minutes=minutes)).isoformat(),
                    "boxes_opened": 30_000 - 100 * minutes,
                    "of": 10_000,
                    "votes": {
                        first: 4_700 - (minutes - 90) * 4 - 90 * (minutes % 40 == 0),
                        second: 4_400 + minutes + late,
                    },
                }
                for minutes in range(240, 0, -10)
            ],
        }
        for source, late in (("aa", 0), ("anka", 150))
    ]


ALLIANCES: Final = (
    Alliance(id="emek", name="Emek ve Gelecek İttifakı", members=("chp", "dem", "iyi")),
    Alliance(id="birlik", name="Birlik İttifakı", members=("ak_parti", "yrp")),
)
MEMBERS: Final = {slug: 3 + number % 5 for number, slug in enumerate(DISTRICTS)}
"""The seats of each district, where the council is divided among all of them."""


def parliament(*alliances: Alliance) -> Election:
    """The election, with a council that is divided in every district."""
    plain = election()
    plan = SeatPlan(
        method="dhondt", seats={f"tr/34/{slug}": many for slug, many in MEMBERS.items()}, alliances=alliances
    )
    contests = tuple(
        contest.model_copy(update={"seats": plan}) if contest.id == "district_council" else contest
        for contest in plain.contests
    )
    return plain.model_copy(update={"contests": contests})


def house(seats: Mapping[str, tuple[int, int]], *, counting: int = 0) -> dict[str, Any]:
    """The province's seats as the gateway tells them: by list, how many and how many of them are decided.

    The last districts are the ones that are still counting.
    """
    total, given = sum(MEMBERS.values()), sum(many for many, _ in seats.values())
    return {
        "constituencies": len(MEMBERS),
        "house": total,
        "seats": [
            {"candidate": name, "seats": many, "decided": decided} for name, (many, decided) in seats.items() if many
        ],
        "open": total - given,
        "undecided": [{"reason": "tie", "seats": total - given}] if given < total else [],
        "counting": [
            {"unit": f"tr/34/{slug}", "seats": many} for slug, many in list(MEMBERS.items())[len(MEMBERS) - counting :]
        ],
    }


def calls(contest: str, candidate: str, *, by: str = "A. Kaya") -> list[dict[str, Any]]:
    """An editor's call in the province and in one district."""
    return [{"contest": contest, "unit": unit, "candidate": candidate, "by": by, "at": AT} for unit in ("tr/34", UNIT)]


def _feeds(word: str) -> dict[str, Any]:
    age = {"quiet": 95.0, "stale": 420.0, "down": 5400.0}[word]
    return state(feeds={source: {"state": word, "last_event": AT, "age_s": age} for source in ("aa", "anka")})


def moments(contest: str = "metropolitan_mayor") -> dict[str, Script]:
    """Every moment of this contest, by name."""
    council = contest != "metropolitan_mayor"
    weights = COUNCIL if council else MAYORS
    first, second, *others = weights
    plain, usual = election(), counted(weights, contest=contest)
    crowded = renamed(crowd)
    names = [one.id for one in crowded.contest_by_id[contest].candidates]
    many = {name: 40 + 900 // (place + 1) for place, name in enumerate(names)}
    return {
        "live": Script(plain, usual),
        "test": Script(plain, usual, mode="test"),
        "replay": Script(plain, usual, mode="replay"),
        "embargo": Script(plain, usual, state=state(embargoed=True, embargo="2024-03-31T19:20:00+03:00")),
        "hold": Script(plain, usual, state=state(hold=[contest])),
        **{word: Script(plain, usual, state=_feeds(word)) for word in ("quiet", "stale", "down")},
        "lost": Script(plain, usual, lost=True),
        "empty": Script(plain, []),
        "first-box": Script(plain, everywhere({first: 131, second: 122, others[0]: 9}, boxes=1, contest=contest)),
        "last-box": Script(plain, counted(weights, share=2, contest=contest)),
        "tie": Script(plain, everywhere({first: 1200, second: 1200, others[0]: 300}, boxes=12, contest=contest)),
        "zero": Script(plain, everywhere({first: 1999, second: 1, others[0]: 0}, boxes=12, contest=contest)),
        "hundred": Script(plain, everywhere({first: 11_360_000}, boxes=BOXES, contest=contest)),
        "many": Script(crowded, everywhere(many, boxes=12, contest=contest)),
        "manual": Script(plain, [one | {"overridden": [f"votes.{first}"]} for one in usual]),
        "called": Script(plain, usual, state=state(calls=calls(contest, first))),
        "long": Script(renamed(long_winded), usual, state=state(calls=calls(contest, first, by=LONG))),
    }


def moments_of(overlay: str) -> dict[str, Script]:
    """Every moment of a contest that an overlay is about."""
    return moments("district_council" if overlay in SEATED else "metropolitan_mayor")


STATES: Final = tuple(moments())
"""The names of all moments."""
