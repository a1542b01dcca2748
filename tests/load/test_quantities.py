from collections.abc import Callable

import pytest

from sandik.load.quantities import rate, seconds, share
from schemas.errors import UsageError


@pytest.mark.parametrize(("text", "expected"), [("500ms", 0.5), ("10s", 10), ("1.5 m", 90), ("1h", 3600), ("0s", 0)])
def test_times_have_units(text: str, expected: float) -> None:
    assert expected == seconds(text, "--ramp")


@pytest.mark.parametrize(("text", "expected"), [("20%", 0.2), ("0 %", 0), ("100%", 1), ("12.5%", 0.125)])
def test_shares_are_percentages(text: str, expected: float) -> None:
    assert expected == share(text, "--stalled")


@pytest.mark.parametrize(("text", "expected"), [("2000/s", 2000), ("0.5 / s", 0.5)])
def test_rates_are_per_second(text: str, expected: float) -> None:
    assert expected == rate(text, "--feed")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((seconds, text) for text in ("", "10", "ten", "-1s", "1 d", "10s please")),
        *((share, text) for text in ("20", "101%", "-1%", "x%")),
        *((rate, text) for text in ("2000", "0/s", "2000/m", "/s")),
    ],
)
def test_what_is_none_names_the_option_and_an_example(read: Callable[[str, str], float], text: str) -> None:
    with pytest.raises(UsageError, match=r"--option.*Give for example"):
        read(text, "--option")
