import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabulation.derived.number_text import Language, count_text, percent_text, points_text


@pytest.mark.parametrize(
    ("language", "count", "percent", "points"),
    [("tr", "11.360.000", "%51,14", "1.155,05"), ("en", "11,360,000", "51.14%", "1,155.05")],
)
def test_each_language_has_its_marks(language: Language, count: str, percent: str, points: str) -> None:
    assert count_text(11_360_000, language) == count
    assert percent_text(5_114, language) == percent
    assert points_text(115_505, language) == points


def test_nothing_is_no_number() -> None:
    assert (percent_text(None, "tr"), points_text(None, "en"), count_text(0, "tr"), percent_text(0, "tr")) == (
        "",
        "",
        "0",
        "%0,00",
    )


@given(st.integers(0, 10**12))
def test_a_text_reads_back_as_its_number(number: int) -> None:
    assert int(count_text(number, "tr").replace(".", "")) == number
    assert int(percent_text(number, "tr").strip("%").replace(".", "").replace(",", "")) == number
