"""Staged nights from the command line, through the embedded log."""

import re
from pathlib import Path

import orjson
import pytest

from tests.sandik.conftest import Sandik

SMALL = ("--speed", "0", "--district", "tr/34/adalar", "--boxes-per-district", "20")
AT_HUNDRED_THOUSAND = ("--speed", "100000", *SMALL[2:])


def country(sandik: Sandik, run: str, source: str) -> dict[str, dict[str, int]]:
    """What the log holds in the end, as `sandik totals` has it."""
    assert sandik("aggregate", "--run", run, "--until-end")[0] == 0
    _, out, _ = sandik("totals", "--run", run, "--format", "json")
    rows = [row for row in orjson.loads(out) if (row["unit"], row["source"]) == ("tr", source)]
    return {row["contest"]: row["votes"] for row in rows}


def test_the_library_is_listed_with_its_stories(sandik: Sandik) -> None:
    code, out, _ = sandik("scenarios")
    assert code == 0
    assert re.search(r"^late-flip +The lead flips late", out, re.MULTILINE)


def test_a_tie_is_a_tie_in_the_log(sandik: Sandik) -> None:
    code, _, said = sandik("simulate", "--run", "tie", "--scenario", "tie", *SMALL)
    assert code == 0
    assert "A tie: when the last box is opened" in said
    votes = country(sandik, "tie", "aa")["metropolitan_mayor"]
    assert votes["imamoglu"] == votes["kurum"] > 0


def test_a_paced_night_that_is_disturbed_ends_as_an_undisturbed_one(sandik: Sandik) -> None:
    faults = ("--fault", "duplicate:share=0.2", "--fault", "reorder:within_s=600", "--fault", "corrupt:share=0.05")
    assert sandik("simulate", "--run", "calm", *SMALL)[0] == 0
    assert sandik("simulate", "--run", "rough", *AT_HUNDRED_THOUSAND, *faults)[0] == 0
    for source in ("aa", "anka", "observers"):
        assert country(sandik, "rough", source) == country(sandik, "calm", source)


def test_a_scenario_of_ones_own_is_staged_from_its_file(sandik: Sandik, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('base = "quiet"\nstory = "My own."\nseed = 3\n', encoding="utf-8")
    code, _, said = sandik("simulate", "--run", "mine", "--scenario", file, *SMALL)
    assert code == 0
    assert "My own." in said
    (tallies,) = re.findall(r"Published (\d+) tallies", said)
    assert 2 * 20 * 3 < int(tallies) < 3 * 20 * 3  # nobody errs, so one for each box of a source; observers have fewer


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--scenario", "late-filp"), "Did you mean 'late-flip'?"),
        (("--scenario", "nowhere.toml"), "nowhere.toml cannot be read"),
        (("--fault", "duplicat"), "Did you mean 'duplicate'?"),
        (("--source", "ank"), "Did you mean 'anka'?"),
    ],
)
def test_a_typo_is_told_before_anything_is_written(sandik: Sandik, options: tuple[str, str], told: str) -> None:
    code, _, said = sandik("simulate", "--run", "x", *SMALL, *options)
    assert code == 2
    assert told in said
    assert not list(Path().glob("*.db"))
