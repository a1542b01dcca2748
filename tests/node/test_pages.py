"""The pages' modules that need no page: their own tests in `pages/`, and laws that are written down in Python."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabulation.derived.facts import valid_shares_bp
from tabulation.figures import CONTRADICTIONS
from tabulation.seats import Poll, council_plan, divide_constituency
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


COUNCIL = st.tuples(
    st.lists(st.integers(0, 90_000) | st.integers(0, 5), min_size=1, max_size=8).filter(any),
    st.sampled_from([9, 11, 15, 25, 31, 37, 45, 55]),
    st.integers(0, 5),
    st.sets(st.sampled_from(["p0", "p3"])),
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(councils=st.lists(COUNCIL, min_size=CASES, max_size=CASES))
async def test_a_page_divides_a_council_as_the_gateway_does(
    councils: list[tuple[list[int], int, int, set[str]]],
) -> None:
    """Where an address says the members, the page divides by the votes that it shows, also without a gateway."""
    cases = [
        ({f"p{number}": n for number, n in enumerate(counts)}, members, quota, alone)
        for counts, members, quota, alone in councils
    ]
    answers = await ask(
        "overlays/seats",
        [
            [
                "allocate",
                votes,
                {"members": members, "quota": quota, "valid": sum(votes.values()), "alone": sorted(alone)},
            ]
            for votes, members, quota, alone in cases
        ],
    )
    for (votes, members, quota, alone), answer in zip(cases, answers, strict=True):
        poll = Poll(votes, 0)
        found = divide_constituency(council_plan({"u": members}, quota), "u", poll, poll, alone)
        assert {name: many for name, many in found.seats.items() if many} == {
            name: count for name, count in answer["seats"] if count
        }
        assert (found.open, sorted(found.barred)) == (answer["open"], sorted(answer["barred"]))
