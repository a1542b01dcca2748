"""A few thousand inputs of every target, and that what tries them finds what is broken. The rest: `make fuzz`."""

import random
import time
from contextlib import suppress
from typing import Final

import pytest

from tests.fuzz.bounds import Bound
from tests.fuzz.campaign import run
from tests.fuzz.every import TARGETS, inputs_of
from tests.fuzz.inputs import attempt, input_of, shortest, try_one
from tests.fuzz.mutator import MAX_INPUT_BYTES, mutated
from tests.fuzz.target import Broken, Opened, Target, expect, simple

SEED: Final = 3
INPUTS: Final = 1_500
"""Some seconds of them."""


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_breaks_a_law(name: str) -> None:
    target = TARGETS[name]
    with target.opened() as opened, Bound(target.cpu_s) as bound:
        for data in opened.corpus:
            assert None is attempt(target, bound, opened.check, data), data
        found = (try_one(target, bound, opened, SEED, number) for number in range(inputs_of(target, INPUTS)))
        assert [] == [str(finding) for finding in found if finding is not None]


def test_an_input_is_the_same_bytes_whatever_came_before_it() -> None:
    target = TARGETS["tally"]
    with target.opened() as opened:
        said = [input_of(target, opened.corpus, SEED, number) for number in range(50)]
        assert said == [input_of(target, opened.corpus, SEED, number) for number in range(50)]
    assert 40 < len(set(said))


def test_no_input_is_longer_than_it_may_be_and_json_stays_near_to_json() -> None:
    chance, corpus = random.Random(SEED), [b'{"a": [1, {"b": "x"}], "c": null}', b"a,b\n1,2\n"]
    made = [mutated(chance, corpus) for _ in range(2_000)]
    assert MAX_INPUT_BYTES >= max(map(len, made))
    assert 200 < sum(one.startswith(b"{") and one.endswith(b"}") for one in made)
    assert any(b"NaN" in one for one in made)
    assert any(one.count(b'"a"') == 2 for one in made)


def fussy(data: bytes) -> None:
    expect(b"x" not in data, "it has an x")


def test_what_breaks_a_law_is_found_and_made_short() -> None:
    target = Target("fussy", "a test", 1, simple(lambda: Opened([b"a\nbxb\nc"], fussy)))
    with Bound(target.cpu_s) as bound:
        found = attempt(target, bound, fussy, b"a\nbxb\nc")
        assert found is not None
        assert "it has an x" == found.kind
        assert b"x" == shortest(target, bound, fussy, b"a\nbxb\nc", found.kind)


@pytest.mark.parametrize("swallow", [(), (Exception,)])
def test_an_input_that_takes_too_long_is_stopped(swallow: tuple[type[Exception], ...]) -> None:
    """Also where somebody on the way takes every error for one of theirs."""

    def hang(_: bytes) -> None:
        while True:
            with suppress(*swallow):
                time.process_time()

    with Bound(0.5) as bound, pytest.raises(Broken, match="CPU time"):
        bound.attempt(hang, b"")


def test_a_campaign_counts_what_it_tries() -> None:
    told: list[int] = []
    outcomes = run(["tally"], SEED, 200, 2, lambda _, tried: told.append(tried))
    expected = {"tally": inputs_of(TARGETS["tally"], 200)}
    assert expected == {name: outcome.tried for name, outcome in outcomes.items()}
    assert sum(expected.values()) == sum(told)
    assert [] == [finding for outcome in outcomes.values() for finding in outcome.findings]
