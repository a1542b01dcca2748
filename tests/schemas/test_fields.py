import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.fields import first_fault


class Figures(BaseModel):
    votes: list[int]


def test_the_place_is_told_as_a_path() -> None:
    with pytest.raises(ValidationError) as caught:
        Figures.model_validate({"votes": [1, "many"]})

    assert first_fault(caught.value).startswith("votes.1: Input should be a valid integer")


def test_what_is_wrong_as_a_whole_has_no_place() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("many")

    assert first_fault(caught.value).startswith("Input should be a valid integer")


@pytest.mark.parametrize(("quoted_chars", "begins"), [(10, "votes.1 'many voter': Input"), (3, "votes.1 'man': Input")])
def test_the_input_is_quoted_where_it_is_asked_for_and_only_so_much_of_it(quoted_chars: int, begins: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Figures.model_validate({"votes": [1, "many voters"]})

    assert first_fault(caught.value, quoted_chars=quoted_chars).startswith(begins)
