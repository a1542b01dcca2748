"""The stream's AsyncAPI document: what it says is what the models say, and AsyncAPI's own parser accepts it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sandik.commands.reference import asyncapi_document
from schemas import asyncapi
from schemas.wire import CLIENT_MESSAGE, SERVER_MESSAGE
from tests.node.node import needs_packages, run_node

COPY = Path(__file__).parents[2] / "docs" / "asyncapi.json"
EXAMPLES = Path(__file__).parents[2] / "docs" / "protocol.md"


def kinds(adapter: Any) -> set[str]:
    """Every type of message that an adapter takes."""
    return set(adapter.json_schema()["discriminator"]["mapping"])


def test_the_copy_in_the_docs_is_current() -> None:
    assert asyncapi_document() == COPY.read_bytes(), "run: sandik schema asyncapi > docs/asyncapi.json"


def test_every_message_is_there_and_goes_the_right_way() -> None:
    operations = asyncapi.document()["operations"]
    ways = {name: operation["action"] for name, operation in operations.items()}
    assert dict.fromkeys(kinds(CLIENT_MESSAGE), "receive") | dict.fromkeys(kinds(SERVER_MESSAGE), "send") == ways


def test_every_close_code_of_ours_is_there() -> None:
    assert {"4000", "4001", "4003", "4500", "4501"} <= asyncapi.document()["channels"]["stream"]["x-close-codes"].keys()


@pytest.mark.parametrize("line", [line for line in EXAMPLES.read_text().splitlines() if line.startswith('{"type"')])
def test_the_examples_of_the_protocols_page_fit_it(line: str) -> None:
    document = asyncapi.document()
    message = json.loads(line)
    schema = {"$ref": f"#/components/schemas/{message['type'].capitalize()}", "components": document["components"]}
    jsonschema.Draft7Validator(schema).validate(message)


async def test_the_official_parser_accepts_it() -> None:
    needs_packages()
    found = json.loads(await run_node("asyncapi.mjs", said=asyncapi_document().decode()))
    names = sorted(kinds(CLIENT_MESSAGE) | kinds(SERVER_MESSAGE))
    assert {"complaints": [], "version": "3.1.0", "operations": names, "messages": names} == found
