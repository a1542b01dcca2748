import pytest
from pydantic import ValidationError

from producers.tables.layout import Layout, Sheet, TableLine
from producers.tables.mapping_sections import TableMapping
from producers.tables.shaping import shaped

HEADER = ("place", "zone", "a", "b")


def shape(derived: dict[str, object], *cells: list[str], where: dict[str, object] | None = None) -> list[list[str]]:
    """The cells of each line behind those of the table, or why the line cannot be used."""
    plan = TableMapping.model_validate(
        {"derived": derived, "table": {"thousands": ".", "zero": ["-"], "unreadable": ["?"], "where": where or {}}}
    )
    lines = (TableLine(number, line) for number, line in enumerate(cells, start=2))
    sheet = plan.shape(Sheet(HEADER, lines), "t.csv")
    assert sheet.header == (*HEADER, *derived)
    return [[line.fault] if line.fault else list(line.cells)[len(HEADER) :] for line in sheet.lines]


LINE = ["Kavak, Şile, İstanbul", "7", "1.200", "-"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"of": "place", "split": ",", "part": 2}, "Şile"),
        ({"of": "place", "split": ",", "part": -1}, "İstanbul"),
        ({"of": "place", "match": r"^(\w)"}, "K"),
        ({"of": "place", "match": "Ka"}, "Ka"),
        ({"of": "place", "split": ",", "part": 1, "match": "(x)?a"}, ""),
        ({"of": "zone", "pad": 3}, "007"),
        ({"of": "zone", "values": {"7": "yedi"}}, "yedi"),
        ({"join": ["zone", "b"], "between": "/"}, "7/-"),
        ({"sum": ["zone", "a", "b"]}, "1207"),
        ({"constant": "x"}, "x"),
    ],
)
def test_a_column_is_made_of_others(column: dict[str, object], expected: str) -> None:
    assert [[expected]] == shape({"new": column}, LINE)


def test_a_derived_column_may_be_made_of_those_above_it() -> None:
    derived: dict[str, object] = {"town": {"of": "place", "split": ",", "part": 2}, "id": {"join": ["zone", "town"]}}
    assert [["Şile", "7Şile"]] == shape(derived, LINE)
    with pytest.raises(ValidationError, match="'id' is made of 'town', which comes after it: put 'town' before it"):
        shape(dict(reversed(derived.items())), LINE)


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ({"of": "place", "split": ",", "part": 4}, "which has no part 4 for new"),
        ({"of": "place", "match": r"\d"}, r"in which new is not: \d"),
        ({"of": "zone", "values": {"8": "sekiz"}}, "new is '7', which its values do not have"),
        ({"of": "a", "pad": 3}, "new is '1.200', longer than the 3 that pad says"),
        ({"sum": ["place"]}, "place is 'Kavak, Şile, İstanbul', not a whole number"),
    ],
)
def test_a_line_of_which_a_column_cannot_be_made_says_why(column: dict[str, object], says: str) -> None:
    (found,) = shape({"new": column, "zone again": {"of": "zone"}}, LINE)
    assert says in found[0]


def test_a_sum_with_an_illegible_count_is_set_aside_unless_the_line_has_a_fault() -> None:
    derived: dict[str, object] = {"all": {"sum": ["a"]}, "town": {"of": "place", "match": "Ş"}}
    derived["none"] = {"of": "b", "values": {"": "", "-": "0"}}
    plan = TableMapping.model_validate({"derived": derived, "table": {"unreadable": ["?"]}})
    lines = iter([TableLine(2, ["Ş", "", "?", ""]), TableLine(3, ["x", "", "?", "!"]), TableLine(4, ["x"], fault="f")])
    found = list(plan.shape(Sheet(HEADER, lines), "t.csv").lines)
    assert [(True, "a is '?'"), (False, "place is 'x', in which town is not: Ş"), (False, "f")] == [
        (line.is_aside, line.fault) for line in found
    ]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"zone": "7"}, 1),
        ({"zone": ["8", "7"]}, 1),
        ({"zone": "8"}, 0),
        ({"zone": {"none_of": ["", "-"]}}, 1),
        ({"b": {"none_of": ["", "-"]}}, 0),
        ({"place": {"matches": "Şile"}}, 1),
        ({"town": {"matches": "^Ş"}}, 1),
        ({"town": "sile"}, 1),
        ({"town": "Adalar"}, 0),
    ],
)
def test_lines_are_left_out_by_what_is_in_them(where: dict[str, object], kept: int) -> None:
    assert kept == len(shape({"town": {"of": "place", "split": ",", "part": 2}}, LINE, where=where))


def test_without_derived_columns_lines_stay_as_they_are() -> None:
    sheet = Sheet(HEADER, iter([TableLine(2, LINE)]))
    assert shaped(sheet, (), (), TableMapping().table.numbers, "t.csv") is sheet
    assert [] == shape({}, LINE, where={"zone": "8"})
    assert [[]] == shape({}, LINE, where={"zone": "7"})
    assert [["1 cells under a header of 4"]] == shape({}, ["x"], where={"zone": "7"})


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ({}, "say one of: of"),
        ({"of": "a", "sum": ["b"]}, "say one of: of"),
        ({"of": "a", "split": ","}, "split and part go together"),
        ({"of": "a", "split": ",", "part": 0}, "split and part go together"),
        ({"sum": ["a"], "match": "x"}, "split and match are for a cell"),
        ({"of": "a", "match": "("}, "is no regular expression"),
    ],
)
def test_a_column_that_is_none_is_refused(column: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TableMapping.model_validate({"derived": {"new": column}})


def test_the_name_of_the_file_is_a_column_where_it_is_asked_for() -> None:
    asked = TableMapping.model_validate({"derived": {"saat": {"of": "@file", "match": r"\d+"}}})
    assert (True, False) == (asked.layout.with_file, TableMapping().layout.with_file)
    assert Layout() == TableMapping().layout


def test_an_empty_cell_of_a_merged_column_has_the_text_above_it() -> None:
    rows = [["Şile", "1"], [" ", "2"], ["Fatih", ""], ["Lee"], ["", "3"]]
    lines = [TableLine(number, row) for number, row in enumerate(rows, start=2)]
    mapping = TableMapping.model_validate({"table": {"fill_down": ["town"]}})
    sheet = mapping.shape(Sheet(("town", "box"), iter(lines)), "t.csv")

    assert [["Şile", "1"], ["Şile", "2"], ["Fatih", ""], ["Lee"], ["Fatih", "3"]] == [
        list(line.cells) for line in sheet.lines
    ]
