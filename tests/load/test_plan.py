from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clients.session import Catalogue
from producers.simulating.library import read_scenario
from sandik.load.plan import DEFAULT_MIX, Mix, Share, parse_mix, read_mix
from schemas.errors import UsageError

EXAMPLE = Path(__file__).parents[2] / "examples" / "load-mix.toml"
ONE = '[[subscription]]\ncontest = "mayor"\nsource = "aa"\nunits = ["tr"]\n'


def share(weight: float) -> Share:
    return Share(weight=weight, contest="mayor", source="aa", units=("tr",))


def test_the_example_is_what_is_used_by_default() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == DEFAULT_MIX.read_text(encoding="utf-8")


def test_the_default_asks_for_what_the_simulator_has() -> None:
    catalogue = Catalogue(read_scenario().definition())

    for each in read_mix(DEFAULT_MIX).subscription:
        assert catalogue.subscription(each.message()).units


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8), st.integers(0, 500))
def test_clients_are_allotted_by_weight(weights: list[float], clients: int) -> None:
    found = Counter(Mix(subscription=tuple(map(share, weights))).allot(clients))

    assert clients == found.total()
    for index, weight in enumerate(weights):
        assert abs(found[index] - clients * weight / sum(weights)) < len(weights)


def test_every_stretch_of_clients_is_mixed() -> None:
    assert [0, 1, 0, 0, 1, 0] == list(Mix(subscription=(share(2), share(1))).allot(6))


def test_a_subscription_is_asked_for_as_the_protocol_has_it() -> None:
    (each,) = parse_mix(ONE + "max_rate_hz = 5\n").subscription

    assert {
        "type": "subscribe",
        "id": "load",
        "contest": "mayor",
        "units": ["tr"],
        "source": "aa",
        "max_rate_hz": 5.0,
    } == each.message().model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "subscription: Field required"),
        ("subscription = []", "subscription: Tuple should have at least 1 item"),
        ("[[subscription", "is not TOML"),
        (ONE.replace("contest", "race"), "subscription.0.contest: Field required"),
        (ONE + "weight = 0\n", "subscription.0.weight: Input should be greater than 0"),
        (ONE + 'colour = "red"\n', "subscription.0.colour: Extra inputs are not permitted"),
        (ONE.replace('["tr"]', '["tr/**"]'), "subscription.0.units.0: String should match"),
        (ONE + "max_rate_hz = 1000\n", "subscription.0.max_rate_hz"),
    ],
)
def test_a_mix_that_is_wrong_says_where(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=r"^mix\.toml") as error:
        parse_mix(text, "mix.toml")

    assert says in str(error.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_mix(tmp_path / "none.toml")
