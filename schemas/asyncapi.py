"""The stream as an AsyncAPI document, made from the models: what a generator of clients or of documentation reads.

The application that it describes is the gateway: it receives what clients send, and sends the rest.
https://www.asyncapi.com/docs/reference/specification/v3.1.0
"""

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from schemas.fields import Frozen
from schemas.wire import (
    CLOSE_REASONS,
    MAX_MESSAGE_BYTES,
    PROTOCOL,
    Delta,
    Error,
    Event,
    Goodbye,
    Hello,
    Snapshot,
    State,
    Subscribe,
    Unsubscribe,
    Unsubscribed,
)

VERSION: Final = "3.1.0"
"""The newest published version of the specification; AsyncAPI's own parser validates it."""

CONTRACT_VERSION: Final = "1.0.0"
"""Of `sandik.v1`: fields and kinds of messages may be added; a reader ignores what it does not know."""

FROM_CLIENTS: Final[tuple[type[Frozen], ...]] = (Subscribe, Unsubscribe)
FROM_SERVER: Final[tuple[type[Frozen], ...]] = (Hello, Snapshot, Delta, State, Event, Unsubscribed, Error, Goodbye)

_SCHEMA: Final = "#/components/schemas/{model}"
_REPLIES: Final[dict[type[Frozen], tuple[type[Frozen], ...]]] = {
    Subscribe: (Snapshot, Delta, Error),
    Unsubscribe: (Unsubscribed, Error),
}
_DESCRIPTION: Final = (
    f"One WebSocket, `{PROTOCOL}`: JSON in text messages, of at most {MAX_MESSAGE_BYTES} bytes from clients. A client "
    "subscribes, gets a snapshot once, and then deltas of absolute values from its cursor (epoch, seq) on. Close codes "
    "from 4000 to 4499 ask it to connect again with the cursor, from 4500 on not to."
)


def document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    return {
        "asyncapi": VERSION,
        "id": f"urn:sandik:{PROTOCOL}",
        "info": {
            "title": f"sandik: the stream {PROTOCOL}",
            "version": CONTRACT_VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {
                "host": "localhost:8765",
                "protocol": "ws",
                "description": "A gateway; behind TLS the protocol is wss.",
                "security": [_ref("securitySchemes", "bearer"), _ref("securitySchemes", "query")],
            }
        },
        "channels": {"stream": _channel()},
        "operations": _operations(),
        "components": {
            "messages": {_name(model): _message(model) for model in (*FROM_CLIENTS, *FROM_SERVER)},
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A read token in the header."},
                "query": {
                    "type": "httpApiKey",
                    "in": "query",
                    "name": "token",
                    "description": "The same in the URL, for browsers. Without either a client is the public.",
                },
            },
        },
    }


def _channel() -> dict[str, Any]:
    return {
        "address": "/v1/stream",
        "title": "The stream",
        "servers": [{"$ref": "#/servers/gateway"}],
        "messages": {_name(model): _ref("messages", _name(model)) for model in (*FROM_CLIENTS, *FROM_SERVER)},
        "bindings": {
            "ws": {
                "bindingVersion": "0.1.0",
                "method": "GET",
                "query": {"type": "object", "properties": {"token": {"type": "string"}}},
            }
        },
        "x-close-codes": {str(code.value): reason for code, reason in CLOSE_REASONS.items()},
    }


def _operations() -> dict[str, Any]:
    received = {_name(model): _operation("receive", model, _REPLIES[model]) for model in FROM_CLIENTS}
    return received | {_name(model): _operation("send", model) for model in FROM_SERVER}


def _operation(action: str, model: type[Frozen], replies: tuple[type[Frozen], ...] = ()) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": "#/channels/stream"},
        "summary": _summary(model),
        "messages": [_in_channel(model)],
    }
    if replies:
        answers = [_in_channel(reply) for reply in replies]
        operation["reply"] = {"channel": {"$ref": "#/channels/stream"}, "messages": answers}
    return operation


def _message(model: type[Frozen]) -> dict[str, Any]:
    return {
        "name": _name(model),
        "title": model.__name__,
        "summary": _summary(model),
        "contentType": "application/json",
        "payload": _ref("schemas", model.__name__),
    }


def _schemas() -> dict[str, Any]:
    """Return the JSON schema of every model and its parts, as they are read: a field with a default may be absent."""
    models = [(model, "validation") for model in (*FROM_CLIENTS, *FROM_SERVER)]
    _, described = models_json_schema(models, ref_template=_SCHEMA)  # type: ignore[arg-type]  # the mode is a literal
    schemas: dict[str, Any] = described["$defs"]
    return dict(sorted(schemas.items()))


def _name(model: type[Frozen]) -> str:
    return model.__name__.lower()


def _summary(model: type[Frozen]) -> str:
    """Return the first paragraph of the model's docstring, without the sender it begins with ("Server: ")."""
    first = " ".join((model.__doc__ or "").split("\n\n")[0].split())
    sentence = first.partition(": ")[2] or first
    return sentence[0].upper() + sentence[1:]


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _in_channel(model: type[Frozen]) -> dict[str, str]:
    return {"$ref": f"#/channels/stream/messages/{_name(model)}"}
