import pytest

from producers.input_files import parse_toml


def test_text_becomes_a_tree() -> None:
    assert {"a": {"b": [1, "x"]}} == parse_toml('[a]\nb = [1, "x"]')


@pytest.mark.parametrize("text", ["a =", "a = " + "[" * 100_000, "a = " + "9" * 5_000, "a = 2024-13-01"])
def test_what_cannot_be_read_is_a_fault_of_the_text(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_toml(text)
