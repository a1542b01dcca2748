"""The figures of real nights that are typed in, against the tables that they are from."""

import csv
import gzip
from collections import defaultdict
from datetime import datetime
from statistics import mean, pstdev

import pytest

from tests.producers.real_tables import real_table
from tests.producers.simulating.realism import QUANTILES_2019, Compared

pytestmark = pytest.mark.data


def test_the_quantiles_of_2019_are_those_of_the_record() -> None:
    with real_table("arrivals/istanbul_2019_quantiles.csv").open(encoding="utf-8") as file:
        came = {
            float(row["share_of_boxes"]): datetime.fromisoformat(row["received_at"])
            for row in csv.DictReader(file)
            if row["district"] == "ALL"
        }
    minutes = {share: (came[share] - came[0.0]).total_seconds() / 60 for share in QUANTILES_2019}
    assert minutes == pytest.approx(QUANTILES_2019, abs=0.1)


def test_the_boxes_of_2014_are_those_of_the_record() -> None:
    with gzip.open(real_table("istanbul-2014/boxes.csv.gz"), "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    districts: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for row in rows:
        counts = (int(row["kayitli_secmen"]), int(row["oy_kullanan"]), int(row["gecersiz_toplam"]))
        districts[row["ilce"]].append(counts)
    boxes = [box for of in districts.values() for box in of]
    turnout = [pstdev([100 * cast / max(1, roll) for roll, cast, _ in of]) for of in districts.values()]
    spoilt = [pstdev([100 * bad / max(1, cast) for _, cast, bad in of]) for of in districts.values()]
    assert pstdev([roll for roll, *_ in boxes]) == pytest.approx(13.5, abs=0.1)
    assert mean(turnout) == pytest.approx(3.87, abs=0.01)
    assert mean(spoilt) == pytest.approx(2.694, abs=0.001)
    assert 100 * sum(bad for *_, bad in boxes) / sum(cast for _, cast, _ in boxes) == pytest.approx(4.446, abs=0.001)
    assert sum(cast > roll for roll, cast, _ in boxes) == 24


def test_a_figure_is_near_within_its_tolerance() -> None:
    assert Compared("x", 100, 104, 0.05).is_near
    assert not Compared("x", 100, 106, 0.05).is_near
