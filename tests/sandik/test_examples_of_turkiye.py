"""Examples of Türkiye by their files alone: totals as published, seats as given, swing as a sum of its own says."""

import csv
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.gateways import WITHOUT_TLS
from tests.patience import LIMIT_S
from tests.sandik.test_run import Night, running

EXAMPLES = Path(__file__).parents[2] / "examples"

SEATS_2023 = {
    "tr/11": {"ak": 1, "chp": 1},
    "tr/12": {"ak": 2, "ysp": 1},
    "tr/13": {"ak": 1, "ysp": 2},
    "tr/14": {"ak": 1, "mhp": 1, "chp": 1},
    "tr/15": {"ak": 2, "chp": 1},
    "tr/17": {"ak": 1, "chp": 2, "iyi": 1},
    "tr/18": {"ak": 1, "mhp": 1},
    "tr/19": {"ak": 2, "mhp": 1, "chp": 1},
    "tr/20": {"ak": 3, "chp": 3, "iyi": 1},
    "tr/21": {"ak": 3, "chp": 1, "ysp": 8},
    "tr/22": {"ak": 1, "chp": 2, "iyi": 1},
    "tr/23": {"ak": 3, "mhp": 1, "chp": 1},
    "tr/24": {"ak": 1, "chp": 1},
}
"""As the Supreme Electoral Council gave them, 14 May 2023, by the README's source."""


def arguments(name: str) -> tuple[str, ...]:
    place = EXAMPLES / name
    return (
        str(place / "results.csv"),
        "--mapping",
        str(place / "mapping.toml"),
        "--definition",
        str(place / "definition.json"),
    )


def lines(name: str) -> list[dict[str, str]]:
    with (EXAMPLES / name / "results.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def asked(night: Night, address: str, **about: str) -> list[dict[str, Any]]:
    """What the gateway answers, by its only list."""
    answer = httpx.get(f"{night.board}{address}", params=about, timeout=LIMIT_S, verify=WITHOUT_TLS).json()
    return next(found for found in answer.values() if isinstance(found, list))


def test_turkiye_2023_has_two_rounds_and_the_seats_that_were_given(tmp_path: Path) -> None:
    with running(tmp_path, *arguments("turkiye-2023")) as night:
        night.says("Published 15 reports of 'ysk'.")
        parliament = sum(int(line["oy"]) for line in lines("turkiye-2023") if line["secim"] == "Milletvekili")
        ak = sum(int(line["oy"]) for line in lines("turkiye-2023") if line["aday"] == "AK Parti")
        night.shows("tr", {"ak": ak})
        totals = {row["contest"]: row for row in asked(night, "/v1/totals", unit="tr")}
        assert (13, parliament) == (totals["parliament"]["boxes_opened"], totals["parliament"]["valid"])
        first, second = totals["president-1"], totals["president-2"]
        assert (54_796_049, 55_833_153) == (first["valid"], first["cast"])
        assert {"erdogan": 27_834_589, "kilicdaroglu": 25_504_724} == second["votes"]
        assert 54_023_601 == second["cast"]

        facts = {one["contest"]: one for one in asked(night, "/v1/facts", unit="tr")}
        assert facts["president-1"]["office"] == facts["president-2"]["office"] == "president"
        assert (1, 2) == (facts["president-1"]["round"], facts["president-2"]["round"])

        country, *_ = asked(night, "/v1/seats", contest="parliament", unit="tr")
        assert (87, 600, 600 - 54) == (country["constituencies"], country["house"], country["open"])
        assert {"memleket", "zp"} == set(country["barred"])
        for unit, given in SEATS_2023.items():
            (found,) = asked(night, "/v1/seats", contest="parliament", unit=unit)
            assert (unit, given) == (unit, {one["candidate"]: one["seats"] for one in found["seats"]})


def test_istanbul_2024_swings_from_the_rerun_of_2019(tmp_path: Path) -> None:
    with running(tmp_path, *arguments("istanbul-2024")) as night:
        night.says("Published 39 reports of 'aa'.")
        sums = {
            name: sum(int(line[column]) for line in lines("istanbul-2024"))
            for name, column in (("imamoglu", "İmamoğlu"), ("kurum", "Kurum"), ("valid", "gecerli"))
        }
        assert {"imamoglu": 4_433_015, "kurum": 3_431_589, "valid": 8_667_513} == sums
        night.shows("tr/34", {"imamoglu": sums["imamoglu"], "kurum": sums["kurum"]})
        (city,) = asked(night, "/v1/facts", unit="tr/34")
        june, march = city["previous"]
        assert ("2019-06", False, 806_415, "hold") == tuple(
            june[name] for name in ("previous", "annulled", "margin_then", "outcome")
        )
        assert ("2019-03", True, 13_729) == tuple(march[name] for name in ("previous", "annulled", "margin_then"))
        assert (39, 39) == (june["compared"], june["units"])
        swings = {one["candidate"]: one["swing_bp"] for one in june["swings"]}
        for name, then in (("imamoglu", 4_741_868), ("kurum", 3_935_453)):
            points = 10_000 * sums[name] / sums["valid"] - 10_000 * then / 8_746_464
            assert points == pytest.approx(swings[name], abs=1)
