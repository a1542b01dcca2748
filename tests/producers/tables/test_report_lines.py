from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.tables.mapping import ReportMapping
from producers.tables.reports import read_reports
from schemas.errors import MappingError, TableError
from schemas.tally import encode
from tests.producers.tables.test_reports import ELECTION, HEADER, LINE, LONG, LONG_HEADER, WIDE, mapping, read


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Üsküdar", "Atlantis", "line 3: no district 'Atlantis' in the election definition"),
        ("1.500", "-1.500", "line 3: İmamoğlu is '-1.500', not a whole number from 0 up"),
        ("3.000", "", "line 3: kayıtlı is '', not a whole number"),
        (";10;", ";200000;", "line 3: açılan is '200000', over the 100000"),
        ("2.500", "2.600", "line 3: geçerli is 2600, over the 2550 of kullanan"),
        ("31.03.2024 19:00", "19:00", "line 3: saat is '19:00', not a time like"),
        (";1.000;", ";1.000", "line 3: 9 cells under a header of 10"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_the_others_can(tmp_path: Path, old: str, new: str, says: str) -> None:
    good = LINE.replace("Üsküdar", "Kadıköy")
    reports, told = read(tmp_path, HEADER, good, LINE.replace(old, new))

    assert ["tr/34/kadikoy"] == [report.district for report in reports]
    assert says in told


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    report = {name: value for name, value in WIDE["report"].items() if name != "timezone"}

    assert "in no time zone" in read(tmp_path, HEADER, LINE, plan=mapping(WIDE, report=report))[1]


def test_the_same_revision_with_other_figures_spoils_its_district_and_no_other(tmp_path: Path) -> None:
    other = LINE.replace("1.500", "1.499")
    reports, told = read(tmp_path, HEADER, LINE, LINE.replace("Üsküdar", "Kadıköy"), LINE, other)

    assert ["tr/34/kadikoy"] == [report.district for report in reports]
    assert "1 line of" in told
    assert "line 5: revision 1711900800000 of tr/34/uskudar has other votes of 'imamoglu'" in told
    assert "is in line 2 with other figures" in read(tmp_path, HEADER, LINE, LINE.replace(";10;", ";11;"))[1]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Reis", "Yabancı", "no candidate 'Yabancı' or '' on the ballot of tr/34/uskudar"),
        ("BŞB", "muhtar", "yarış is 'muhtar', no contest of this run"),
        (",7,", ",0,", "sıra is 0, not a revision from 1 up"),
        (",7,", ",x,", "sıra is 'x', not a whole number"),
        ("İSTANBUL", "BURSA", "no district 'ÜSKÜDAR' in 'BURSA'"),
    ],
)
def test_half_a_report_is_none(tmp_path: Path, old: str, new: str, says: str) -> None:
    good = "İSTANBUL,ÜSKÜDAR,BŞB,7,10,3000,2550,2500,50,Kurum,AK Parti,1000"
    bad = "İSTANBUL,ÜSKÜDAR,BŞB,7,10,3000,2550,2500,50,Reis,,1500".replace(old, new)
    reports, told = read(tmp_path, LONG_HEADER, good, bad, plan=mapping(LONG))

    assert says in told
    assert [] == reports


def test_a_column_of_a_candidate_who_is_not_on_this_ballot_must_be_zero(tmp_path: Path) -> None:
    votes = {"İmamoğlu": "chp", "Kurum": "ak_parti"}
    plan = mapping(WIDE, votes=votes, report=WIDE["report"] | {"contest": "district_mayor"})
    gebze = LINE.replace("Üsküdar", "Gebze")

    assert {"chp": 1500} == read(tmp_path, HEADER, gebze.replace(";1.000;", ";0;"), plan=plan)[0][0].votes
    assert "no candidate 'ak_parti' on the ballot of tr/41/gebze" in read(tmp_path, HEADER, gebze, plan=plan)[1]


def test_a_column_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    changed = mapping(WIDE, columns=WIDE["columns"] | {"cast": "kullanılan"})
    with pytest.raises(MappingError, match=r"no column 'kullanılan', which the mapping names. Nearest: 'kullanan'"):
        read(tmp_path, HEADER, LINE, plan=changed)


CANDIDATES = {"İmamoğlu": 700, "Kurum": 790, "Bir Bağımsız": 10}
START = "İSTANBUL,ÜSKÜDAR,BŞB,7,10,3000,1550,1500,50"
LINES = [f"{START},{name},,{votes}" for name, votes in CANDIDATES.items()]
KADIKOY = [line.replace("ÜSKÜDAR", "KADIKÖY") for line in LINES]
UNATTRIBUTED = mapping(LONG, columns=LONG["columns"] | {"unattributed": "boşta"})


@pytest.mark.parametrize("there", [1, 2])
def test_a_file_that_ends_in_the_middle_of_a_report_has_not_that_report(tmp_path: Path, there: int) -> None:
    """One line of three said 700 votes, and none for the two who follow."""
    reports, told = read(tmp_path, LONG_HEADER, *KADIKOY, *LINES[:there], plan=mapping(LONG))

    assert [("tr/34/kadikoy", {"imamoglu": 700, "kurum": 790, "bagimsiz_1": 10})] == [
        (report.district, report.votes) for report in reports
    ]
    assert f"line {4 + there}: the report of tr/34/uskudar is not whole: its lines come to" in told
    assert "of 1500 valid votes, and none is of bagimsiz_1" in told


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_a_report_is_whole_once_everybody_is_named_or_all_valid_votes_are(tmp_path: Path, order: Sequence[int]) -> None:
    odd = [line.replace(",1500,", ",1501,") for line in LINES]
    for lines in (LINES, odd, [LINES[1], LINES[0].replace(",700", ",710")]):
        ordered = [lines[index] for index in order if index < len(lines)]
        reports, told = read(tmp_path, LONG_HEADER, *ordered, plan=mapping(LONG))
        assert (1, "") == (len(reports), told)


def test_votes_of_nobody_yet_belong_to_what_is_valid(tmp_path: Path) -> None:
    header, line = LONG_HEADER.replace(",oy", ",boşta,oy"), f"{START},İmamoğlu,,800,700"

    assert 1 == len(read(tmp_path, header, line, plan=UNATTRIBUTED)[0])
    assert "is not whole" in read(tmp_path, header, line.replace(",800,", ",799,"), plan=UNATTRIBUTED)[1]


def test_who_is_not_named_has_no_vote_where_the_mapping_says_so_and_how_a_file_ends(tmp_path: Path) -> None:
    report = LONG["report"] | {"unnamed": "zero"}
    ending = mapping(LONG, report=report, table={"end": "SON"})

    assert 1 == len(read(tmp_path, LONG_HEADER, LINES[0], "SON", plan=ending)[0])
    with pytest.raises(TableError, match="is not whole: no line begins with 'SON'"):
        read(tmp_path, LONG_HEADER, LINES[0], plan=ending)
    with pytest.raises(MappingError, match=r"nothing shows that .*t.csv is whole. Name as table.end"):
        read(tmp_path, LONG_HEADER, LINES[0], plan=mapping(LONG, report=report))


def test_half_a_report_in_json_is_none_either(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    rows = [dict(zip(LONG_HEADER.split(","), line.split(","), strict=True)) for line in LINES]
    for count, plan in ((3, LONG), (1, LONG), (1, LONG | {"report": LONG["report"] | {"unnamed": "zero"}})):
        path.write_bytes(orjson.dumps(rows[:count]))
        table = read_reports(path, mapping(plan), ELECTION)
        assert (count == 1 and plan is LONG) == bool(table.faults.count)


LAST = {
    "oy": LONG_HEADER,
    "not": f"{LONG_HEADER},not",
    "aday": "il,ilce,yarış,sıra,açılan,kayıtlı,kullanan,geçerli,geçersiz,parti,oy,aday",
}


@pytest.mark.parametrize("last", LAST)
def test_a_long_file_cut_at_any_byte_says_no_other_counts(tmp_path: Path, last: str) -> None:
    """Whatever its last column. Reports may be missing that the file did not come to."""
    names, header = LONG_HEADER.split(","), LAST[last].split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) | {"not": "1"} for line in (*KADIKOY, *LINES)]
    lines = [",".join(row[name] for name in header) for row in rows]
    check_every_cut(tmp_path, [LAST[last], *lines], mapping(LONG), 2)


WIDE_LINES = [LINE, LINE.replace("Üsküdar", "Kadıköy").replace("1.500;1.000", "2.000;500")]


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
@pytest.mark.parametrize("last", range(10))
def test_a_wide_file_cut_at_any_byte_says_no_other_counts(tmp_path: Path, last: int, order: slice) -> None:
    lines = []
    for line in (HEADER, *WIDE_LINES[order]):
        cells = line.split(";")
        cells.append(cells.pop(last))
        lines.append(";".join(cells))
    check_every_cut(tmp_path, lines, mapping(WIDE), 2)


def check_every_cut(tmp_path: Path, lines: list[str], plan: ReportMapping, count: int) -> None:
    """Check that each beginning of the file comes to some of its reports, as the whole file has them, or is refused."""
    path, whole = tmp_path / "t.csv", "".join(f"{line}\r\n" for line in lines).encode()
    path.write_bytes(whole)
    expected = {encode(report) for report in read_reports(path, plan, ELECTION).reports}
    assert count == len(expected)
    seen = set()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        try:
            found = {encode(report) for report in read_reports(path, plan, ELECTION).reports}
        except (TableError, MappingError):
            continue
        assert found <= expected, whole[:cut].decode(errors="replace")
        seen.add(len(found))
    assert {0, *range(1, count)} <= seen


@given(st.permutations([*KADIKOY, *LINES, *LINES[1:]]))
def test_any_order_and_duplication_of_lines_gives_the_same_reports(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("order")
    expected = read(folder, LONG_HEADER, *LINES, *KADIKOY, plan=mapping(LONG))[0]
    reports, told = read(folder, LONG_HEADER, *lines, plan=mapping(LONG))

    assert ({encode(report) for report in expected}, "") == ({encode(report) for report in reports}, told)


def test_the_same_line_at_another_time_is_no_contradiction(tmp_path: Path) -> None:
    plan = mapping(WIDE, report=WIDE["report"] | {"revision": 7})
    (report,), told = read(tmp_path, HEADER, LINE.replace("19:00", "19:05"), LINE, plan=plan)

    assert ("", "2024-03-31T19:05:00+03:00", 7) == (told, report.at.isoformat(), report.revision)


def test_lines_of_one_report_are_all_corrections_or_none(tmp_path: Path) -> None:
    assert "is in line 2 without the mark of a correction" in read(tmp_path, HEADER, LINE, f"{LINE}E")[1]
    assert "is in line 2 with the mark of a correction" in read(tmp_path, HEADER, f"{LINE}E", LINE)[1]


@pytest.mark.parametrize("name", ["TOPLAM", "İstanbul Toplamı", "Genel Toplam", "Total"])
def test_a_total_row_is_checked_and_published_as_nothing(tmp_path: Path, name: str) -> None:
    total = f"{name};;20;6.000;%85;5.000;0;3.500;1.500;"
    for row, told in (
        (total, ()),
        (total.replace("3.500", "3.501"), ("line 4 is a total row, but İmamoğlu is 3501 and the lines come to 3500",)),
    ):
        path = tmp_path / "t.csv"
        path.write_text("\n".join([HEADER, *WIDE_LINES, row, ""]), encoding="utf-8")
        table = read_reports(path, mapping(WIDE), ELECTION)
        assert (2, 0, told) == (len(table.reports), table.faults.count, table.wrong_totals)


def test_total_rows_of_each_candidate_are_checked_contest_by_contest(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    totals = [f",TOPLAM,BŞB,,20,6000,3100,3000,100,{name},,{2 * votes}" for name, votes in CANDIDATES.items()]
    strange = [",TOPLAM,BŞB,,20,6000,3100,3000,100,Kimse,,0", ",TOPLAM,muhtar,,1,1,1,1,1,İmamoğlu,,1"]
    path.write_text("\n".join([LONG_HEADER, *LINES, *KADIKOY, *totals, *strange, ""]), encoding="utf-8")
    assert () == read_reports(path, mapping(LONG), ELECTION).wrong_totals

    path.write_text(
        "\n".join([LONG_HEADER, *LINES, *KADIKOY, totals[0].replace(",1400", ",1")]) + "\n", encoding="utf-8"
    )
    assert ("line 8 is a total row, but oy of imamoglu is 1 and the lines come to 1400",) == read_reports(
        path, mapping(LONG), ELECTION
    ).wrong_totals


@pytest.mark.parametrize(
    ("votes", "told"),
    [
        ("1500", ()),
        ("1550", ()),
        ("%100", ()),
        ("1501", ("line 5 is a total row, but oy is 1501 and the votes of tr/34/uskudar come to 1500",)),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_a_line_of_all_candidates_together_is_checked_and_published_as_nothing(
    tmp_path: Path, votes: str, told: tuple[str, ...], first: bool
) -> None:
    total = f"İSTANBUL,ÜSKÜDAR,BŞB,7,10,3000,1550,1500,50,TOPLAM,,{votes}"
    lines = [LONG_HEADER, total, *LINES] if first else [LONG_HEADER, *LINES, total]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")

    table = read_reports(path, mapping(LONG), ELECTION)

    expected = tuple(each.replace("line 5", "line 2") if first else each for each in told)
    assert (1, 0, expected) == (len(table.reports), table.faults.count, table.wrong_totals)


def test_a_candidate_of_another_ballot_may_be_named_with_no_vote(tmp_path: Path) -> None:
    plan = mapping(LONG, contests={"BŞB": "district_mayor"}, candidates={"Reis": "ak_parti"})
    gebze = "KOCAELİ,GEBZE,BŞB,7,10,3000,1550,1500,50"
    lines = [f"{gebze},CHP,,1500", f"{gebze},Reis,,0"]

    assert {"chp": 1500} == read(tmp_path, LONG_HEADER, *lines, plan=plan)[0][0].votes
    told = read(tmp_path, LONG_HEADER, lines[0], f"{gebze},Reis,,1", plan=plan)[1]
    assert "line 3: 'Reis' or '' is 'ak_parti', no candidate on the ballot of tr/41/gebze" in told
    assert "no candidate 'Kimse'" in read(tmp_path, LONG_HEADER, lines[0], f"{gebze},Kimse,,0", plan=plan)[1]


def test_an_update_time_before_1970_is_no_revision(tmp_path: Path) -> None:
    assert "too early to be a revision" in read(tmp_path, HEADER, LINE.replace("2024", "1969"))[1]


VOTES = st.lists(st.tuples(*[st.integers(0, 1200)] * 3), min_size=1, max_size=3)


@given(VOTES, st.data())
def test_figures_of_a_file_cut_anywhere_are_those_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, votes: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Of figures that add up, in both layouts, with a line end after the last line or none."""
    names, districts = [*CANDIDATES], ["ÜSKÜDAR", "KADIKÖY", "ADALAR"]
    counts = [(sum(each), sum(each) + 50) for each in votes]
    starts = [
        f"İSTANBUL,{district},BŞB,7,10,3000,{cast},{valid},50"
        for district, (valid, cast) in zip(districts, counts, strict=False)
    ]
    if data.draw(st.booleans(), label="a line for each candidate"):
        plan, header = mapping(LONG), LONG_HEADER
        lines = [
            f"{start},{name},,{count}"
            for start, each in zip(starts, votes, strict=True)
            for name, count in zip(names, each, strict=True)
        ]
    else:
        columns = {name: value for name, value in LONG["columns"].items() if name not in {"candidate", "votes"}}
        ids = ["imamoglu", "kurum", "bagimsiz_1"]
        plan = mapping(LONG, columns=columns, candidates={}, votes=dict(zip(names, ids, strict=True)))
        header = ",".join(["il,ilce,yarış,sıra,açılan,kayıtlı,kullanan,geçerli,geçersiz", *names])
        lines = [f"{start},{','.join(map(str, each))}" for start, each in zip(starts, votes, strict=True)]
    path = tmp_path_factory.mktemp("cut") / "t.csv"
    whole = "\n".join([header, *lines, *[""] * data.draw(st.integers(0, 1), label="line ends")]).encode()
    path.write_bytes(whole)
    expected = {encode(report) for report in read_reports(path, plan, ELECTION).reports}
    assert len(votes) == len(expected)
    path.write_bytes(whole[: data.draw(st.integers(len(header.encode()), len(whole)), label="cut")])
    try:
        found = read_reports(path, plan, ELECTION).reports
    except TableError:
        return
    assert {encode(report) for report in found} <= expected
