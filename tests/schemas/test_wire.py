"""Messages of the stream as a client reads them, and their AsyncAPI document, which AsyncAPI's own parser accepts.

A word that a newer server has costs no message.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from pydantic import ValidationError

from sandik.commands.reference import asyncapi_document
from schemas.wire import CLIENT_MESSAGE, FROM_THE_SERVER, SERVER_MESSAGE, State, asyncapi
from tests.node.node import needs_packages, run_node

AT = "2024-03-31T19:00:00+03:00"


def state(word: object) -> bytes:
    """A state in which a feed is said to be this."""
    feeds = {"aa": {"state": word, "last_event": AT, "age_s": 1}}
    return orjson.dumps({"type": "state", "seq": 1, "at": AT, "feeds": feeds})


def test_a_client_keeps_a_word_that_it_does_not_know() -> None:
    found = SERVER_MESSAGE.validate_json(state("paused"), context=FROM_THE_SERVER)
    assert isinstance(found, State)
    assert "paused" == str(found.feeds["aa"].state)


@pytest.mark.parametrize("word", [5, None, ["live"]])
def test_what_is_no_word_is_refused_by_a_client_too(word: object) -> None:
    with pytest.raises(ValidationError):
        SERVER_MESSAGE.validate_json(state(word), context=FROM_THE_SERVER)


def test_a_server_says_no_word_that_the_protocol_does_not_have() -> None:
    with pytest.raises(ValidationError, match="'live', 'quiet', 'stale' or 'down'"):
        SERVER_MESSAGE.validate_json(state("paused"))


COPY = Path(__file__).parents[2] / "docs" / "asyncapi.json"
EXAMPLES = Path(__file__).parents[2] / "docs" / "protocol.md"


def kinds(adapter: Any) -> set[str]:
    """Every type of message that an adapter takes."""
    return set(adapter.json_schema()["discriminator"]["mapping"])


def test_the_copy_in_the_docs_is_current() -> None:
    assert asyncapi_document() == COPY.read_bytes(), "run: sandik schema asyncapi > docs/asyncapi.json"


def test_every_message_is_there_and_goes_the_right_way() -> None:
    operations = asyncapi()["operations"]
    ways = {name: operation["action"] for name, operation in operations.items()}
    assert dict.fromkeys(kinds(CLIENT_MESSAGE), "receive") | dict.fromkeys(kinds(SERVER_MESSAGE), "send") == ways


def test_every_close_code_of_ours_is_there() -> None:
    assert {"4000", "4001", "4003", "4500", "4501"} <= asyncapi()["channels"]["stream"]["x-close-codes"].keys()


@pytest.mark.parametrize("line", [line for line in EXAMPLES.read_text().splitlines() if line.startswith('{"type"')])
def test_the_examples_of_the_protocols_page_fit_it(line: str) -> None:
    document = asyncapi()
    message = json.loads(line)
    schema = {"$ref": f"#/components/schemas/{message['type'].capitalize()}", "components": document["components"]}
    jsonschema.Draft7Validator(schema).validate(message)


async def test_the_official_parser_accepts_it() -> None:
    needs_packages()
    found = json.loads(await run_node("asyncapi.mjs", said=asyncapi_document().decode()))
    names = sorted(kinds(CLIENT_MESSAGE) | kinds(SERVER_MESSAGE))
    assert {"complaints": [], "version": "3.1.0", "operations": names, "messages": names} == found
