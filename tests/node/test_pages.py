"""The pages' modules that need no page: their own tests in `pages/`, and laws that are written down in Python."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabulation.derived.facts import valid_shares_bp
from tabulation.view.claims import CONTRADICTIONS
from tests.node.node import FOLDER, run_node

PAGES = sorted(path.name for path in (FOLDER / "pages").glob("*.test.mjs"))
CASES = 20
"""Questions that one run of Node answers: starting it takes longer than answering."""


async def ask(module: str, questions: Sequence[Sequence[object]]) -> list[Any]:
    """What a module's exports are, or return for the arguments beside their names."""
    asked = orjson.dumps({"module": module, "questions": questions}).decode()
    answers: list[Any] = orjson.loads(await run_node("ask.mjs", said=asked))
    return answers


@pytest.mark.parametrize("name", PAGES)
async def test_a_module_does_what_its_own_tests_say(name: str) -> None:
    await run_node("--test", f"pages/{name}")


async def test_every_contradiction_has_its_words_in_both_languages() -> None:
    (words,) = await ask("vocabulary", [["COMMON"]])
    turkish, english = ([words[language][f"odd_{name}"] for name in CONTRADICTIONS] for language in ("tr", "en"))
    assert len(CONTRADICTIONS) == len({*turkish}) == len({*english})
    assert not {*turkish} & {*english}


VOTES = st.lists(st.integers(0, 3) | st.integers(0, 12_000_000), min_size=1, max_size=49)


@given(st.lists(st.tuples(VOTES, st.integers(0, 5_000), st.integers(0, 5_000)), min_size=CASES, max_size=CASES))
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
async def test_the_pages_round_shares_as_the_gateway_does(cases: list[tuple[list[int], int, int]]) -> None:
    """What the board shows is what rows and facts say to the hundredth, and all of it adds up to 100 %."""
    questions = []
    for votes, unattributed, more in cases:
        whole = sum(votes) + unattributed + more
        questions.append(["withShares", [{"votes": count} for count in votes], whole, unattributed])
    for (votes, unattributed, more), found in zip(cases, await ask("rank", questions), strict=True):
        shares = [row["share"] for row in found["ranked"]]
        assert valid_shares_bp(votes, sum(votes) + unattributed + more, unattributed) == shares
        if not more and shares[0] is not None:
            assert 10_000 == sum(shares) + found["unattributedShare"]


def law_2972(votes: dict[str, int], members: int, quota: int) -> dict[str, int] | None:
    """Article 23 in the plainest way, with fractions; None where a lot decides."""
    valid = sum(votes.values())
    left = {name: count - Fraction(valid, 10) for name, count in votes.items()}
    shares = [(rest / divisor, name) for name, rest in left.items() if rest > 0 for divisor in range(1, members + 1)]
    shares.sort(reverse=True)
    seats = members - quota
    if seats < len(shares) and shares[seats - 1][0] == shares[seats][0]:
        return None
    first = max(votes.values())
    if quota and list(votes.values()).count(first) > 1:
        return None
    given: dict[str, int] = {}
    for _, name in shares[:seats]:
        given[name] = given.get(name, 0) + 1
    if quota:
        winner = max(votes, key=lambda name: votes[name])
        given[winner] = given.get(winner, 0) + quota
    return given


COUNCIL = st.tuples(
    st.lists(st.integers(0, 90_000), min_size=1, max_size=8).filter(any),
    st.sampled_from([9, 11, 15, 25, 31, 37, 45, 55]),
    st.integers(0, 5),
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(councils=st.lists(COUNCIL, min_size=CASES, max_size=CASES))
async def test_seats_are_those_of_law_2972(councils: list[tuple[list[int], int, int]]) -> None:
    """Against the article's text in fractions; where that needs a lot, seats are left open and none is invented."""
    cases = [
        ({f"p{number}": count for number, count in enumerate(counts)}, members, quota)
        for counts, members, quota in councils
    ]
    answers = await ask(
        "overlays/seats",
        [
            ["allocate", votes, {"members": members, "quota": quota, "valid": sum(votes.values())}]
            for votes, members, quota in cases
        ],
    )
    for (votes, members, quota), answer in zip(cases, answers, strict=True):
        seats = {name: count for name, count in answer["seats"] if count}
        assert members == sum(seats.values()) + answer["open"]
        expected = law_2972(votes, members, quota)
        if expected is None:
            assert answer["open"] > 0
        else:
            assert (expected, 0) == (seats, answer["open"])
