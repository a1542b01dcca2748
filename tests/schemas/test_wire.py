"""Messages of the stream as a client reads them: a word that a newer server has costs no message."""

import orjson
import pytest
from pydantic import ValidationError

from schemas.wire import FROM_THE_SERVER, SERVER_MESSAGE, State

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
