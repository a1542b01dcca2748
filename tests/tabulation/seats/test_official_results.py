"""Elections as they were: the votes that were published, divided, are the seats that were published."""

import csv
from typing import Final

import pytest

from schemas.contests import Alliance, SeatPlan, Threshold
from tabulation.seats import Poll, UnitSeats, divide_constituency
from tests.producers.real_tables import real_table

ALLIANCES_2018: Final = (
    Alliance(id="cumhur", name="Cumhur İttifakı", members=("ak", "mhp")),
    Alliance(id="millet", name="Millet İttifakı", members=("chp", "iyi", "sp")),
)


def divided(plan: SeatPlan, votes: dict[str, int], valid: int = 0) -> UnitSeats:
    """The seats of a contest with one constituency; valid votes are the sum where nothing else is given."""
    (unit,) = plan.seats
    poll = Poll(votes, valid)
    return divide_constituency(plan, unit, poll, poll, ())


def winners(found: UnitSeats) -> dict[str, int]:
    assert found.undecided == ()
    return {name: many for name, many in found.seats.items() if many}


COUNTRY_2018: Final = Poll(
    {"ak": 4_256, "chp": 2_265, "hdp": 1_170, "mhp": 1_110, "iyi": 996, "sp": 134, "vatan": 23}, 10_000
)
"""The country's votes in hundredths of a per cent, as the Supreme Electoral Council published them (by
evrensel.net/haber/356219). İYİ and SP are beyond 10 % by their alliance alone."""

# 24 June 2018, the lists that passed the threshold, by themselves or in an alliance, by the provinces' results in
# github.com/hamiKumbasae/turkiye-secim-haritasi, data/raw/legacy-preprocessed/1991_2023_tum_partiler_il_sonuclari.csv.
# In each of these, seats to alliances first are other seats than to parties directly.
PROVINCES_2018: Final = {
    "Adıyaman": (
        {"ak": 185_691, "hdp": 51_641, "chp": 39_947, "mhp": 30_882, "iyi": 17_856, "sp": 5_238},
        {"ak": 4, "chp": 1},
    ),
    "Afyonkarahisar": (
        {"ak": 248_264, "chp": 64_241, "mhp": 63_233, "iyi": 61_123, "sp": 3_570, "hdp": 3_382},
        {"ak": 3, "mhp": 1, "chp": 1, "iyi": 1},
    ),
    "Erzincan": (
        {"ak": 64_158, "chp": 37_073, "mhp": 27_295, "hdp": 7_615, "iyi": 6_013, "sp": 1_412},
        {"ak": 2},
    ),
    "Erzurum": (
        {"ak": 232_168, "mhp": 79_731, "hdp": 49_885, "iyi": 34_974, "chp": 16_956, "sp": 7_134},
        {"ak": 4, "mhp": 1, "iyi": 1},
    ),
    "Eskişehir": (
        {"ak": 216_516, "chp": 184_576, "iyi": 76_077, "mhp": 56_348, "hdp": 21_797, "sp": 5_884},
        {"ak": 3, "chp": 2, "mhp": 1, "iyi": 1},
    ),
    "Sakarya": (
        {"ak": 365_372, "mhp": 86_470, "chp": 85_046, "iyi": 59_801, "hdp": 14_048, "sp": 13_093},
        {"ak": 4, "mhp": 1, "chp": 1, "iyi": 1},
    ),
}


def law_of_2018(seats: int) -> SeatPlan:
    """Law 2839, articles 33 and 34, as Law 7102 of 2018 had them."""
    return SeatPlan(
        method="dhondt",
        seats={"tr/province": seats},
        threshold=Threshold(share=(10, 100), passed_by="exceeding"),
        alliances=ALLIANCES_2018,
        alliances_count="for_seats",
    )


@pytest.mark.parametrize("province", PROVINCES_2018)
def test_turkiye_2018_gives_seats_to_alliances_first(province: str) -> None:
    votes, official = PROVINCES_2018[province]
    plan = law_of_2018(sum(official.values()))
    directly = plan.model_copy(update={"alliances_count": "for_threshold"})
    here = Poll(votes, 0)
    assert official == winners(divide_constituency(plan, "tr/province", COUNTRY_2018, here, ()))
    assert official != winners(divide_constituency(directly, "tr/province", COUNTRY_2018, here, ()))


def test_votes_from_abroad_decide_a_seat_of_burdur_in_2018() -> None:
    """They are divided among the provinces, and not in a province's own figures.

    CHP and İYİ without and with them by t24.com.tr/haber/chpli-goker-burdurda-yurt-disi-oylariyla-secildi,660847; the
    others by the provinces' results as above.
    """
    others = {"ak": 73_382, "mhp": 21_635, "sp": 2_629, "hdp": 2_468}
    polls = [Poll(others | {"chp": 33_961, "iyi": 34_484}, 0), Poll(others | {"chp": 34_889, "iyi": 34_696}, 0)]
    without, official = (divide_constituency(law_of_2018(3), "tr/province", COUNTRY_2018, one, ()) for one in polls)
    assert {"ak": 2, "iyi": 1} == winners(without)
    assert {"ak": 2, "chp": 1} == winners(official)


CONTEST_2023: Final = Poll({"cumhur": 4_946, "millet": 3_502, "emek_ozgurluk": 1_052, "": 500}, 10_000)
"""14 May 2023: the alliances' shares of the country's votes in hundredths of a per cent, as agencies published them on
the next day, and what is left: nobody else can have been near 7 %."""


@pytest.mark.data
def test_turkiye_2023_gives_seats_to_parties_and_holds_alliances_to_the_threshold() -> None:
    """Law 2839, articles 33 and 34, as Law 7393 of 2022 has them: thirteen provinces of one constituency each."""
    with real_table("turkiye-2023/parliament_sample.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    provinces = {row["province_id"]: int(row["seats_total"]) for row in rows}
    assert 13 == len(provinces)
    for province, house in provinces.items():
        lists = [row for row in rows if row["province_id"] == province]
        official = {row["party"]: int(row["seats"]) for row in lists if row["seats"] != "0"}
        ids = {row["party"]: f"p{number}" for number, row in enumerate(lists)}
        alliances = tuple(
            Alliance(id=name, name=name, members=tuple(ids[row["party"]] for row in lists if row["alliance"] == name))
            for name in sorted({row["alliance"] for row in lists} - {""})
        )
        threshold = Threshold(share=(7, 100), passed_by="exceeding")
        plan = SeatPlan(method="dhondt", seats={f"tr/{province}": house}, threshold=threshold, alliances=alliances)
        # the alliance's share of the country stands at its first member, since it is the sum that passes
        first = {alliance.members[0]: CONTEST_2023.votes.get(alliance.id, 0) for alliance in alliances}
        poll = Poll({ids[row["party"]]: int(row["votes"]) for row in lists}, 0)
        found = divide_constituency(plan, f"tr/{province}", Poll(first, CONTEST_2023.valid), poll, ())
        assert {ids[name]: many for name, many in official.items()} == winners(found), province


def test_an_alliance_has_no_seats_of_its_own_in_canakkale_2023() -> None:
    """One of the thirteen typed in, with its published figures: by the law of 2018 its seats would be others."""
    votes = {"chp": 142_544, "ak": 129_671, "iyi": 65_927, "mhp": 26_775, "ysp": 8_844, "tip": 5_224, "yrp": 3_967}
    alliances = (
        Alliance(id="cumhur", name="Cumhur İttifakı", members=("ak", "mhp", "yrp")),
        Alliance(id="millet", name="Millet İttifakı", members=("chp", "iyi")),
        Alliance(id="emek_ozgurluk", name="Emek ve Özgürlük İttifakı", members=("ysp", "tip")),
    )
    plan = SeatPlan(method="dhondt", seats={"tr/17": 4}, alliances=alliances)
    assert {"ak": 1, "chp": 2, "iyi": 1} == winners(divided(plan, votes))
    before = plan.model_copy(update={"alliances_count": "for_seats"})
    assert {"ak": 2, "chp": 2} == winners(divided(before, votes))


def test_new_zealand_2017_by_sainte_lague() -> None:
    """120 seats; 5 % of the party votes or a seat in an electorate (Electoral Act 1993, sections 191 and 192).

    Electoral Commission, electionresults.govt.nz/electionresults_2017/statistics/overall-results-summary.html. ACT had
    won Epsom.
    """
    votes = {
        "national": 1_152_075,
        "labour": 956_184,
        "nz_first": 186_706,
        "green": 162_443,
        "top": 63_261,
        "maori": 30_580,
        "act": 13_075,
        "legalise_cannabis": 8_075,
        "conservative": 6_253,
        "mana": 3_642,
        "ban1080": 3_005,
        "peoples": 1_890,
        "united_future": 1_782,
        "outdoors": 1_620,
        "social_credit": 806,
        "internet": 499,
    }
    assert 2_591_896 == sum(votes.values())  # the Commission's total of valid party votes
    plan = SeatPlan(method="sainte_lague", seats={"nz": 120}, threshold=Threshold(share=(5, 100), exempt=("act",)))
    found = divided(plan, votes)
    assert {"national": 56, "labour": 46, "nz_first": 9, "green": 8, "act": 1} == winners(found)
    assert {"top", "maori"} < found.barred


def test_sweden_for_the_european_parliament_2014_by_sainte_lague_from_1_4() -> None:
    """20 seats; 4 % of the valid votes, and a first divisor of 1.4 (Vallagen 2005:837, chapter 14).

    Votes as decided by Valmyndigheten, by users.mai.liu.se/laral26/Val/Data/2014/eu.html; seats, and valid votes, by
    Statistics Sweden, scb.se, «Europaparlamentsval 2014, valresultat».
    """
    votes = {
        "s": 899_074,
        "mp": 572_591,
        "m": 507_488,
        "fp": 368_514,
        "sd": 359_248,
        "c": 241_101,
        "v": 234_272,
        "kd": 220_574,
        "fi": 204_005,
        "pp": 82_763,
        "others": 27_148,
    }
    assert 3_716_778 == sum(votes.values())
    plan = SeatPlan(
        method="sainte_lague", seats={"se": 20}, first_divisor=(14, 10), threshold=Threshold(share=(4, 100))
    )
    found = divided(plan, votes)
    official = {"s": 5, "mp": 4, "m": 3, "fp": 2, "sd": 2, "c": 1, "v": 1, "kd": 1, "fi": 1}
    assert official == winners(found)
    assert {"pp", "others"} == found.barred


def test_namibia_1989_by_the_largest_remainders_of_hare() -> None:
    """72 seats of the Constituent Assembly, no threshold. The Constitution of Namibia has the rule in schedule 4.

    African Elections Database; remainders in electionpassport.com/electoral-systems/namibia. The three last seats were
    those of NNF, DTA and ACN.
    """
    votes = {
        "swapo": 384_567,
        "dta": 191_532,
        "udf": 37_874,
        "acn": 23_728,
        "npf": 10_693,
        "fcn": 10_452,
        "nnf": 5_344,
        "swapo_d": 3_161,
        "cda": 2_495,
        "nndp": 984,
    }
    assert 670_830 == sum(votes.values())  # the valid votes that the quota of 9,317 is of
    found = divided(SeatPlan(method="largest_remainder_hare", seats={"na": 72}), votes)
    assert {"swapo": 41, "dta": 21, "udf": 4, "acn": 3, "npf": 1, "fcn": 1, "nnf": 1} == winners(found)
