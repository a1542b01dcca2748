import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sandik.totals_table import MAX_TIED_NAMED, Names, TotalsTables
from schemas.definition import Candidate, Election
from schemas.totals import Row
from tests.builders import small_election

ELECTION = small_election()
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
