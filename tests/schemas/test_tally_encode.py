from dataclasses import replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from schemas.tally import Counted, Reported, Withdrawn, encode, parse_tallies

AT = datetime.fromisoformat("2024-03-31T19:38:02+03:00")
COUNTS = st.integers(0, 100_000)


def counted(votes: dict[str, int], unattributed: int = 0) -> Counted:
    return Counted(
        type="counted",
        contest="mayor",
        district="tr/34/sile",
        box=1001,
        source="aa",
        revision=1,
        at=AT,
        registered=300,
        cast=250,
        valid=240,
        invalid=10,
        unattributed=unattributed,
        votes=votes,
    )


def test_the_bytes_are_in_a_fixed_order_without_what_says_nothing() -> None:
    assert encode(counted({"chp": 140, "ak_parti": 100, "dsp": 0})) == (
        b'{"v":1,"type":"counted","contest":"mayor","district":"tr/34/sile","box":1001,"source":"aa","revision":1,'
        b'"at":"2024-03-31T19:38:02+03:00","registered":300,"cast":250,"valid":240,"invalid":10,'
        b'"votes":{"ak_parti":100,"chp":140}}'
    )


def test_a_withdrawal_carries_no_counts() -> None:
    withdrawn = Withdrawn(
        type="annulled", contest="mayor", district="tr/34/sile", box=7, source="aa", revision=2, at=AT
    )
    assert encode(withdrawn) == (
        b'{"v":1,"type":"annulled","contest":"mayor","district":"tr/34/sile","box":7,"source":"aa","revision":2,'
        b'"at":"2024-03-31T19:38:02+03:00"}'
    )
    assert parse_tallies([encode(withdrawn)]) == [withdrawn]


def test_a_report_is_a_districts_totals_without_a_box() -> None:
    reported = Reported(
        type="reported",
        contest="mayor",
        district="tr/34/sile",
        source="aa",
        revision=3,
        at=AT,
        boxes_opened=12,
        registered=3000,
        cast=2500,
        valid=2400,
        invalid=100,
        votes={"chp": 2400, "dsp": 0},
    )
    assert encode(reported) == (
        b'{"v":1,"type":"reported","contest":"mayor","district":"tr/34/sile","source":"aa","revision":3,'
        b'"at":"2024-03-31T19:38:02+03:00","boxes_opened":12,"registered":3000,"cast":2500,"valid":2400,"invalid":100,'
        b'"votes":{"chp":2400}}'
    )
    assert parse_tallies([encode(reported)]) == [replace(reported, votes={"chp": 2400})]


@given(st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9_\-]{0,9}", fullmatch=True), COUNTS, max_size=8), COUNTS)
def test_what_was_encoded_parses_to_the_same_statement(votes: dict[str, int], unattributed: int) -> None:
    (parsed,) = parse_tallies([encode(counted(votes, unattributed))])
    assert parsed == counted({name: count for name, count in votes.items() if count}, unattributed)


@given(st.permutations(["chp", "ak_parti", "dem_parti", "zafer"]))
def test_the_order_in_which_votes_are_named_changes_nothing(names: list[str]) -> None:
    figures = {"chp": 4, "ak_parti": 3, "dem_parti": 2, "zafer": 1}
    assert encode(counted({name: figures[name] for name in names})) == encode(counted(figures))
