"""Tables in Cyrillic, Greek, Arabic, Devanagari and Han: each report is its own unit's, or it is told."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.tables.boxes import election, read_table, tallies
from producers.tables.mapping import BoxMapping
from producers.tables.notation import Names
from producers.tables.reports import read_reports
from schemas.definition import Election, Source, Unit
from schemas.errors import TableError
from schemas.spelling import same_letters
from tests.builders import NIGHT, small_election
from tests.producers.tables.test_reports import LONG, mapping

SCRIPTS = {
    "Cyrillic": ("Київська", "Київ", "Львів", "Йосип"),
    "Greek": ("Αττική", "Αθήνα", "Πειραιάς", "Νίκος"),
    "Arabic": ("القاهرة", "مصر الجديدة", "المعادي", "علي"),
    "Devanagari": ("दिल्ली", "नई दिल्ली", "करोल बाग", "मोहन"),
    "Han": ("北京市", "东城区", "西城区", "王"),
}


def box_plan(candidate: str, **units: str) -> BoxMapping:
    return BoxMapping.model_validate(
        {
            "election": {"id": "night", "name": "Night", "date": date(2024, 3, 31), "timezone": "Europe/Kyiv"},
            "contest": {"id": "mayor", "name": "Mayor"},
            "source": {"id": "council", "name": "Council"},
            "units": {
                "country": {"id": "xx", "name": "X"},
                "province_id": "province code",
                "province_name": "province",
                "district_name": "district",
                **units,
            },
            "columns": {"box": "box", "registered": "r", "cast": "c", "valid": "v", "invalid": "i"},
            "report": {"at": NIGHT},
            "votes": {candidate: {"id": "first", "name": candidate}},
        }
    )


def box_table(tmp_path: Path, script: str) -> Path:
    province, one, other, candidate = SCRIPTS[script]
    path = tmp_path / "boxes.csv"
    lines = [f"province code,province,code,district,box,r,c,v,i,{candidate}"]
    lines += [
        f"80,{province},0{number},{name},1,300,{number},{number},0,{number}" for number, name in ((1, one), (2, other))
    ]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_box_table_in_any_script_is_published_by_its_codes(tmp_path: Path, script: str) -> None:
    province, one, other, candidate = SCRIPTS[script]
    plan = box_plan(candidate, district_id="code")
    table = read_table(box_table(tmp_path, script), plan)
    definition = election(table, plan)

    assert {("xx/80/01", 1), ("xx/80/02", 2)} == {
        (event.district, event.votes["first"]) for event in tallies(table, plan)
    }
    assert (province, one, other) == tuple(
        definition.unit_by_id[unit].name for unit in ("xx/80", "xx/80/01", "xx/80/02")
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_without_codes_the_table_is_refused_and_told_to_name_them(tmp_path: Path, script: str) -> None:
    with pytest.raises(TableError, match=r"gives no id of ASCII letters.*code for it as units.district_id") as error:
        read_table(box_table(tmp_path, script), box_plan(SCRIPTS[script][3]))

    assert f"the district name {SCRIPTS[script][1]!r}" in str(error.value)


def definition_of(*names: str) -> Election:
    election = small_election()
    units = [
        Unit(id=f"tr/34/{number}", level="district", name=name, parent="tr/34", boxes=((1, 9),))
        for number, name in enumerate(names, start=1)
    ]
    own = {"units": (*election.units[:2], *units), "sources": (Source(id="agency", name="A", reports="districts"),)}
    contest = election.contests[0].model_copy(update={"ballots": {}})
    return Election(**{**dict(election), **own, "contests": (contest,)})


def reports(tmp_path: Path, definition: Election, *rows: str, **changes: Any) -> tuple[dict[str, int], str]:
    """The boxes opened by district, and what is wrong with lines."""
    path = tmp_path / "reports.csv"
    header = "il,ilce,yarış,sıra,açılan,kayıtlı,kullanan,geçerli,geçersiz,aday,parti,oy"
    lines = [f"İstanbul,{row},mayor,1,{number},9,9,9,0,Reis,,9" for number, row in enumerate(rows, start=1)]
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    table = read_reports(path, mapping(LONG, **changes), definition)
    return {report.district: report.boxes_opened for report in table.reports}, table.faults.message("so.")


@pytest.mark.parametrize("script", SCRIPTS)
def test_reports_in_any_script_land_in_the_district_of_their_name(tmp_path: Path, script: str) -> None:
    _, one, other, _ = SCRIPTS[script]
    found, _ = reports(tmp_path, definition_of(one, other), other, one)

    assert {"tr/34/2": 1, "tr/34/1": 2} == found


def test_a_report_of_a_city_that_is_in_no_definition_lands_in_no_other(tmp_path: Path) -> None:
    names = {"Київ": "tr/34/1", "Львів": "tr/34/2"}
    units = {"district": "ilce", "names": names}
    found, faults = reports(tmp_path, definition_of("Kyiv", "Lviv"), "Київ", "Харків", units=units)

    assert {"tr/34/1": 1} == found
    assert "line 3: no district 'Харків' in the election definition" in faults


def test_a_single_cyrillic_district_takes_no_others_report(tmp_path: Path) -> None:
    assert {} == reports(tmp_path, definition_of("Київ"), "Харків")[0]


def test_a_table_can_have_total_rows_in_its_own_words(tmp_path: Path) -> None:
    table = {"totals": ["Всього по області"]}
    found, faults = reports(tmp_path, definition_of("Київ"), "Київ", "ВСЬОГО ПО ОБЛАСТІ 1", table=table)

    assert {"tr/34/1": 1} == found
    assert "0 lines of" in faults


def test_a_spelling_that_two_districts_share_is_refused_with_both_names(tmp_path: Path) -> None:
    definition = definition_of("San José", "San Jose")
    found, faults = reports(tmp_path, definition, "San Jose", "San José", "San Josè")

    assert {"tr/34/2": 1, "tr/34/1": 2} == found
    assert "there are 2 districts 'San Josè': tr/34/1 (San José), tr/34/2 (San Jose)" in faults


LETTERS = st.text(st.sampled_from("aáAıIİiКкйиїі北京दिीعَ '"), min_size=1, max_size=3).filter(str.strip)


@given(st.sets(LETTERS, min_size=1, max_size=6))
def test_distinct_names_never_give_one_report_another_unit(names: set[str]) -> None:
    """A row that has a district's name is that district's, or is refused where only case tells it from another's."""
    definition = definition_of(*sorted(names))
    known = Names(definition, districts={})

    for unit in definition.districts:
        of_that_name = [
            other.id for other in definition.districts if same_letters(other.name) == same_letters(unit.name)
        ]
        if len(of_that_name) == 1:
            assert unit.id == known.district(unit.name)
            continue
        with pytest.raises(ValueError, match=f"there are {len(of_that_name)} districts") as error:
            known.district(unit.name)
        assert all(other in str(error.value) for other in of_that_name)


def test_a_province_is_found_by_its_own_name_first() -> None:
    election = small_election()
    provinces = [
        Unit(id=f"tr/{code}", level="province", name=name, parent="tr") for code, name in ((1, "León"), (2, "Leon"))
    ]
    districts = [Unit(id=f"tr/{code}/c", level="district", name="Centro", parent=f"tr/{code}") for code in (1, 2)]
    contests = (election.contests[0],)
    known = Names(
        Election(**{**dict(election), "units": (election.units[0], *provinces, *districts), "contests": contests}),
        districts={},
    )

    assert ("tr/1/c", "tr/2/c") == (known.district("Centro", "León"), known.district("CENTRO", "Leon"))
    with pytest.raises(ValueError, match="there are 2 districts 'Centro'"):
        known.district("Centro", "LEON")
