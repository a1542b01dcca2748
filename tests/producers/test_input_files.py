import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from producers.input_files import all_faults, did_you_mean, indented, parse_toml, some_of


def test_text_becomes_a_tree() -> None:
    assert {"a": {"b": [1, "x"]}} == parse_toml('[a]\nb = [1, "x"]')


@pytest.mark.parametrize("text", ["a =", "a = " + "[" * 100_000, "a = " + "9" * 5_000, "a = 2024-13-01"])
def test_what_cannot_be_read_is_a_fault_of_the_text(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_toml(text)


def test_a_typo_is_told_with_the_nearest_known_word() -> None:
    assert " Did you mean 'duplicate'?" == did_you_mean("duplicat", ["delay", "duplicate"])
    assert not did_you_mean("wormhole", ["delay", "duplicate"])


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c"], "a, b and 1 more")]
)
def test_many_names_are_named_up_to_a_limit_and_the_rest_counted(names: list[str], text: str) -> None:
    assert text == some_of(names, 2)


class District(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    boxes: int = 1


class Country(BaseModel):
    districts: list[District]

    @model_validator(mode="after")
    def _has_districts(self) -> "Country":
        if not self.districts:
            raise ValueError("a country has districts")
        return self


def faults(tree: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Country.model_validate(tree)
    return all_faults(caught.value, Country, tree)


def test_every_fault_is_told_with_its_place_by_id_and_with_what_a_typo_may_have_meant() -> None:
    tree = {"districts": [{"id": "a", "boxe": 2}, {"id": "b", "boxes": "many"}, {"boxes": 2}]}

    typo, number, missing = faults(tree)
    assert "districts.a.boxe: Extra inputs are not permitted. Did you mean 'boxes'?" == typo
    assert number.startswith("districts.b.boxes: Input should be a valid integer")
    assert "districts.2.id: Field required" == missing
    assert f"  {typo}\n  {missing}" == indented([typo, missing])


def test_a_fault_of_the_whole_file_has_no_place() -> None:
    assert ["Value error, a country has districts"] == faults({"districts": []})
