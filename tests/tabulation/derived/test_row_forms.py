"""Against a naive oracle: every row worked out and encoded at once, by a gateway that knows of no pieces."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tabulation.derived.row_forms as module
from schemas.definition import Candidate, Contest
from schemas.totals import Cell
from tabulation.derived.columns import Columns, Row, SameKey, Shape
from tabulation.derived.row_forms import (
    CsvRows,
    FlatObject,
    Form,
    Frame,
    JsonRows,
    RowContext,
    RowKey,
    Table,
    UnknownField,
)
from tabulation.figures import UnitFigures
from tabulation.view import View
from tests.gateway.nights import DISTRICTS, election, totals
from tests.tabulation.derived.test_swing import land
from tests.tabulation.test_trees import record

ELECTION = election()
PAIRS = [(contest.id, source.id) for contest in ELECTION.contests for source in ELECTION.sources]
ONE = PAIRS[:1]
FORMS: dict[str, Form] = {"json": JsonRows(), "csv": CsvRows(), "flat": FlatObject()}
BALLOTS = {"mayor": ("kurum", "imamoglu"), "council": ("b",)}

Change = Callable[[View], object]


def around(view: View, held: frozenset[str] = frozenset(), feed: str = "live") -> Callable[[RowKey], RowContext]:
    def said(place: RowKey) -> RowContext:
        head: Row = {"seq": view.seq, "contest": place.contest, "source": place.source}
        return RowContext(head, feed, place.unit.id in held)

    return said


def table(form: Form, pairs: list[tuple[str, str]], *, slots: int = 2) -> Table:
    columns = Columns(ELECTION)
    units = columns.sorted_units(None)
    shape = Shape(slots, "tr", columns.candidates(dict(pairs), [unit.id for unit in units]))
    return Table(columns, pairs, units, shape, form)


def from_scratch(view: View, form: str, pairs: list[tuple[str, str]], held: frozenset[str], *, slots: int = 2) -> bytes:
    columns = Columns(ELECTION)
    units = columns.sorted_units(None)
    shape = Shape(slots, "tr", columns.candidates(dict(pairs), [unit.id for unit in units]))
    rows: list[Row] = []
    for contest, source in pairs:
        head: Row = {"seq": view.seq, "contest": contest, "source": source}
        for unit in units:
            said: Row = {"feed": "live", "held": int(unit.id in held)}
            rows.append(head | columns.row(contest, unit, view.figures(contest, source, unit.id), shape) | said)
    if form == "json":
        return orjson.dumps(rows)
    if form == "csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()
    flat: Row = {name: rows[0][name] for name in ("seq", "contest", "source", "feed")}
    for row in rows:
        key = columns.unit_key(str(row["unit"]))
        flat |= {f"{key}_{name}": value for name, value in row.items() if name not in flat}
    return orjson.dumps(flat)


@dataclass(frozen=True)
class Counted:
    """A record of the totals topic comes in."""

    cell: Cell
    votes: int
    minute: int
    overridden: bool

    def __call__(self, view: View) -> None:
        said = totals(
            self.cell.district,
            {name: self.votes + place for place, name in enumerate(BALLOTS[self.cell.contest])},
            version=view.version(self.cell) + 1,
            minute=self.minute,
            contest=self.cell.contest,
            source=self.cell.source,
        )
        marked = said.model_copy(update={"overridden": ("valid",) if self.overridden else ()})
        view.apply(view.seq, marked)


def body(kept: Table, view: View, context: Callable[[RowKey], RowContext]) -> bytes:
    return joined(*kept.lines(view.figures, context))


def joined(frame: Frame, lines: list[bytes]) -> bytes:
    return frame.before + frame.between.join(lines) + frame.after


CELLS = st.builds(
    Cell, st.sampled_from(["mayor", "council"]), st.sampled_from(["aa", "anka"]), st.sampled_from(DISTRICTS)
)
COUNTED = st.builds(Counted, CELLS, st.integers(0, 2_000), st.integers(0, 5), st.booleans())
HIDDEN = CELLS.map(lambda cell: lambda view: view.hide(view.seq, cell))
SHOWN = CELLS.map(lambda cell: lambda view: view.show(view.seq, cell, view.totals(cell)))
RESTATED = CELLS.map(lambda cell: lambda view: view.restate_overridden(cell))
DETACHED = st.just(View.detach)
CHANGES = st.lists(st.one_of(COUNTED, COUNTED, HIDDEN, SHOWN, RESTATED, DETACHED), max_size=8)
HELD = st.frozensets(st.sampled_from(["tr", *DISTRICTS]))


@pytest.mark.parametrize("form", FORMS)
@given(answers=st.lists(st.tuples(CHANGES, HELD, st.integers(0, 30)), min_size=1, max_size=4))
def test_an_answer_is_the_same_bytes_as_one_from_scratch_whatever_changed_since_the_last(
    form: str, answers: list[tuple[list[Change], frozenset[str], int]]
) -> None:
    pairs = ONE if form == "flat" else PAIRS
    view, kept = View(ELECTION), table(FORMS[form], pairs)
    for changes, held, begun in answers:
        making = kept.make(view.figures)
        for place, change in enumerate(changes):
            if place == begun:
                next(making, None)
            change(view)
        assert body(kept, view, around(view, held)) == from_scratch(view, form, pairs, held)


def test_only_the_rows_of_units_that_changed_are_made_again() -> None:
    """Seen by what is looked up: a unit that changed behind its table's back is told of by its count of changes."""
    view, kept = View(ELECTION), table(JsonRows(), ONE)
    for district in DISTRICTS:
        view.apply(view.seq, totals(district))
    body(kept, view, around(view))
    uskudar, cankaya = (view.figures("mayor", "aa", unit) for unit in ("tr/34/uskudar", "tr/06/cankaya"))
    assert uskudar
    assert cankaya
    uskudar.counts["cast"] = cankaya.counts["cast"] = 987
    cankaya.touch(view.seq)
    rows = {row["unit"]: row["cast"] for row in orjson.loads(body(kept, view, around(view)))}
    assert (rows["tr/06/cankaya"], rows["tr/34/uskudar"]) == (987, 1)


def test_what_goes_around_the_rows_is_said_anew_each_time() -> None:
    view, kept = View(ELECTION), table(JsonRows(), ONE)
    before = orjson.loads(body(kept, view, around(view)))
    after = orjson.loads(body(kept, view, around(view, frozenset({"tr"}), feed="down")))
    assert [(row["feed"], row["held"]) for row in (before[0], after[0], after[1])] == [
        ("live", 0),
        ("down", 1),
        ("down", 0),
    ]


def test_others_have_a_turn_after_every_few_values_until_all_pieces_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = table(JsonRows(), PAIRS)
    monkeypatch.setattr(module, "MAX_VALUES_AT_ONCE", 2 * len(kept.names))
    view = View(ELECTION)
    view.apply(0, totals())
    rows = len(PAIRS) * len(ELECTION.units)
    assert sum(1 for _ in kept.make(view.figures)) == rows // 2
    assert sum(1 for _ in kept.make(view.figures)) == 0
    view.apply(1, totals(version=1, votes={"kurum": 3}))
    assert sum(1 for _ in kept.make(view.figures)) == 1  # the district and its province; the country after the turn
    assert sum(1 for _ in kept.make(view.figures)) == 0


def test_another_views_figures_are_not_taken_for_these() -> None:
    one, other, kept = View(ELECTION), View(ELECTION), table(JsonRows(), ONE)
    one.apply(0, totals(votes={"kurum": 1}))
    other.apply(0, totals(votes={"kurum": 2}))
    seen = [
        figures.changes
        for view in (one, other)
        if isinstance(figures := view.figures("mayor", "aa", "tr"), UnitFigures)
    ]
    assert seen[0] == seen[1]
    assert body(kept, one, around(one)) == from_scratch(one, "json", ONE, frozenset())
    assert body(kept, other, around(other)) == from_scratch(other, "json", ONE, frozenset())


def test_what_has_changed_since_the_last_time_is_told_by_the_units_below() -> None:
    definition = land()
    view, columns = View(definition), Columns(definition)
    view.apply(0, record("gb/bath", 1, 2, {"a": 45, "b": 55, "c": 0}))
    shape = Shape(0, "en", ("a", "b", "c"))
    rows = Table(columns, [("m", "aa")], [definition.unit_by_id["gb"]], shape, JsonRows())
    (country,) = orjson.loads(body(rows, view, around(view)))
    assert (1, 1, 15) == (country["compared"], country["flipped"], country["b_votes_change"])


def test_candidates_whose_columns_would_be_the_same_have_no_table() -> None:
    names = tuple(Candidate(id=name, name=name) for name in ("a-b", "a_b"))
    columns = Columns(ELECTION.model_copy(update={"contests": (Contest(id="mayor", name="M", candidates=names),)}))
    with pytest.raises(SameKey, match="'a-b' and 'a_b'"):
        Table(columns, ONE, columns.sorted_units(None), Shape(0, "tr", ("a-b", "a_b")), JsonRows())


NAMES: Final = ("unit_name", "votes", "pct")
ROW: Final[Row] = {"unit_name": 'Ağrı, "Merkez"\nİlçe', "votes": 7, "pct": 0.0}
AROUND: Final = RowContext({"seq": 3, "contest": "mayor"}, "live", held=True)


def whole(form: Form) -> bytes:
    lines = [form.line(key, form.piece(key, ROW), AROUND) for key in ("agri", "34")]
    return joined(form.frame(NAMES, AROUND), lines)


def test_json_is_what_encoding_the_rows_at_once_gives() -> None:
    row = {**AROUND.head, **ROW, "feed": "live", "held": 1}
    assert whole(JsonRows()) == orjson.dumps([row, row])


def test_csv_is_read_back_as_it_was_written() -> None:
    text = whole(CsvRows()).decode()
    assert text.startswith("seq,contest,unit_name,votes,pct,feed,held\r\n3,mayor,")
    assert text.endswith(",7,0.0,live,1\r\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows[1:] == [["3", "mayor", str(ROW["unit_name"]), "7", "0.0", "live", "1"]] * 2


def test_csv_with_semicolons_has_decimal_commas_as_a_spreadsheet_in_turkish_reads_them() -> None:
    form = CsvRows(";")
    line = form.line("agri", form.piece("agri", ROW | {"pct": 51.14}), AROUND)
    text = joined(form.frame(NAMES, AROUND), [line]).decode()
    header, values = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    assert ["seq", "contest", "unit_name", "votes", "pct", "feed", "held"] == header
    assert ["3", "mayor", str(ROW["unit_name"]), "7", "51,14", "live", "1"] == values


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-cmd", "'-cmd"),
        ("\tx", "'\tx"),
        ("-1,5", "-1,5"),
        ("+3", "+3"),
        ("%51,14", "%51,14"),
        ("Ağrı", "Ağrı"),
        ("", ""),
    ],
)
def test_no_text_in_csv_is_a_formula(text: str, written: str) -> None:
    line = CsvRows().piece("agri", {"unit_name": text, "votes": -7}).decode()
    assert [[written, "-7"]] == list(csv.reader(io.StringIO(line, newline=""), strict=True))


def test_one_object_says_what_is_shared_once_and_the_rest_behind_each_units_key() -> None:
    own = {f"{key}_{name}": value for key in ("agri", "34") for name, value in {**ROW, "held": 1}.items()}
    assert whole(FlatObject()) == orjson.dumps({**AROUND.head, "feed": "live", **own})


@pytest.mark.parametrize("held", [False, True])
def test_a_hold_is_0_or_1(held: bool) -> None:
    around = RowContext({"seq": 1, "contest": "mayor"}, "down", held)
    row = orjson.loads(JsonRows().line("agri", JsonRows().piece("agri", ROW), around))
    assert (row["feed"], row["held"]) == ("down", int(held))


def test_only_the_columns_that_are_asked_for_are_there_in_that_order() -> None:
    columns = Columns(ELECTION)
    units = columns.sorted_units(None)
    view = View(ELECTION)
    some = Table(columns, ONE, units, Shape(1, "tr", ()), CsvRows(), ("1_votes", "unit"))
    text = body(some, view, around(view)).decode()
    assert "seq,contest,source,1_votes,unit,feed,held" == text.partition("\r\n")[0]
    with pytest.raises(UnknownField, match="There is no column 'kurum_votes'"):
        Table(columns, ONE, units, Shape(1, "tr", ()), JsonRows(), ("unit", "kurum_votes"))
