import io
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sandik.run_totals import MAX_TIED_NAMED, Names, RunTotals, TotalsTables, totals_of
from schemas.asides import Gate, Override
from schemas.definition import Candidate, Election
from schemas.quarantine import SetAsideHere
from schemas.totals import Cell, Row, Told, Totals
from tabulation.on_air import OnAir
from tabulation.program import Program
from tests.builders import DISTRICTS, NIGHT, small_election
from tests.gateway.nights import Written, totals

ELECTION = small_election()
CELL: dict[str, Any] = {"contest": "mayor", "source": "aa", "district": "tr/34/uskudar"}


def fold_of(*records: Totals | Override | Gate) -> OnAir:
    """The fold of these records, in their order."""
    fold = OnAir(ELECTION)
    for record in records:
        key = record.cell.key() if isinstance(record, Totals) else record.key
        fold.fold(key, record.encode())
    return fold


def kurum(told: RunTotals, unit: str = "tr") -> tuple[int, ...]:
    """Kurum's votes in a unit; nothing where the unit is not told."""
    return tuple(row.votes["kurum"] for row in told.rows if row.unit == unit and row.contest == "mayor")


def by_hand(votes: int, number: int = 1) -> Override:
    return Override(**CELL, override=number, at=NIGHT, figures={"votes.kurum": votes})


def hold(program: Totals | None, number: int = 5) -> Gate:
    return Gate(**CELL, gate=number, held=True, program=program)


ONE = totals(votes={"kurum": 1})
TEN = totals(votes={"kurum": 10}, version=1)


@pytest.mark.parametrize(
    ("records", "on_air", "control_room", "log"),
    [
        ([ONE], (1,), (1,), (1,)),
        ([ONE, by_hand(7)], (7,), (7,), (1,)),
        ([by_hand(7)], (7,), (7,), ()),
        ([ONE, hold(ONE)], (1,), (1,), (1,)),
        ([ONE, hold(ONE), TEN], (1,), (10,), (10,)),
        ([hold(None), ONE], (), (1,), (1,)),
        ([ONE, hold(ONE), by_hand(7)], (1,), (7,), (1,)),
        ([ONE, by_hand(7), by_hand(8, number=2)], (8,), (8,), (1,)),
    ],
)
def test_each_reader_is_told_what_it_asked_for(
    records: list[Totals | Override | Gate],
    on_air: tuple[int, ...],
    control_room: tuple[int, ...],
    log: tuple[int, ...],
) -> None:
    fold = fold_of(*records)

    assert (on_air, control_room, log) == tuple(kurum(totals_of(fold, told, embargoed=False)) for told in Told)


@pytest.mark.parametrize(
    ("told", "says", "says_not"),
    [
        (Told.ON_AIR, "Set by hand: mayor in tr (votes.kurum) of aa; mayor in tr/34 (votes.kurum)", "not in these"),
        (Told.CONTROL_ROOM, "Set by hand: mayor in tr (votes.kurum) of aa; mayor in tr/34", "not in these"),
        (
            Told.LOG,
            "Set by hand on air, and not in these figures: mayor in tr/34/uskudar (votes.kurum) of aa.",
            "tr/34 (",
        ),
    ],
)
def test_what_is_set_by_hand_is_named_also_beside_figures_that_have_none_of_it(
    told: Told, says: str, says_not: str
) -> None:
    sentences = " ".join(totals_of(fold_of(ONE, by_hand(7)), told, embargoed=False).sentences())

    assert says in sentences
    assert says_not not in sentences


def test_what_is_set_by_hand_while_held_is_not_said_to_be_on_air() -> None:
    fold = fold_of(ONE, hold(ONE), by_hand(7))

    assert "Set by hand" not in " ".join(totals_of(fold, Told.LOG, embargoed=False).sentences())
    assert "Set by hand" in " ".join(totals_of(fold, Told.CONTROL_ROOM, embargoed=False).sentences())


def test_held_units_are_named_and_marked_with_everything_above_them() -> None:
    told = totals_of(fold_of(ONE, hold(ONE), totals("tr/41/gebze")), Told.ON_AIR, embargoed=False)

    assert "On hold on air: mayor/tr/34/uskudar." in told.sentences()
    assert {"tr", "tr/34", "tr/34/uskudar"} == {row.unit for row in told.rows if told.is_held(row)}


@pytest.mark.parametrize("embargoed", [True, False])
def test_an_embargo_is_said_to_be_one(embargoed: bool) -> None:
    told = totals_of(fold_of(ONE), Told.LOG, embargoed=embargoed)

    assert embargoed == ("There is an embargo: none of this is on air." in told.sentences())


def test_districts_whose_figures_contradict_each_other_are_named() -> None:
    surplus = totals("tr/34/adalar", {"kurum": 1}, boxes=21)
    told = totals_of(fold_of(ONE, surplus), Told.ON_AIR, embargoed=False)

    (sentence,) = told.doubts(ELECTION)
    assert "from which nothing is claimed: mayor in tr/34/adalar (boxes_over_total" in sentence
    assert "tr/34/uskudar" not in sentence
    assert [] == list(totals_of(fold_of(ONE), Told.ON_AIR, embargoed=False).doubts(ELECTION))


def test_statements_that_are_set_aside_are_counted_beside_the_figures_that_are_without_them() -> None:
    aside = SetAsideHere(count=2, reason="conflict")
    places = {("mayor", source, unit): aside for source in ("aa", "anka") for unit in ("tr", "tr/34/uskudar")}
    told = replace(totals_of(fold_of(ONE, totals("tr/41/gebze")), Told.ON_AIR, embargoed=False), set_aside=places)

    rows = orjson.loads(told.encode())
    assert {"tr": 2, "tr/34": 0, "tr/34/uskudar": 2, "tr/41": 0, "tr/41/gebze": 0} == {
        row["unit"]: row["set_aside"] for row in rows
    }
    (sentence,) = told.only("mayor", "anka").doubts(ELECTION)
    assert sentence.endswith("in none of these figures: mayor in tr/34/uskudar of anka (2, the newest: conflict).")


def test_one_contest_and_source_is_told_with_its_own_marks_alone() -> None:
    other = totals(contest="district_mayor", votes={"chp": 3}, source="anka")
    fold = fold_of(
        ONE, hold(ONE), other, Override(**CELL | {"source": "anka"}, override=1, at=NIGHT, figures={"cast": 4})
    )
    told = totals_of(fold, Told.CONTROL_ROOM, embargoed=False)

    assert {("mayor", "anka")} == {(row.contest, row.source) for row in told.only("mayor", "anka").rows}
    assert told == told.only(None, None)
    council = told.only("district_mayor", "aa")
    assert ((), (), frozenset()) == (council.hold, council.by_hand, council.held)
    assert {"anka"} == {one.source for one in told.only(None, "anka").by_hand}


def test_a_row_for_programs_says_which_figures_it_has_and_whether_it_is_held() -> None:
    rows = orjson.loads(
        totals_of(fold_of(ONE, hold(ONE), totals("tr/41/gebze")), Told.ON_AIR, embargoed=False).encode()
    )

    assert [("tr", True), ("tr/34", True), ("tr/34/uskudar", True), ("tr/41", False), ("tr/41/gebze", False)] == [
        (row["unit"], row["held"]) for row in rows
    ]
    assert {"on_air"} == {row["told"] for row in rows}


cells = st.builds(Cell, st.sampled_from(("mayor",)), st.sampled_from(("aa", "anka")), st.sampled_from(DISTRICTS))
"""Any cell of the metropolitan contest."""


@st.composite
def nights(draw: st.DrawFn) -> list[Totals | Override | Gate]:
    """Records of the totals topic: what sources say, figures set by hand, holds and releases."""
    found: list[Totals | Override | Gate] = []
    for number in range(draw(st.integers(0, 12))):
        where: dict[str, Any] = draw(cells)._asdict()
        count = draw(st.integers(0, 99))
        match draw(st.sampled_from(("totals", "override", "gate"))):
            case "totals":
                said = totals(where["district"], {"kurum": count}, version=number, source=where["source"])
                found.append(said)
            case "override":
                figures = {"votes.kurum": count} if count else {}
                found.append(Override(**where, override=number, at=NIGHT, figures=figures))
            case _:
                found.append(Gate(**where, gate=number, held=bool(count % 2)))
    return found


def naive(records: list[Totals | Override | Gate]) -> dict[Told, dict[Cell, int]]:
    """Kurum's votes by cell, for each way of telling, with nothing of ours: each record's meaning, one by one."""
    log: dict[Cell, int] = {}
    hand: dict[Cell, int] = {}
    frozen: dict[Cell, int | None] = {}
    known: set[Cell] = set()
    for record in records:
        cell = record.cell
        if isinstance(record, Totals):
            log[cell] = record.votes["kurum"]
        elif isinstance(record, Override):
            known.add(cell)
            hand.pop(cell, None)
            if record.figures:
                hand[cell] = record.figures["votes.kurum"]
        elif record.held:
            frozen[cell] = _truth(cell, log, hand, known)
        else:
            frozen.pop(cell, None)
    cells_there = log.keys() | known
    truth = {cell: votes for cell in cells_there if (votes := _truth(cell, log, hand, known)) is not None}
    shown = {cell: truth.get(cell) for cell in cells_there if cell not in frozen} | frozen
    return {
        Told.ON_AIR: {cell: votes for cell, votes in shown.items() if votes is not None},
        Told.CONTROL_ROOM: truth,
        Told.LOG: log,
    }


def _truth(cell: Cell, log: dict[Cell, int], hand: dict[Cell, int], known: set[Cell]) -> int | None:
    return hand.get(cell, log.get(cell, 0 if cell in known else None))


@given(nights())
def test_every_row_is_the_sum_of_what_is_told_of_its_districts(records: list[Totals | Override | Gate]) -> None:
    fold = fold_of(*records)
    for told, expected in naive(records).items():
        sums: dict[tuple[str, str], int] = {}
        for (_, source, district), votes in expected.items():
            for unit in ELECTION.path(district):
                sums[source, unit] = sums.get((source, unit), 0) + votes
        rows = totals_of(fold, told, embargoed=False).rows

        assert sums == {(row.source, row.unit): row.votes["kurum"] for row in rows}


@given(nights())
def test_files_have_the_rows_of_the_gateways_views(records: list[Totals | Override | Gate]) -> None:
    program = Program(ELECTION)
    for offset, record in enumerate(records):
        key = record.cell.key() if isinstance(record, Totals) else record.key
        program.fold(Written(offset, record.encode(), key=key))
    fold = fold_of(*records)

    assert program.view.rows() == list(totals_of(fold, Told.ON_AIR, embargoed=False).rows)
    assert program.live.rows() == list(totals_of(fold, Told.CONTROL_ROOM, embargoed=False).rows)


WIDTH = 200


def row(votes: dict[str, int] | None = None, unit: str = "tr", contest: str = "mayor", source: str = "aa") -> Row:
    """A row of ten opened boxes whose counts follow from its votes."""
    votes = {"imamoglu": 60, "kurum": 40} if votes is None else votes
    valid = sum(votes.values())
    level = ELECTION.unit_by_id[unit].level
    return Row(contest, source, unit, level, 10, 80, 2 * valid, valid, valid, 0, 0, 0, votes)


def written(*rows: Row, held: bool = False, aside: int = 0, election: Election = ELECTION) -> list[str]:
    """The lines that people read, without the spaces that align them."""
    console = Console(file=io.StringIO(), width=WIDTH)
    for table in TotalsTables(election, lambda _: held, lambda _: aside).of(rows):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_everything_is_called_by_its_name_with_its_id_beside() -> None:
    title, *_, line = written(row())

    assert title == "Büyükşehir Belediye Başkanlığı (mayor), Anadolu Ajansı (aa)"
    assert line == "Türkiye (tr) 10 / 80 %50,00 100 Ekrem İmamoğlu (imamoglu) 60 %60,00 0"


def test_before_the_first_vote_nobody_leads() -> None:
    assert "Türkiye (tr) 10 / 80 — 0 — — — 0" == written(row({"imamoglu": 0, "kurum": 0}))[-1]
    assert "Türkiye (tr) 10 / 80 — 0 — — — 0" == written(row({}))[-1]


def test_where_no_vote_is_valid_nobody_leads() -> None:
    assert "0 — — — 0" in written(row({"kurum": 3})._replace(valid=0))[-1]


def test_a_tie_names_all_who_are_in_it_and_no_leader() -> None:
    tied = row({"kurum": 5, "imamoglu": 5, "bagimsiz_1": 1})

    assert "11 tie: Ekrem İmamoğlu (imamoglu), Murat Kurum (kurum) 5 %45,46 0" in written(tied)[-1]


def test_a_tie_of_many_is_a_number() -> None:
    many = tuple(Candidate(id=f"c{number}", name=f"C{number}") for number in range(MAX_TIED_NAMED + 1))
    mayor, council = ELECTION.contests
    election = Election(**dict(ELECTION) | {"contests": (mayor.model_copy(update={"candidates": many}), council)})

    assert "tie of 4 1 %25,00" in written(row({one.id: 1 for one in many}), election=election)[-1]


def test_more_votes_than_valid_ones_are_shares_of_all_votes() -> None:
    assert "kurum) 160 %88,89 0" in written(row({"kurum": 160, "imamoglu": 20})._replace(valid=100))[-1]
    assert "kurum) 60 %60,00 0" in written(row({"kurum": 60, "imamoglu": 20})._replace(valid=100))[-1]


def test_a_turnout_over_100_per_cent_is_told_where_it_is_true_and_flagged() -> None:
    over = row()._replace(cast=110, registered=100)

    assert "%110,00" in written(over._replace(flagged=1))[-1]
    assert "Türkiye (tr) 10 / 80 — 100" in written(over)[-1]
    contradictory = over._replace(flagged=1, contradictions=("cast_over_roll", "valid_over_cast"))
    assert "Türkiye (tr) 10 / 80 — 100" in written(contradictory)[-1]
    assert written(contradictory)[-1].endswith("contradicts: cast_over_roll, valid_over_cast")


def test_a_name_that_is_on_no_ballot_above_its_district_is_its_id() -> None:
    assert "tr/41" in written(row({"nobody": 1}, "tr/41", "district_mayor"))[-1]
    assert "nobody 1 %100,00" in written(row({"nobody": 1}, "tr/41", "district_mayor"))[-1]


def test_what_is_held_and_what_was_set_by_hand_is_marked() -> None:
    by_hand = row()._replace(overridden=("valid", "votes.kurum"))

    assert written(row(), held=True)[-1].endswith("0 held")
    assert written(by_hand)[-1].endswith("0 by hand: valid, votes.kurum")
    assert written(row(), aside=1_200)[-1].endswith("0 set aside: 1.200")
    assert written(by_hand, held=True)[-1].endswith("0 held; by hand: valid, votes.kurum")


def test_units_come_below_their_parents_in_the_alphabets_order_and_contests_in_the_definitions() -> None:
    rows = [row({"chp": 1}, contest="district_mayor")]
    rows += [row(unit=unit, source=source) for source in ("anka", "aa") for unit in sorted(ELECTION.unit_by_id)]
    lines = written(*rows)

    ids = [line.partition("(")[2].partition(")")[0] for line in lines if "(" in line and "turnout" not in line]
    order = ["tr", "tr/34", "tr/34/adalar", "tr/34/kadikoy", "tr/34/uskudar", "tr/41", "tr/41/gebze"]
    assert ids == ["mayor", *order, "mayor", *order, "district_mayor", "tr"]


def test_the_alphabet_is_the_turkish_one() -> None:
    names = {"tr/34/adalar": "Çatalca", "tr/34/kadikoy": "Ağrı", "tr/34/uskudar": "Dalaman", "tr/41/gebze": "İzmit"}
    units = tuple(unit.model_copy(update={"name": names.get(unit.id, unit.name)}) for unit in ELECTION.units)
    lines = written(*(row(unit=unit) for unit in names), election=Election(**dict(ELECTION) | {"units": units}))

    assert ["Ağrı", "Çatalca", "Dalaman", "İzmit"] == [line.split()[0] for line in lines[-4:]]


@given(st.dictionaries(st.sampled_from(("imamoglu", "kurum", "bagimsiz_1")), st.integers(0, 10**9)), st.integers(0, 99))
def test_no_share_of_a_leader_is_over_100_per_cent(votes: dict[str, int], valid: int) -> None:
    line = written(row(votes)._replace(valid=valid, registered=0))[-1]
    share = next((word for word in line.split() if word.startswith("%")), "%0")

    assert float(share.strip("%").replace(".", "").replace(",", ".")) <= 100


def test_a_unit_is_indented_by_its_depth() -> None:
    console = Console(file=io.StringIO(), width=WIDTH)
    rows = [row(unit=unit) for unit in ("tr", "tr/34", "tr/34/uskudar")]
    console.print(next(TotalsTables(ELECTION, lambda _: False).of(rows)))
    assert isinstance(console.file, io.StringIO)
    country, province, district = (len(line) - len(line.lstrip()) for line in console.file.getvalue().splitlines()[-3:])

    assert (2, 2) == (province - country, district - province)


NAMES = Names(small_election())


def test_a_name_has_its_id_beside_it() -> None:
    assert NAMES.contest("mayor") == "Büyükşehir Belediye Başkanlığı (mayor)"
    assert NAMES.source("aa") == "Anadolu Ajansı (aa)"
    assert NAMES.unit("tr/34") == "İstanbul (tr/34)"


def test_a_candidate_is_called_as_on_the_units_own_ballot() -> None:
    assert NAMES.candidate("district_mayor", "tr/34/uskudar", "chp") == "CHP (chp)"
    assert NAMES.candidate("district_mayor", "tr/41/gebze", "chp") == "Gebze Adayı (chp)"
    assert NAMES.candidate("district_mayor", "tr/41", "chp") == "CHP (chp)"


def test_who_has_no_name_there_is_called_by_the_id() -> None:
    assert NAMES.candidate("district_mayor", "tr/41/gebze", "ak_parti") == "ak_parti"
