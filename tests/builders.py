"""A small election and ready-made events, for tests of every layer."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import orjson
from msgspec import structs

from schemas.definition import Candidate, Contest, Election, Party, Source, Unit
from schemas.tally import Counted, Reported, Tally, Withdrawn

TURKEY = timezone(timedelta(hours=3))
NIGHT = datetime(2024, 3, 31, 19, 0, tzinfo=TURKEY)

DISTRICTS = ("tr/34/adalar", "tr/34/kadikoy", "tr/34/uskudar", "tr/41/gebze")


def small_election(boxes: int = 20) -> Election:
    """Two provinces, four districts of `boxes` boxes each, two contests, three candidates, two sources."""
    candidates = (
        Candidate(id="imamoglu", name="Ekrem İmamoğlu", party="chp", ballot_no=1),
        Candidate(id="kurum", name="Murat Kurum", party="ak_parti", ballot_no=2),
        Candidate(id="bagimsiz_1", name="Bir Bağımsız"),
    )
    gebze_only = (Candidate(id="chp", name="Gebze Adayı", party="chp"),)
    districts = tuple(
        Unit(
            id=district,
            level="district",
            name=district.rsplit("/", 1)[1].upper(),
            parent=district.rsplit("/", 1)[0],
            registered=300 * boxes,
            boxes=((1001, 1000 + boxes),),
        )
        for district in DISTRICTS
    )
    return Election(
        id="test-night",
        name="Deneme gecesi",
        date=date(2024, 3, 31),
        polls_close=NIGHT.replace(hour=17),
        parties=(
            Party(id="chp", name="Cumhuriyet Halk Partisi", short_name="CHP", color="#d7263d"),
            Party(id="ak_parti", name="Adalet ve Kalkınma Partisi", short_name="AK Parti", color="#f28c28"),
        ),
        sources=(Source(id="aa", name="Anadolu Ajansı"), Source(id="anka", name="ANKA")),
        contests=(
            Contest(id="mayor", name="Büyükşehir Belediye Başkanlığı", candidates=candidates),
            Contest(
                id="district_mayor",
                name="İlçe Belediye Başkanlığı",
                candidates=(Candidate(id="chp", name="CHP", party="chp"), Candidate(id="ak_parti", name="AK Parti")),
                ballots={"tr/41/gebze": gebze_only},
            ),
        ),
        units=(
            Unit(id="tr", level="country", name="Türkiye"),
            Unit(id="tr/34", level="province", name="İstanbul", parent="tr"),
            Unit(id="tr/41", level="province", name="Kocaeli", parent="tr"),
            *districts,
        ),
    )


def counted(votes: dict[str, int] | None = None, **changes: Any) -> Counted:
    """A counted box that adds up, with any field changed."""
    votes = {"imamoglu": 150, "kurum": 100} if votes is None else votes
    valid = sum(votes.values())
    fields: dict[str, Any] = {
        "type": "counted",
        "contest": "mayor",
        "district": "tr/34/uskudar",
        "box": 1001,
        "source": "aa",
        "revision": 1,
        "at": NIGHT,
        "registered": 300,
        "cast": valid + 5,
        "valid": valid,
        "invalid": 5,
        "votes": votes,
    }
    return Counted(**(fields | changes))


def withdrawn(**changes: Any) -> Withdrawn:
    """A box that its source takes back, with any field changed."""
    fields: dict[str, Any] = {
        "type": "withdrawn",
        "contest": "mayor",
        "district": "tr/34/uskudar",
        "box": 1001,
        "source": "aa",
        "revision": 2,
        "at": NIGHT,
    }
    return Withdrawn(**(fields | changes))


def reported(votes: dict[str, int] | None = None, **changes: Any) -> Reported:
    """An agency's totals of a district that add up, ten boxes opened, with any field changed."""
    votes = {"imamoglu": 1500, "kurum": 1000} if votes is None else votes
    valid = sum(votes.values())
    fields: dict[str, Any] = {
        "type": "reported",
        "contest": "mayor",
        "district": "tr/34/uskudar",
        "source": "agency",
        "revision": 1,
        "at": NIGHT,
        "boxes_opened": 10,
        "registered": 3000,
        "cast": valid + 50,
        "valid": valid,
        "invalid": 50,
        "votes": votes,
    }
    return Reported(**(fields | changes))


def with_agency(election: Election) -> Election:
    """The same election with one more source, `agency`, that reports whole districts."""
    agency = Source(id="agency", name="Ajans", reports="districts")
    return Election(**{**dict(election), "sources": (*election.sources, agency)})


def value_of(tally: Tally) -> bytes:
    """The bytes that a feed would send for it."""
    return orjson.dumps(tally, default=structs.asdict)
