"""A small İstanbul: all 39 districts with a few boxes each, and a night of tallies for it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from typing import Final

from msgspec import structs

from schemas.definition import Candidate, Contest, Election, Party, Source, Unit
from schemas.tally import Counted

POLLS_CLOSE: Final = datetime(2024, 3, 31, 14, tzinfo=UTC)
BOXES: Final = 24
REGISTERED: Final = 340

DISTRICTS: Final = dict(
    pair.split(":")
    for pair in [
        "adalar:Adalar",
        "arnavutkoy:Arnavutköy",
        "atasehir:Ataşehir",
        "avcilar:Avcılar",
        "bagcilar:Bağcılar",
        "bahcelievler:Bahçelievler",
        "bakirkoy:Bakırköy",
        "basaksehir:Başakşehir",
        "bayrampasa:Bayrampaşa",
        "besiktas:Beşiktaş",
        "beykoz:Beykoz",
        "beylikduzu:Beylikdüzü",
        "beyoglu:Beyoğlu",
        "buyukcekmece:Büyükçekmece",
        "catalca:Çatalca",
        "cekmekoy:Çekmeköy",
        "esenler:Esenler",
        "esenyurt:Esenyurt",
        "eyupsultan:Eyüpsultan",
        "fatih:Fatih",
        "gaziosmanpasa:Gaziosmanpaşa",
        "gungoren:Güngören",
        "kadikoy:Kadıköy",
        "kagithane:Kağıthane",
        "kartal:Kartal",
        "kucukcekmece:Küçükçekmece",
        "maltepe:Maltepe",
        "pendik:Pendik",
        "sancaktepe:Sancaktepe",
        "sariyer:Sarıyer",
        "sile:Şile",
        "silivri:Silivri",
        "sisli:Şişli",
        "sultanbeyli:Sultanbeyli",
        "sultangazi:Sultangazi",
        "tuzla:Tuzla",
        "umraniye:Ümraniye",
        "uskudar:Üsküdar",
        "zeytinburnu:Zeytinburnu",
    ]
)

PARTIES: Final = {
    "chp": ("CHP", "#e4002b", 46),
    "ak_parti": ("AK Parti", "#f39c12", 40),
    "yrp": ("YRP", "#1c7c54", 4),
    "zp": ("ZP", "#a0722a", 3),
    "dem": ("DEM Parti", "#7a3e9d", 3),
    "iyi": ("İYİ Parti", "#1fa8d8", 2),
}
"""Id: short name, colour, and its weight in a box."""

_MAYORS: Final = {
    "imamoglu": ("Ekrem İmamoğlu", "chp", 51),
    "kurum": ("Murat Kurum", "ak_parti", 40),
    "altinoz": ("Mehmet Altınöz", "yrp", 3),
    "karamahmutoglu": ("Azmi Karamahmutoğlu", "zp", 2),
    "bestas": ("Meral Danış Beştaş", "dem", 2),
    "kavuncu": ("Mehmet Satuk Buğra Kavuncu", "iyi", 1),
    **{f"bagimsiz_{number}": (f"Bağımsız Aday {number}", None, 0.2) for number in range(1, 6)},
}


def election(boxes: int = BOXES) -> Election:
    """Three contests, two sources, 39 districts; every district elects a mayor of its own."""
    parties = tuple(Candidate(id=key, name=name, party=key) for key, (name, _, _) in PARTIES.items())
    ballots = {
        f"tr/34/{slug}": tuple(
            Candidate(id=key, name=f"{name} {party} Adayı", party=key) for key, (party, _, _) in PARTIES.items()
        )
        for slug, name in DISTRICTS.items()
    }
    mayors = tuple(Candidate(id=key, name=name, party=party) for key, (name, party, _) in _MAYORS.items())
    return Election(
        id="kucuk-istanbul",
        name="Mahalli İdareler Seçimi",
        date=date(2024, 3, 31),
        polls_close=POLLS_CLOSE,
        parties=tuple(Party(id=key, name=name, short_name=name, color=hue) for key, (name, hue, _) in PARTIES.items()),
        sources=(Source(id="aa", name="AA"), Source(id="anka", name="ANKA")),
        contests=(
            Contest(id="metropolitan_mayor", name="Büyükşehir Belediye Başkanlığı", candidates=mayors),
            Contest(id="district_mayor", name="İlçe Belediye Başkanlığı", candidates=parties, ballots=ballots),
            Contest(id="district_council", name="Belediye Meclisi", candidates=parties),
        ),
        units=(
            Unit(id="tr", level="country", name="Türkiye"),
            Unit(id="tr/34", level="province", name="İstanbul", parent="tr"),
            *(
                Unit(
                    id=f"tr/34/{slug}",
                    level="district",
                    name=name,
                    parent="tr/34",
                    registered=REGISTERED * boxes,
                    boxes=((1001, 1000 + boxes),),
                )
                for slug, name in DISTRICTS.items()
            ),
        ),
    )


@cache
def tallies(seed: int, source: str) -> tuple[Counted, ...]:
    """A night in a random order; every tenth box of the mayor's race is first said wrong, and corrected later."""
    return tuple(_night(seed, source))


def _night(seed: int, source: str) -> Iterator[Counted]:
    chance = Random(seed)
    said = [
        _counted(contest.id, district.id, box, source, chance)
        for contest in election().contests
        for district in election().districts
        for box in range(1001, 1001 + BOXES)
    ]
    chance.shuffle(said)
    wrong = [one for one in said if one.contest == "metropolitan_mayor"][::10]
    for number, one in enumerate(said):
        first_said = _misread(one) if one in wrong else one
        yield _at(first_said, number)
    for number, one in enumerate(wrong):
        yield _at(_revised(one), len(said) + number)


def _counted(contest: str, district: str, box: int, source: str, chance: Random) -> Counted:
    table = _MAYORS if contest == "metropolitan_mayor" else PARTIES
    weights = {key: float(row[2]) * chance.uniform(0.4, 1.6) for key, row in table.items()}
    cast, invalid, unattributed = chance.randint(200, 330), chance.randint(0, 12), chance.randint(0, 2)
    names = chance.choices(list(weights), list(weights.values()), k=cast - invalid - unattributed)
    return Counted(
        type="counted",
        contest=contest,
        district=district,
        box=box,
        source=source,
        revision=1,
        at=POLLS_CLOSE,
        registered=REGISTERED,
        cast=cast,
        valid=cast - invalid,
        invalid=invalid,
        unattributed=unattributed,
        votes=dict(Counter(names)),
    )


def _misread(one: Counted) -> Counted:
    return structs.replace(one, votes=one.votes | {"kurum": one.votes.get("kurum", 0) + 900}, valid=one.valid + 900)


def _revised(one: Counted) -> Counted:
    return structs.replace(one, type="corrected", revision=2)


def _at(one: Counted, second: int) -> Counted:
    return structs.replace(one, at=POLLS_CLOSE + timedelta(seconds=second))


@dataclass
class Sums:
    """What a unit's boxes add up to, counted in the plainest way."""

    boxes: int = 0
    registered: int = 0
    cast: int = 0
    valid: int = 0
    unattributed: int = 0
    votes: Counter[str] = field(default_factory=Counter)

    def add(self, one: Counted) -> None:
        """Count one box."""
        self.boxes += 1
        self.registered += one.registered
        self.cast += one.cast
        self.valid += one.valid
        self.unattributed += one.unattributed
        self.votes.update(one.votes)


def added_up(said: list[Counted], contest: str, unit: str) -> Sums:
    """Each box's newest revision, added up over a unit's districts."""
    newest: dict[tuple[str, int], Counted] = {}
    for one in said:
        if one.contest == contest and f"{one.district}/".startswith(f"{unit}/"):
            known = newest.get((one.district, one.box))
            if known is None or one.revision > known.revision:
                newest[one.district, one.box] = one
    sums = Sums()
    for one in newest.values():
        sums.add(one)
    return sums
