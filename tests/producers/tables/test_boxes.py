import csv
import gzip
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pyarrow.csv
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from producers.chance import seeded
from producers.tables.boxes import DistrictNames, election, read_table, runs, tallies, unit_ids
from producers.tables.mapping import BoxMapping, parse_mapping, read_mapping
from schemas.errors import MappingError, TableError
from schemas.tally import Counted, encode, parse_tallies
from tests.producers.real_tables import MAPPING, real_table

HEADER = (
    "il_id,ilce_id,il,ilce,sandik_no,kayitli_secmen,oy_kullanan,gecerli_toplam,gecersiz_toplam,"
    "AK PARTİ,MHP,SAADET,CHP,BTP,BBP,DP,DSP,HDP,DBP,Diger"
)
FIRST = "34,135,İSTANBUL,ÇATALCA,1001,295,272,253,19,54,10,1,185,0,0,0,0,0,0,3"
SECOND = "34,135,İSTANBUL,ÇATALCA,1002,293,291,280,11,49,15,2,212,0,0,0,0,1,0,1"
OTHER = "59,7,TEKİRDAĞ,ÇORLU,1001,300,200,190,10,90,0,0,100,0,0,0,0,0,0,0"


@pytest.fixture
def mapping() -> BoxMapping:
    return read_mapping(MAPPING)


def write(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "boxes.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


def test_a_line_becomes_an_event(tmp_path: Path, mapping: BoxMapping) -> None:
    table = read_table(write(tmp_path, FIRST), mapping)
    (event,) = tallies(table, mapping)
    assert (
        event.district,
        event.box,
        event.source,
        event.revision,
        event.type,
    ) == ("tr/34/catalca", 1001, "ysk", 1, "counted")
    assert (event.registered, event.cast, event.valid, event.invalid, event.unattributed) == (295, 272, 253, 19, 0)
    assert event.votes == {"ak_parti": 54, "mhp": 10, "saadet": 1, "chp": 185, "diger": 3}
    assert [event] == parse_tallies([encode(event)])


def test_the_same_table_gives_the_definition(tmp_path: Path, mapping: BoxMapping) -> None:
    definition = election(read_table(write(tmp_path, SECOND, OTHER, FIRST), mapping), mapping)
    assert [unit.id for unit in definition.units] == ["tr", "tr/34", "tr/59", "tr/34/catalca", "tr/59/corlu"]
    catalca = definition.unit_by_id["tr/34/catalca"]
    assert (
        catalca.name,
        catalca.parent,
        catalca.registered,
        catalca.boxes,
    ) == ("Çatalca", "tr/34", 588, ((1001, 1002),))
    assert definition.unit_by_id["tr/59"].name == "Tekirdağ"
    assert None is definition.contests[0].candidates[-1].party


def test_a_table_without_a_box_is_refused(tmp_path: Path, mapping: BoxMapping) -> None:
    with pytest.raises(TableError, match="has a header but no box"):
        read_table(write(tmp_path), mapping)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("boxes.csv", HEADER.encode("utf-16")),
        ("boxes.csv", (HEADER + '\n"34').encode()),
        ("boxes.csv.gz", HEADER.encode()),
        ("boxes.csv.gz", gzip.compress(f"{HEADER}\n{FIRST}\n".encode())[:-9]),
        ("boxes.parquet", HEADER.encode()),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, mapping: BoxMapping, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TableError, match="boxes"):
        read_table(path, mapping)


def test_a_missing_file_is_refused(tmp_path: Path, mapping: BoxMapping) -> None:
    with pytest.raises(TableError, match="cannot be read"):
        read_table(tmp_path / "boxes.csv", mapping)


def test_gzip_parquet_and_another_delimiter_say_the_same(tmp_path: Path, mapping: BoxMapping) -> None:
    plain = write(tmp_path, FIRST, SECOND, OTHER)
    expected = read_table(plain, mapping)
    zipped = tmp_path / "boxes.csv.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    columns = tmp_path / "boxes.parquet"
    parquet.write_table(pyarrow.csv.read_csv(plain), columns)
    semicolons = tmp_path / "semicolons.csv"
    semicolons.write_text(plain.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8-sig")
    german = parse_mapping(MAPPING.read_text(encoding="utf-8") + '\n[table]\ndelimiter = ";"\n')
    for path, written in ((zipped, mapping), (columns, mapping), (semicolons, german)):
        found = read_table(path, written)
        assert not found.faults.count
        assert replace(expected, faults=found.faults) == found


def test_time_and_revision_can_be_columns(tmp_path: Path) -> None:
    text = MAPPING.read_text(encoding="utf-8")
    text = text.replace("at = 2014-03-30T20:00:00", 'at = { column = "saat" }')
    mapping = parse_mapping(text.replace("revision = 1", 'revision = { column = "surum" }'))
    header = HEADER + ",saat,surum"
    late = FIRST.replace("185", "184") + ",2014-03-30T21:00:00+03:00,2"
    path = write(tmp_path, FIRST + ",2014-03-30T20:00:00,1", late, header=header)
    table = read_table(path, mapping)
    assert [(event.type, event.revision, event.at.isoformat()) for event in tallies(table, mapping)] == [
        ("counted", 1, "2014-03-30T20:00:00+02:00"),
        ("corrected", 2, "2014-03-30T21:00:00+03:00"),
    ]
    assert election(table, mapping).boxes_total["tr"] == 1
    for bad in ("20:00,1", "2014-03-30T20:00:00,0", "2014-03-30T20:00:00,x"):
        with pytest.raises(TableError, match="line 2"):
            read_table(write(tmp_path, f"{FIRST},{bad}", header=header), mapping)


def test_a_revision_can_be_given_for_the_whole_table(tmp_path: Path, mapping: BoxMapping) -> None:
    table = read_table(write(tmp_path, FIRST), mapping)
    assert [(event.type, event.revision) for event in tallies(table, mapping, revision=2)] == [("corrected", 2)]


TIMES = MAPPING.read_text(encoding="utf-8").replace("at = 2014-03-30T20:00:00", 'at = { column = "saat" }')
REVISIONS = TIMES.replace("revision = 1", 'revision = { column = "surum" }')
TIMED = HEADER + ",saat,surum"
MORE = FIRST.replace("185", "186")


@pytest.mark.parametrize("revision", [None, 9])
@pytest.mark.parametrize("lines", [(FIRST, MORE), (MORE, FIRST)])
def test_of_a_box_that_is_there_twice_the_newest_is_published(
    tmp_path: Path, lines: tuple[str, str], revision: int | None
) -> None:
    """Whatever the order of the lines, and under whatever one revision."""
    rows = [f"{line},2014-03-30T{20 + (line is MORE)}:00:00,{1 + (line is MORE)}" for line in lines]
    table = read_table(write(tmp_path, *rows, header=TIMED), parse_mapping(TIMES))

    assert [(revision or 1, 186)] == [
        (event.revision, event.votes["chp"]) for event in tallies(table, parse_mapping(TIMES), revision=revision)
    ]
    by_revision = tallies(table, parse_mapping(REVISIONS), revision=revision)
    assert (9, 186) == max((event.revision, event.votes["chp"]) for event in by_revision) or revision is None


def test_under_one_revision_only_the_highest_of_a_box_is_published(tmp_path: Path) -> None:
    rows = [f"{FIRST},2014-03-30T22:00:00,1", f"{MORE},2014-03-30T21:00:00,2"]
    mapping = parse_mapping(REVISIONS)
    table = read_table(write(tmp_path, *rows, header=TIMED), mapping)

    assert [1, 2] == [event.revision for event in tallies(table, mapping)]
    assert [(9, 186)] == [(event.revision, event.votes["chp"]) for event in tallies(table, mapping, revision=9)]
    assert 1 == election(table, mapping).boxes_total["tr"]


@pytest.mark.parametrize("content", ["", "\n\n", ",,,\n"])
def test_an_empty_file_is_told_as_one(tmp_path: Path, mapping: BoxMapping, content: str) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TableError, match="is empty"):
        read_table(path, mapping)


def test_names_that_come_to_one_id_get_the_tables_number() -> None:
    one, two = DistrictNames("1", "X", "ŞAR", "7"), DistrictNames("1", "X", "SAR", "8")
    assert {one: "tr/1/sar-7", two: "tr/1/sar-8"} == unit_ids({one, two}, "tr")
    with pytest.raises(MappingError, match="come to the same id 'tr/1/sar-7'"):
        unit_ids({one, two._replace(district_id="7")}, "tr")


@given(st.sets(st.integers(1, 60), min_size=1))
def test_runs_hold_exactly_their_numbers(numbers: set[int]) -> None:
    found = runs(sorted(numbers))
    assert sorted(numbers) == [number for first, last in found for number in range(first, last + 1)]
    assert all(left[1] + 1 < right[0] for left, right in pairwise(found))


def independent_sums(path: Path) -> Counter[tuple[str, str, str]]:
    """Votes by (province, district, column), with nothing of ours."""
    sums: Counter[tuple[str, str, str]] = Counter()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            for name in row:
                if name not in {"il_id", "ilce_id", "muhtarlik_id", "il", "ilce", "mahalle", "sandik_no"}:
                    sums[row["il"], row["ilce"], name] += int(row[name])
    return sums


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "boxes", "provinces", "districts"),
    [("istanbul-2014", 32_164, 1, 39), ("turkiye-2014", 171_384, 81, 1_345)],
)
def test_the_record_of_2014_is_read_to_the_last_vote(
    mapping: BoxMapping, name: str, boxes: int, provinces: int, districts: int
) -> None:
    path = real_table(f"{name}/boxes.csv.gz")
    table = read_table(path, mapping)
    definition = election(table, mapping)
    assert (boxes, 0, districts) == (len(table.rows), table.duplicates, len(table.unit_ids))
    assert boxes == definition.boxes_total["tr"]
    assert provinces == sum(unit.level == "province" for unit in definition.units)
    place_of = {unit: place for place, unit in table.unit_ids.items()}
    columns = {choice.id: column for column, choice in mapping.votes.items()}
    sums: Counter[tuple[str, str, str]] = Counter()
    for event in tallies(table, mapping):
        add(sums, event, place_of[event.district], columns)
    expected = independent_sums(path)
    assert {key: n for key, n in sums.items() if n} == {
        key: n for key, n in expected.items() if n and not key[2].startswith("itiraz")
    }


def add(sums: Counter[tuple[str, str, str]], event: Counted, place: DistrictNames, columns: dict[str, str]) -> None:
    counts = {columns[name]: votes for name, votes in event.votes.items()} | {
        "kayitli_secmen": event.registered,
        "oy_kullanan": event.cast,
        "gecerli_toplam": event.valid,
        "gecersiz_toplam": event.invalid,
    }
    for name, number in counts.items():
        sums[place.province_name, place.district_name, name] += number


@pytest.mark.data
def test_the_order_of_the_lines_changes_nothing_but_the_order(tmp_path: Path, mapping: BoxMapping) -> None:
    path = real_table("istanbul-2014/boxes.csv.gz")
    header, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    seeded(7).shuffle(lines)
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join([header, *lines]), encoding="utf-8")
    one, other = read_table(path, mapping), read_table(shuffled, mapping)
    assert election(one, mapping) == election(other, mapping)
    assert {encode(event) for event in tallies(one, mapping)} == {encode(event) for event in tallies(other, mapping)}


@pytest.mark.parametrize("name", ["x" * 300, "ş" * 100])
def test_a_name_that_no_unit_can_have_is_told(tmp_path: Path, mapping: BoxMapping, name: str) -> None:
    table = read_table(write(tmp_path, FIRST.replace("ÇATALCA", name)), mapping)
    with pytest.raises(TableError, match="gives no election definition: Unit"):
        election(table, mapping)


def test_names_in_capitals_are_read_in_the_mappings_language(tmp_path: Path) -> None:
    text = MAPPING.read_text(encoding="utf-8").replace('language = "tr"', 'language = "id"')
    mapping = parse_mapping(text)
    line = FIRST.replace("İSTANBUL", "KEPULAUAN RIAU").replace("ÇATALCA", "GIANYAR")
    definition = election(read_table(write(tmp_path, line), mapping), mapping)

    assert ("Kepulauan Riau", "Gianyar") == (definition.unit_by_id["tr/34"].name, definition.districts[0].name)
    assert "id" == definition.language


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ((), ""),
        (("timezone",), "does not say timezone: taken is timezone = 'Europe/Istanbul'"),
        (("timezone", "language"), "taken is timezone = 'Europe/Istanbul' and language = 'tr'"),
    ],
)
def test_what_a_mapping_leaves_to_be_assumed_is_told(left_out: tuple[str, ...], said: str) -> None:
    lines = MAPPING.read_text(encoding="utf-8").splitlines()
    mapping = parse_mapping("\n".join(line for line in lines if not line.startswith(left_out or "nothing")))

    assert said in mapping.election.assumed
    assert bool(said) == bool(mapping.election.assumed)


def test_one_contest_of_a_file_that_has_several_can_be_chosen(tmp_path: Path, mapping: BoxMapping) -> None:
    other = FIRST.replace(",185,", ",180,")
    path = write(tmp_path, f"{FIRST},Meclis", f"{other},Başkan", header=f"{HEADER},seçim")
    chosen = parse_mapping(MAPPING.read_text(encoding="utf-8") + '\n[table]\nonly = { "seçim" = "BAŞKAN" }\n')

    with pytest.raises(TableError, match=r"with other counts.* choose one with table\.only"):
        read_table(path, mapping)
    assert [180] == [event.votes["chp"] for event in tallies(read_table(path, chosen), chosen)]
    with pytest.raises(MappingError, match="no column 'seçim'"):
        read_table(write(tmp_path, FIRST), chosen)


def test_a_line_that_may_be_cut_off_is_told_whatever_is_chosen(tmp_path: Path) -> None:
    chosen = parse_mapping(MAPPING.read_text(encoding="utf-8") + '\n[table]\nonly = { "seçim" = "Başkan" }\n')
    path = tmp_path / "boxes.csv"
    path.write_text(f"{HEADER},seçim\n{FIRST},Başkan\n{SECOND},Baş", encoding="utf-8")

    with pytest.raises(TableError, match="cut off"):
        read_table(path, chosen)
    path.write_text(f"seçim,{HEADER}\nBaşkan,{FIRST}\nMeclis,{SECOND}", encoding="utf-8")
    assert [1001] == [row.box for row in read_table(path, chosen).rows]


def test_a_box_of_a_citys_postal_votes_is_read(tmp_path: Path, mapping: BoxMapping) -> None:
    postal = FIRST.replace("295,272,253,19,54,", "400000,300199,300180,19,299981,")
    (event,) = tallies(read_table(write(tmp_path, postal), mapping), mapping)

    assert (400_000, 299_981) == (event.registered, event.votes["ak_parti"])
