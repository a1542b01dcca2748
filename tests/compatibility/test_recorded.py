"""What earlier releases wrote is read as they meant it: docs/compatibility.md, held to the bytes."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from eventlog.archive_files import read_manifest
from sandik.commands.reference import SCHEMAS
from schemas.figures import EVERYWHERE
from tests.compatibility.contracts import Comparison
from tests.sandik.conftest import Sandik, sandik
from tests.schemas.test_versions import SHAPES

__all__ = ["sandik"]  # a fixture

RELEASES: Final = sorted(Path(__file__).parent.glob("release_*"))
TAKEN: Final = {"client-message", "tally", "definition", "control"}
"""What others write and sandik takes in. Everything else it hands out."""

release = pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def unpacked(release: Path, folder: Path) -> Path:
    """The release's log as a file in this folder."""
    path = folder / "night.db"
    path.write_bytes(gzip.decompress((release / "night.db.gz").read_bytes()))
    return path


def state_hash(release: Path) -> str | None:
    """The state hash that the release told; None where the archive's format says that today's rules are others."""
    is_todays = read_manifest(release / "archive").has_todays_states
    return (release / "hash.txt").read_text() if is_todays else None


def kept(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What rows of today say of the fields that there were before."""
    return [{name: new.get(name) for name in old} for old, new in zip(before, after, strict=True)]


def test_there_is_a_recording() -> None:
    assert RELEASES


@release
def test_a_record_of_each_shape_is_read_and_fields_of_later_releases_are_passed_over(release: Path) -> None:
    for name, text in read(release / "records.json").items():
        parse = SHAPES[name][1]
        later = orjson.dumps(orjson.loads(text) | {"of_a_later_release": [{"any": "thing"}]})

        assert parse(text.encode()) is not None, name
        assert parse(text.encode()) == parse(later), name


@release
def test_an_embedded_log_is_gone_on_with_and_tells_the_same_totals(
    release: Path, sandik: Sandik, tmp_path: Path
) -> None:
    log = f"sqlite:{unpacked(release, tmp_path)}"

    known = read(release / "contract.json")["totals"]["properties"]
    is_folded_anew = not set(EVERYWHERE) <= known.keys()  # a checkpoint without a count of today is not gone on from

    for _ in ("as it was", "after an aggregator of today"):
        code, out, _ = sandik("totals", "--run", "night", "--log", log, "--format", "json")
        before = read(release / "totals.json")
        assert (0, before) == (code, kept(before, json.loads(out)))
        assert state_hash(release) in {None, sandik("totals", "--run", "night", "--log", log, "--hash")[1]}
        code, _, said = sandik("aggregate", "--run", "night", "--log", log, "--until-end")
        assert (0, is_folded_anew) == (code, "Folded 0 tallies" not in said), said
        is_folded_anew = False


@release
def test_an_archive_is_verified_and_restored_to_the_same_totals(release: Path, sandik: Sandik, tmp_path: Path) -> None:
    archive, log = tmp_path / "archive", f"sqlite:{tmp_path / 'restored.db'}"
    shutil.copytree(release / "archive", archive)

    assert 0 == sandik("verify", archive)[0]
    assert 0 == sandik("restore", archive, "--run", "night", "--log", log)[0]
    assert 0 == sandik("aggregate", "--run", "night", "--log", log, "--until-end")[0]
    assert state_hash(release) in {None, sandik("totals", "--run", "night", "--log", log, "--hash")[1]}


@pytest.mark.parametrize("name", SCHEMAS)
@release
def test_the_contract_has_only_grown(release: Path, name: str) -> None:
    """Add a field or a value, and give a field that others have to write a default."""
    before = read(release / "contract.json")
    if name in before:
        after = orjson.loads(orjson.dumps(SCHEMAS[name].json_schema()))
        assert [] == Comparison(before[name], after, taken=name in TAKEN).losses()


@release
def test_no_schema_is_gone(release: Path) -> None:
    assert set() == set(read(release / "contract.json")) - set(SCHEMAS)
