"""Small elections and totals records for the gateway's tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from eventlog.port import Entry
from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.totals import Totals

START = datetime(2024, 3, 31, 17, tzinfo=UTC)

DISTRICTS = ("tr/06/cankaya", "tr/34/adalar", "tr/34/uskudar")


def election() -> Election:
    """Two provinces, three districts, two contests (one with a ballot of its own in Adalar), two sources."""
    return Election(
        id="small",
        name="A small election",
        date=date(2024, 3, 31),
        parties=(),
        sources=(Source(id="aa", name="AA"), Source(id="anka", name="ANKA")),
        contests=(
            Contest(id="mayor", name="Mayor", candidates=_names("kurum", "imamoglu")),
            Contest(
                id="council", name="Council", candidates=_names("a", "b"), ballots={"tr/34/adalar": _names("b", "c")}
            ),
        ),
        units=(
            Unit(id="tr", level="country", name="Türkiye"),
            Unit(id="tr/34", level="province", name="İstanbul", parent="tr"),
            Unit(id="tr/06", level="province", name="Ankara", parent="tr"),
            Unit(id="tr/34/uskudar", level="district", name="Üsküdar", parent="tr/34", boxes=((1001, 1010),)),
            Unit(id="tr/34/adalar", level="district", name="Adalar", parent="tr/34", boxes=((1001, 1002),)),
            Unit(id="tr/06/cankaya", level="district", name="Çankaya", parent="tr/06", boxes=((1, 5),)),
        ),
    )


def _names(*ids: str) -> tuple[Candidate, ...]:
    return tuple(Candidate(id=name, name=name.title()) for name in ids)


def totals(
    district: str = "tr/34/uskudar",
    votes: dict[str, int] | None = None,
    *,
    version: int = 0,
    boxes: int = 1,
    minute: int = 0,
    contest: str = "mayor",
    source: str = "aa",
) -> Totals:
    """A totals record whose counts follow from its votes."""
    votes = {"imamoglu": 1} if votes is None else votes
    valid = sum(votes.values())
    return Totals(
        contest=contest,
        source=source,
        district=district,
        version=version,
        as_of=START + timedelta(minutes=minute),
        boxes_opened=boxes,
        annulled=0,
        registered=350 * boxes,
        cast=valid,
        valid=valid,
        invalid=0,
        unattributed=0,
        flagged=0,
        votes=votes,
    )


@dataclass(frozen=True)
class Written:
    """A record of the totals topic, as a log would give it."""

    offset: int
    value: bytes | None
    timestamp: int = 0
    key: bytes | None = None


def entries(records: Sequence[Totals]) -> list[Entry]:
    """The records as a log takes them."""
    return [Entry(record.cell.key(), record.encode()) for record in records]
