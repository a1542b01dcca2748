"""Files that say how something is read or staged: mappings, scenarios, mixes, definitions, boundaries, faults."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import orjson

from gateway.routes.boundaries import read_boundaries
from producers.simulating.library import read_scenario
from producers.stages import parse_fault
from producers.tables.mapping import read_mapping, read_report_mapping
from sandik.commands.tables import read_definition
from sandik.load.plan import read_mix
from schemas.definition import Election
from schemas.errors import UsageError
from tests.builders import small_election
from tests.fuzz.target import Opened, Target, expect

T = TypeVar("T")

ROOT: Final = Path(__file__).parents[3]
_SCENARIO: Final = b'story = "A night."\nbase = "tie"\nseed = 7\n\n[outcome.metropolitan_mayor]\nimamoglu = 0.5\n'
_FAULT: Final = b"duplicate:share=0.1,after_s=30"
_RING: Final = b"[[29.0,41.0],[29.1,41.0],[29.1,41.1],[29.0,41.0]]"
_OUTLINE: Final = b'{"type":"Polygon","coordinates":[' + _RING + b"]}"
_BOUNDARIES: Final = (
    b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"slug":"kadikoy"},"geometry":'
    + _OUTLINE
    + b"}]}"
)
_TABLES: Final = ("turkiye-2014.toml", "agency-reports.toml", "istanbul-2024-reports.toml", "load-mix.toml")
MAX_SCENARIO_BYTES: Final = 4_096
"""Of what is longer no scenario is made here: one with a base takes a hundred times as long as all the others."""


@contextmanager
def opened() -> Iterator[Opened]:
    """With a folder for the file."""
    with tempfile.TemporaryDirectory() as folder:
        toml, plain = Path(folder) / "a.toml", Path(folder) / "a.json"

        def check(data: bytes) -> None:
            toml.write_bytes(data)
            plain.write_bytes(data)
            for read in (read_mapping, read_report_mapping, read_mix):
                _refuse(read, toml)
            _refuse(_definition, plain)
            _refuse(read_boundaries, data)
            _refuse(parse_fault, data[:1_000].decode(errors="replace"))
            if b"story" in data and len(data) < MAX_SCENARIO_BYTES:
                _refuse(read_scenario, str(toml))

        files = [(ROOT / "examples" / name).read_bytes() for name in _TABLES]
        said = small_election().model_dump_json(exclude_defaults=True).encode()
        yield Opened((*files, _SCENARIO, said, said, _BOUNDARIES, _FAULT), check)


def _refuse(read: Callable[[T], object], data: T) -> None:
    try:
        read(data)
    except UsageError as error:
        expect(str(error), "a refusal says nothing")


def _definition(path: Path) -> None:
    election = read_definition(path)
    expect(Election.model_validate_json(election.model_dump_json()) == election, "a definition does not come back")
    orjson.dumps(election.boxes_total)
    for unit in election.unit_by_id:
        election.path(unit)
    expect(election.country in election.districts_below, "a definition has no country")


TARGET: Final = Target("mappings", "mappings, scenarios, mixes, definitions, boundaries and faults", 20, opened)
