import pytest

from gateway.brands.contrast import BLACK, WHITE, channels, contrast, over


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#112233", "#112233", 1.0)]
)
def test_the_ratio_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert pytest.approx(ratio, abs=0.01) == contrast(channels(one), channels(other))
    assert contrast(channels(one), channels(other)) == contrast(channels(other), channels(one))


def test_what_lets_something_through_takes_on_its_colour() -> None:
    assert WHITE == over(BLACK, 0, WHITE)
    assert (127.5, 127.5, 127.5) == over(BLACK, 0.5, WHITE)
