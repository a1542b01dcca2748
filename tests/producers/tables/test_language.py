"""What a mapping says of lines: counts that are absent, lines that are no candidate's, states, sums, times."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from producers.tables.mapping import ReportMapping, parse_mapping
from producers.tables.reports import ReportTable, read_box_statements, read_reports
from schemas.errors import MappingError
from schemas.tally import Counted, Reported, Withdrawn
from tests.builders import small_election, with_agency

BOXES = small_election()
AGENCY = with_agency(BOXES)
AT = "2024-03-31T19:00:00+03:00"
LONG: dict[str, Any] = {
    "report": {"source": "aa", "contest": "mayor", "at": datetime.fromisoformat(AT), "revision": 1},
    "units": {"district": "ilçe"},
    "columns": {"box": "sandık", "candidate": ["ad"], "votes": "oy"},
    "absent": {"registered": "unknown", "valid": "sum", "cast": "sum", "invalid": "none"},
}
HEADER = "ilçe,sandık,ad,oy\n"


def plan(changes: dict[str, Any]) -> ReportMapping:
    tree = {name: dict(section) for name, section in LONG.items()}
    for name, section in changes.items():
        tree[name] = tree.get(name, {}) | section
    return ReportMapping.model_validate(tree)


def boxes(tmp_path: Path, text: str, changes: dict[str, Any] | None = None) -> ReportTable[Counted | Withdrawn]:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    return read_box_statements(path, plan(changes or {}), BOXES)


def rows(*cells: tuple[str, object], box: int = 1001) -> str:
    return "".join(f"Üsküdar,{box},{name},{votes}\n" for name, votes in cells)


def only(table: ReportTable[Counted | Withdrawn]) -> Counted:
    assert [] == table.faults.shown
    (event,) = table.reports
    assert isinstance(event, Counted)
    return event


def known_box() -> int:
    return BOXES.unit_by_id["tr/34/uskudar"].boxes[0][0]


BALLOT = (("imamoglu", 5), ("kurum", 3), ("bagimsiz_1", 0))


def test_counts_that_the_source_does_not_give_follow_from_the_others(tmp_path: Path) -> None:
    event = only(boxes(tmp_path, HEADER + rows(*BALLOT, box=known_box())))
    assert (0, 8, 8, 0) == (event.registered, event.cast, event.valid, event.invalid)
    assert ("tr/34/uskudar", known_box(), dict(BALLOT)) == (event.district, event.box, event.votes)


def test_lines_in_place_of_a_candidate_are_counts(tmp_path: Path) -> None:
    words = {"registered": ["Kayıtlı"], "invalid": ["Geçersiz"], "blank": ["Boş"], "unattributed": ["Diğer"]}
    text = rows(
        *BALLOT,
        ("GEÇERSİZ", 2),
        ("Boş", 1),
        ("Diğer", 4),
        ("Kayıtlı", 30),
        ("Not", "x"),
        ("Toplam", 12),
        box=known_box(),
    )
    event = only(boxes(tmp_path, HEADER + text, {"rows": words | {"skip": ["Not"]}}))
    assert (30, 15, 12, 3, 4) == (event.registered, event.cast, event.valid, event.invalid, event.unattributed)


def test_a_total_that_is_wrong_is_told(tmp_path: Path) -> None:
    table = boxes(tmp_path, HEADER + rows(*BALLOT, ("Toplam", 9), box=known_box()))
    assert "line 5 is a total row, but oy is 9 and the votes of box" in table.wrong_totals[0]


def test_lines_of_one_candidate_contradict_each_other_unless_they_are_added(tmp_path: Path) -> None:
    text = HEADER + rows(*BALLOT, ("Kurum", 4), ("Kurum", 4), box=known_box())
    assert "line 5: revision 1 of box" in boxes(tmp_path, text).faults.shown[0]
    table = boxes(tmp_path, text, {"report": {"repeated": "add"}})
    assert (dict(BALLOT) | {"kurum": 7}, 1) == (only(table).votes, table.repeats)


def test_a_statement_that_lacks_a_candidate_is_not_whole_where_its_sum_is_made_of_its_lines(tmp_path: Path) -> None:
    (fault,) = boxes(tmp_path, HEADER + rows(("kurum", 3), box=known_box())).faults.shown
    assert "is not whole" in fault


def test_a_status_takes_a_box_back_or_leaves_its_line_out(tmp_path: Path) -> None:
    status = {"column": "durum", "counted": ["sayıldı"], "annulled": ["iptal"], "skip": ["bekliyor"]}
    text = "ilçe,sandık,durum,ad,oy\n" + "".join(
        f"Üsküdar,{known_box()},{state},{name},{votes}\n"
        for state, name, votes in (("İPTAL", "kurum", "-"), ("iptal", "imamoglu", "-"), ("bekliyor", "x", ""))
    )
    table = boxes(tmp_path, text, {"status": status})
    assert ["annulled"] == [event.type for event in table.reports]
    assert [] == table.faults.shown
    table = boxes(tmp_path, text.replace("bekliyor", "ne"), {"status": status})
    assert "durum is 'ne'. Name under [status]" in table.faults.shown[0]


def test_a_box_that_the_run_does_not_have_is_a_fault_of_its_line(tmp_path: Path) -> None:
    fault, *_ = boxes(tmp_path, HEADER + rows(*BALLOT, box=9_999_999)).faults.shown
    assert "the run has no box 9999999 in 'tr/34/uskudar', which has " in fault
    assert "join them under [derived]" in fault
    assert "the run has no box 0 in" in boxes(tmp_path, HEADER + rows(*BALLOT, box=0)).faults.shown[0]


def test_an_illegible_count_sets_its_box_aside(tmp_path: Path) -> None:
    text = HEADER + rows(("kurum", "?"), BALLOT[0], box=known_box())
    table = boxes(tmp_path, text, {"table": {"unreadable": ["?"]}, "report": {"gone": "withdrawn"}})
    assert ((), 0, ["line 2 is set aside: oy is '?'"]) == (table.reports, table.faults.count, table.faults.aside)
    assert {("mayor", "tr/34/uskudar", known_box())} == set(table.places or ())


def test_the_time_may_be_that_of_the_file_or_of_the_fetch(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + rows(*BALLOT, box=known_box()), encoding="utf-8")
    os.utime(path, (1_711_900_000, 1_711_900_000))
    (event,) = read_box_statements(path, plan({"report": {"at": "file"}}), BOXES).reports
    assert datetime.fromtimestamp(1_711_900_000, UTC) == event.at
    fetched = datetime(2024, 3, 31, 18, tzinfo=UTC)
    (event,) = read_box_statements(path, plan({"report": {"at": "fetch"}}), BOXES, fetched=fetched).reports
    assert fetched == event.at


def test_final_figures_are_of_all_boxes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("ilçe,ad,oy\nÜsküdar,imamoglu,5\nÜsküdar,kurum,3\nÜsküdar,bagimsiz_1,0\n", encoding="utf-8")
    tree = {name: dict(section) for name, section in LONG.items()}
    tree["absent"]["boxes_opened"] = "all"
    del tree["columns"]["box"]
    tree["report"]["source"] = "agency"
    mapping = ReportMapping.model_validate(tree)
    (report,) = read_reports(path, mapping, AGENCY).reports
    assert isinstance(report, Reported)
    assert AGENCY.boxes_of("mayor")["tr/34/uskudar"] == report.boxes_opened
    with pytest.raises(MappingError, match=r"names no columns\.box"):
        read_box_statements(path, mapping, AGENCY)
    with pytest.raises(MappingError, match="publish its table with sandik boxes"):
        read_reports(path, plan({}), AGENCY)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"absent": {"registered": None}}, 'say under \\[absent\\] registered = "unknown"'),
        ({"absent": {"invalid": None}}, 'with cast = "sum" something has to say what is invalid'),
        ({"absent": {"boxes_opened": "all"}}, "a table of boxes has no boxes_opened"),
        (
            {"columns": {"box": None}, "absent": {"boxes_opened": "all"}, "report": {"gone": "withdrawn"}},
            "is for boxes",
        ),
        ({"columns": {"candidate": (), "votes": None}, "votes": {"a": "b"}, "rows": {"skip": ["x"]}}, "rows and"),
    ],
)
def test_a_mapping_that_leaves_something_open_says_what(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        plan(changes)


def test_boxes_of_a_source_that_reports_districts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + rows(*BALLOT, box=known_box()), encoding="utf-8")
    with pytest.raises(MappingError, match="reports whole districts, and the mapping is of boxes"):
        read_box_statements(path, plan({"report": {"source": "agency"}}), AGENCY)


def test_a_table_may_be_told_how_it_is_laid_out_in_ways_that_are_refused() -> None:
    from producers.tables.mapping_sections import TableSection  # noqa: PLC0415

    for wrong, says in (
        ({"encoding": "klingon"}, "there is no encoding 'klingon'"),
        ({"rows": "a[].b]"}, "is no path"),
        ({"header_row": [3, 2]}, "must rise"),
    ):
        with pytest.raises(ValueError, match=says):
            TableSection.model_validate(wrong)
    with pytest.raises(MappingError, match="is not readable as TOML"):
        parse_mapping("x")
