"""A contest held in a part of the country comes to 100 % there, in every place that says how far the count is."""

import orjson

from sandik.nist import Origin, election_report
from sandik.run_totals import totals_of
from schemas.definition import Contest, Election, Unit
from schemas.totals import Cell, Told, Totals
from tabulation.counting.cells import Refusal, Rulebook
from tabulation.derived.columns import Columns, Shape
from tabulation.derived.facts import facts_in
from tabulation.on_air import OnAir
from tabulation.view import View
from tests.builders import NIGHT, small_election
from tests.gateway.nights import totals

PROVINCES = range(1, 82)
METROPOLITAN = range(1, 31)
BOXES = 3


def turkey() -> Election:
    """81 provinces with two districts of three boxes each; 30 of them elect a metropolitan mayor."""
    small = small_election()
    metropolitan, _ = small.contests
    provinces = [Unit(id=f"tr/{code:02}", level="province", name=f"İl {code}", parent="tr") for code in PROVINCES]
    districts = [
        Unit(
            id=f"{province.id}/{name}",
            level="district",
            name=name,
            parent=province.id,
            registered=1050,
            boxes=((1, BOXES),),
        )
        for province in provinces
        for name in ("dogu", "bati")
    ]
    area = tuple(f"tr/{code:02}" for code in METROPOLITAN)
    contests = (
        Contest(**{**dict(metropolitan), "area": area}),
        Contest(id="council", name="Meclis", candidates=metropolitan.candidates),
    )
    return Election(**{**dict(small), "contests": contests, "units": (small.units[0], *provinces, *districts)})


ELECTION = turkey()


def totals_of_all(contest: str, districts: tuple[str, ...]) -> list[Totals]:
    votes = {"imamoglu": 450, "kurum": 300, "bagimsiz_1": 0}
    return [
        totals(district, votes, version=number, boxes=BOXES, contest=contest)
        for number, district in enumerate(districts)
    ]


def on_air(records: list[Totals]) -> OnAir:
    fold = OnAir(ELECTION)
    for each in records:
        fold.fold_totals(each)
    return fold


METROPOLITAN_TOTALS = totals_of_all("mayor", ELECTION.districts_of("mayor", "tr"))
ALL_TOTALS = [*METROPOLITAN_TOTALS, *totals_of_all("council", ELECTION.districts_of("council", "tr"))]


def test_a_contest_in_30_of_81_provinces_is_complete_once_these_are() -> None:
    *but_one, last = METROPOLITAN_TOTALS
    view = View(ELECTION)
    for offset, each in enumerate(but_one):
        view.apply(offset, each)

    country = view.figures("mayor", "aa", "tr")
    assert country is not None
    assert not country.claims.complete
    view.apply(len(but_one), last)
    assert (180, 180, True) == (country.boxes_total, country.counts["boxes_opened"], country.claims.complete)
    found = facts_in(ELECTION, "mayor", country)
    assert (10_000, True) == (found.progress_bp, found.cannot_be_overtaken)
    columns, shape = Columns(ELECTION), Shape(1, "tr", ())
    assert 180 == columns.row("mayor", ELECTION.unit_by_id["tr"], country, shape)["boxes_total"]
    assert 0 == columns.row("mayor", ELECTION.unit_by_id["tr/81"], None, shape)["boxes_total"]


def test_a_nist_report_is_complete_though_a_contest_is_not_held_everywhere() -> None:
    told = totals_of(on_air(ALL_TOTALS), Told.ON_AIR, embargoed=False).only(None, "aa")
    origin = Origin("night", "test", ELECTION.sources[0], NIGHT, "sandik 1")
    report = orjson.loads(orjson.dumps(election_report(ELECTION, told, origin)))
    units = [unit for unit in report["GpUnit"] if unit["@type"].endswith("ReportingUnit")]

    assert "unofficial-complete" == report["Status"]
    assert {"completed"} == {unit["CountStatus"][0]["Status"] for unit in units}
    assert all(unit["SubUnitsReported"] == unit["TotalSubUnits"] for unit in units)
    assert {180, 486} == {contest["TotalSubUnits"] for part in report["Election"] for contest in part["Contest"]}


def test_a_tally_of_a_contest_where_it_is_not_held_is_refused() -> None:
    rulebook = Rulebook(ELECTION, lambda _: 0)
    refusal = rulebook.rules_for(Cell("mayor", "aa", "tr/81/dogu"))

    assert Refusal("unknown_contest", "contest 'mayor' is not held in tr/81/dogu") == refusal
    assert not isinstance(rulebook.rules_for(Cell("council", "aa", "tr/81/dogu")), Refusal)
