"""A table of boxes through a mapping: our reading of it, beside DuckDB and Polars over the same file.

All three come to one Python object a line with the unit's id and whole numbers. The peers look up names in lower case
and cast; ours also folds spellings, checks every line by itself, finds totals and what is there twice, and makes the
event that is published.
"""

import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from benchmarks.measure import Spread, cpu_side_by_side
from producers.tables.mapping import ReportMapping
from producers.tables.reports import read_box_statements
from sandik.process import calm_garbage_collector
from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.tally import Counted

PROVINCES, DISTRICTS, BOXES, CANDIDATES = 27, 40, 40, 8
LINES = PROVINCES * DISTRICTS * BOXES
READ = datetime(2030, 5, 12, 22, tzinfo=UTC)
COUNTS = ("registered", "cast", "valid", "invalid")


def mapping() -> Iterator[str]:
    """Microseconds of CPU a line."""
    calm_garbage_collector()
    definition, wanted = _definition(), _mapping()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "boxes.csv"
        _write(file)
        ids = {unit.name.lower(): unit.id for unit in definition.districts}
        _check(file, definition, wanted, ids)
        taken = cpu_side_by_side(
            {
                "a mapping (ours)": lambda: read_box_statements(file, wanted, definition, fetched=READ),
                "DuckDB, one thread": lambda: _duckdb(file, ids),
                "Polars": lambda: _polars(file, ids),
            }
        )
    yield f"| a table of {LINES:,} boxes with {CANDIDATES} candidates, units by name | µs CPU a line, median (spread) |"
    yield "|---|---:|"
    for name, seconds in taken.items():
        a_line = Spread(*(1e6 * value / LINES for value in (seconds.low, seconds.median, seconds.high)))
        yield f"| {name} | {a_line.text('.1f')} |"


def _votes() -> list[str]:
    return [f"Candidato {number}" for number in range(CANDIDATES)]


def _write(file: Path) -> None:
    chance = random.Random(1)  # noqa: S311  figures of nobody
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["district", "box", *COUNTS, *_votes()])
        for unit in _definition().districts:
            for box in range(1, BOXES + 1):
                votes = [chance.randrange(60) for _ in range(CANDIDATES)]
                writer.writerow([unit.name.upper(), box, 500, sum(votes) + 5, sum(votes), 5, *votes])


def _definition() -> Election:
    units = [Unit(id="zz", level="country", name="Zz")]
    for province in range(PROVINCES):
        units.append(Unit(id=f"zz/{province}", level="province", name=f"Província {province}", parent="zz"))
        units += [
            Unit(
                id=f"zz/{province}/{number}",
                level="district",
                name=f"Município {province}-{number} Açu",
                parent=f"zz/{province}",
                boxes=((1, BOXES),),
            )
            for number in range(DISTRICTS)
        ]
    ballot = tuple(Candidate(id=f"c{number}", name=name) for number, name in enumerate(_votes()))
    return Election.model_validate(
        {
            "id": "zz",
            "name": "Zz",
            "date": READ.date(),
            "parties": (),
            "language": "pt",
            "sources": (Source(id="tre", name="TRE"),),
            "contests": (Contest(id="mayor", name="Mayor", candidates=ballot),),
            "units": tuple(units),
        }
    )


def _mapping() -> ReportMapping:
    return ReportMapping.model_validate(
        {
            "report": {"source": "tre", "contest": "mayor", "at": "fetch", "timezone": "UTC"},
            "units": {"district": "district"},
            "columns": {"box": "box", **{name: name for name in COUNTS}},
            "votes": {name: f"c{number}" for number, name in enumerate(_votes())},
        }
    )


Row = tuple[str | int, ...]


def _duckdb(file: Path, ids: dict[str, str]) -> list[Row]:
    with duckdb.connect(config={"threads": 1}) as database:
        units = pl.DataFrame({"name": list(ids), "id": list(ids.values())})
        database.register("units", units.to_arrow())
        numbers = ", ".join(f'"{name}"::INTEGER' for name in ("box", *COUNTS, *_votes()))
        return database.execute(
            f"SELECT id, {numbers} FROM read_csv(?, all_varchar = true) JOIN units ON lower(district) = name",  # noqa: S608
            [str(file)],
        ).fetchall()


def _polars(file: Path, ids: dict[str, str]) -> list[Row]:
    units = pl.DataFrame({"name": list(ids), "id": list(ids.values())})
    numbers = [pl.col(name).cast(pl.Int64, strict=True) for name in ("box", *COUNTS, *_votes())]
    table = pl.read_csv(file, infer_schema=False).with_columns(pl.col("district").str.to_lowercase())
    return table.join(units, left_on="district", right_on="name").select("id", *numbers).rows()


def _check(file: Path, definition: Election, wanted: ReportMapping, ids: dict[str, str]) -> None:
    """All three have read the same votes."""
    read = read_box_statements(file, wanted, definition, fetched=READ).reports
    ours = sum(sum(event.votes.values()) for event in read if isinstance(event, Counted))
    for rows in (_duckdb(file, ids), _polars(file, ids)):
        theirs = sum(int(count) for row in rows for count in row[-CANDIDATES:])
        if (len(rows), theirs) != (len(read), ours):
            raise ValueError(f"{len(rows)} lines with {theirs} votes, and {len(read)} with {ours}")
