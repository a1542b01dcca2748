from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from sandik.commands.reference import SCHEMAS, json_schema, schema
from schemas.errors import UsageError
from tests.builders import counted, reported, small_election, value_of, withdrawn


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(orjson.loads(json_schema(name)))


def test_what_we_accept_the_schema_accepts() -> None:
    for tally in (counted(), withdrawn(), reported()):
        Draft202012Validator(orjson.loads(json_schema("tally"))).validate(orjson.loads(value_of(tally)))
    Draft202012Validator(orjson.loads(json_schema("definition"))).validate(small_election().model_dump(mode="json"))


def test_all_schemas_are_written_a_file_each(tmp_path: Path) -> None:
    schema(out=tmp_path / "new")

    assert {"asyncapi.json", *(f"{name}.schema.json" for name in SCHEMAS)} == {
        path.name for path in (tmp_path / "new").iterdir()
    }


@pytest.mark.parametrize("arguments", [{}, {"name": "tally", "out": Path("x")}, {"name": "nonsense"}])
def test_a_call_that_cannot_work_says_what_to_do(arguments: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        schema(**arguments)  # type: ignore[arg-type]  # parametrized
