import pytest

from sandik.numbers import decimal, grouped, percent, share


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (999, "999"), (11_360_000, "11.360.000"), (-1234, "-1.234")])
def test_thousands_are_apart(number: int, text: str) -> None:
    assert text == grouped(number)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(5114, 10_000, "%51,14"), (1, 1, "%100,00"), (0, 5, "%0,00"), (0, 0, "—"), (1360, 100, "%1.360,00")],
)
def test_a_percentage_has_its_sign_in_front(part: int, whole: int, text: str) -> None:
    assert text == percent(part, whole)


@pytest.mark.parametrize(("hundredths", "text"), [(5114, "%51,14"), (0, "%0,00"), (None, "—"), (110_000, "%1.100,00")])
def test_a_share_is_written_as_a_percentage(hundredths: int | None, text: str) -> None:
    assert text == share(hundredths)


@pytest.mark.parametrize(("number", "text"), [(0.0, "0,0"), (12.34, "12,3"), (1234.56, "1.234,6"), (-0.5, "-0,5")])
def test_decimals_come_after_a_comma(number: float, text: str) -> None:
    assert text == decimal(number)
